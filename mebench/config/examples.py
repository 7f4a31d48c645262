"""Files of settings that come with mebench: in a checkout those of `examples/`, in a package those of them that it ships."""

from pathlib import Path

from mebench._installation import shipped_folder
from mebench.errors import check_known


def find_example(name: str) -> Path:
    """The file of settings of an example, such as `first_run`.

    Raises:
        ConfigError: no example has this name.
    """
    files = list_examples()
    check_known("example", name, files)
    return files[name]


def list_examples() -> dict[str, Path]:
    """The files of settings that come with mebench, by their names without ending."""
    return {file.stem: file for folder in shipped_folder("examples") for file in Path(folder).glob("*.yaml")}
