"""`python -m spancast` is the command `spancast`."""

import sys

from spancast.cli import main

sys.exit(main())
