"""From pictures to a file of predictions, and from such a file, anybody's, to checked columns."""
