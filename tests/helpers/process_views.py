"""Whether this system lets a process see and count its own processes alone."""

import subprocess
import sys
from functools import cache

PROGRAM = "import sys; from mebench.sandbox.process_view import enter_process_view; sys.exit(not enter_process_view())"


@cache
def counts_alone() -> bool:
    """Whether it does, tried once by a program."""
    return sys.platform == "linux" and subprocess.run([sys.executable, "-c", PROGRAM]).returncode == 0
