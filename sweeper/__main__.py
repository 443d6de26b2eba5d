"""`python -m sweeper` is the command `sweeper`.

Python puts the working directory before everything else that it imports from. It is taken out, as
it is for the installed command, so that no file there runs because of its name. What cannot be
prevented is that a folder called `sweeper` there is taken for this package.
"""

import os
import sys

HOME = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
if not sys.flags.safe_path and os.path.realpath(sys.path[0]) != HOME:
    del sys.path[0]

try:
    from sweeper.cli.app import main
except KeyboardInterrupt:  # the imports take a while
    sys.exit(130)

main()
