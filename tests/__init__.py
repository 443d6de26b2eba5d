"""Tests mirror the tree of the packages; `make test` runs them all."""
