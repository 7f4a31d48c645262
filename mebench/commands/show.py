"""`mebench config show`: the resolved configuration and where each value comes from."""

from collections.abc import Sequence

from mebench import console
from mebench.config import flatten, resolve


def show_command(words: Sequence[str], files: Sequence[str], plugins: Sequence[str], json: str | None) -> None:
    """Print key, value and origin; with `json`, also `{"values", "origins"}` there, for `-` nothing else."""
    config = resolve(words, files, plugins)
    if json is not None:
        console.write_json({"values": config.values, "origins": config.origins}, json)
    if json != "-":
        values = flatten(config.values)
        rows = [(key, console.text(value), config.origins.get(key, "default")) for key, value in values.items()]
        console.print_table(("key", "value", "from"), rows)
