"""The command line: what a user types, and what a user sees while it runs."""
