"""This copy of mebench: its version, and the folders beside the package in a source checkout."""

from pathlib import Path

VERSION = "0.3.0.dev0"

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent


def checkout_folder(folder: str) -> list[str]:
    """The checkout's top-level `folder`, or nothing in an installed wheel.

    Only a checkout has a `pyproject.toml` naming mebench beside the package. In site-packages a folder called
    `datasets` belongs to another package.

    >>> checkout_folder("no such folder")
    []
    """
    project = ROOT / "pyproject.toml"
    path = ROOT / folder
    if path.is_dir() and project.is_file() and 'name = "mebench"' in project.read_text(encoding="utf-8"):
        return [str(path)]
    return []


def shipped_folder(folder: str) -> list[str]:
    """The checkout's top-level `folder`; in an installed wheel its part of it.

    >>> shipped_folder("no such folder")
    []
    """
    in_checkout = checkout_folder(folder)
    if in_checkout:
        return in_checkout
    packaged = PACKAGE / folder
    return [str(packaged)] if packaged.is_dir() else []
