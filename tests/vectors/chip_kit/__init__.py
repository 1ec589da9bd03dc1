"""Makes files of passport chips, good and bad, without the library's help."""
