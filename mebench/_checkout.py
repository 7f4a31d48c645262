"""Where the plugins of a source checkout live."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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
