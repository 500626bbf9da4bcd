"""``python -m glancetx`` is the command ``glancetx``."""

from glancetx.command import main

main()
