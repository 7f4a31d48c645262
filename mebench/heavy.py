"""Packages that take long to import, each loaded when it is first asked for: `heavy.cv2.resize(...)`.

Files that use one say so at their top, and a process that never comes there does without. A new one is named in `heavy.pyi`, too.
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    if name not in (
        "av",
        "cloudpickle",
        "cv2",
        "dlib",
        "jinja2",
        "matplotlib",
        "networkx",
        "numpy",
        "openpyxl",
        "pandas",
        "pyarrow",
        "pydantic",
        "rich",
        "scipy",
        "torch",
        "xlrd",
    ):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # With all that a figure is made of, and no window; with the tables in files; with those of a terminal.
    parts = {"matplotlib": "matplotlib.figure", "pyarrow": "pyarrow.parquet", "rich": "rich.progress"}
    import_module(parts.get(name, name))
    return globals().setdefault(name, import_module(name))
