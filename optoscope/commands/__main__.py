"""`python -m optoscope.commands`: the same without the console script."""

import sys

from optoscope.commands import main

sys.exit(main())
