"""The metrics of an evaluation, one module for each kind; each reads a table's cells."""
