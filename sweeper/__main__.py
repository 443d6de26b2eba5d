"""`python -m sweeper` is the command `sweeper`."""

import sys

try:
    from sweeper.cli.app import main
except KeyboardInterrupt:  # the imports take a while
    sys.exit(130)

main()
