"""`python -m sweeper` is the command `sweeper`."""

from sweeper.cli.app import main

main()
