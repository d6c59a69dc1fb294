"""``python -m tmcconsole`` is ``tmc-console``."""

import sys

from tmcconsole.cli import main

sys.exit(main())
