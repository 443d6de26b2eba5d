"""Data sets: splits, class names, text templates."""
