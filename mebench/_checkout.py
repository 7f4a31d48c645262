"""Where what lies beside the package in a source checkout is found: plugins, and what others published."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent


def beside_checkout(folder: str) -> list[str]:
    """The checkout's top-level `folder`, or nothing in an installed wheel.

    Only a checkout has a `pyproject.toml` naming mebench beside the package. In site-packages a folder called
    `datasets` belongs to somebody else.

    >>> beside_checkout("no such folder")
    []
    """
    project = ROOT / "pyproject.toml"
    path = ROOT / folder
    if path.is_dir() and project.is_file() and 'name = "mebench"' in project.read_text(encoding="utf-8"):
        return [str(path)]
    return []


def shipped(folder: str) -> list[str]:
    """The checkout's top-level `folder`; in an installed wheel what it holds of it.

    >>> shipped("no such folder")
    []
    """
    packaged = PACKAGE / folder
    return beside_checkout(folder) or [str(packaged)] * packaged.is_dir()
