"""Training in pure torch: knows no scheduler, no tracker, no file of a sweep."""
