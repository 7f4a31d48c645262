"""`python -m mebench` is the command `mebench`."""

from mebench.cli import main

main()
