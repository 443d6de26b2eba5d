"""Methods, one file each; a file whose name starts with '_' is none. See `_template.py`."""
