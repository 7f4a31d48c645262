"""The command line inside this process."""

from tests.cli.conftest import mebench

__all__ = ["mebench"]
