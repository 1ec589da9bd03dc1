"""Checks that users run themselves, on their own machines."""
