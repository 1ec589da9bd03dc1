"""Data sets of an audit: manifests and their statements, places of pictures, known layouts."""
