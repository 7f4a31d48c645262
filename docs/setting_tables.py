"""`python docs/setting_tables.py` writes the tables of settings and options in `docs/reference/` again.

They come from docstrings and from the help of commands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typer.main import get_command

from mebench.cli import app
from mebench.cli.verbs import load_all_verbs
from mebench.config.setting_descriptions import GROUPS, setting_descriptions
from mebench.output.json_output import text_of_value

REFERENCE = Path(__file__).parent / "reference"
BEGIN, END = "<!-- tables -->\n", "<!-- end of tables -->\n"
VERBS = {
    "Tuning": ("tune",),
    "Boards": (
        "leaderboard build",
        "leaderboard export",
        "leaderboard merge",
        "leaderboard across",
        "leaderboard submit",
    ),
}
"""Verbs whose options are listed, by heading."""


def write_pages() -> None:
    """Put the tables of today into the pages."""
    for name in PAGES:
        page = REFERENCE / name
        page.write_text(page_with_tables(name, page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


def page_with_tables(name: str, page: str) -> str:
    """The page with the tables as they follow from the code."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{''.join(PAGES[name]())}{END}{after}"


def tables_of_settings() -> list[str]:
    """The tables of all groups of settings as Markdown: two columns, for narrow screens."""
    parts = []
    for group in GROUPS:
        settings = [setting for setting in setting_descriptions().values() if setting.group == group]
        rows: list[tuple[str, ...]] = []
        for setting in settings:
            values = f"*{setting.type.replace('|', ', ')}; default {text_of_value(setting.default)}*"
            rows.append((f"`{setting.key}`", f"{values}<br>{setting.meaning} Example: `{setting.example}`"))
        said = key_sentence([setting.key for setting in settings], [setting.in_key for setting in settings])
        parts.append(f"## {group}\n\n{said}\n\n{table(('setting', 'values, meaning'), rows)}")
    return parts


def tables_of_options() -> list[str]:
    """The tables of the options of each verb as Markdown."""
    parts = []
    for heading, verbs in VERBS.items():
        parts.append(f"## {heading}\n\n")
        for verb in verbs:
            rows = [(f"`{'`, `'.join(o.opts)}`", default_of(o), o.help or "") for o in options_of(verb)]
            parts.append(f"### `mebench {verb}`\n\n{table(('option', 'default', 'meaning'), rows)}")
    return parts


def key_sentence(names: list[str], in_key: list[bool]) -> str:
    """The sentence on which settings of a group are part of the key."""
    if all(in_key):
        return "All are part of the key."
    if not any(in_key):
        return "None is part of the key."
    parts = [f"`{name}`" for name, is_part in zip(names, in_key) if is_part]
    return f"Part of the key: {', '.join(parts)}."


def options_of(verb: str) -> list[Any]:
    """The options of a verb, without those of all verbs."""
    command: Any = load_all_verbs(get_command(app))
    for word in verb.split():
        command = command.commands[word]
    of_all = {"--json", "--help", "--plugins", "--config"}
    return [param for param in command.params if param.param_type_name == "option" and not of_all & set(param.opts)]


def default_of(option: Any) -> str:
    """The default value of an option as it is typed; empty for none."""
    return "" if option.default in (None, "", (), []) else text_of_value(option.default)


def table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table as Markdown."""
    lines = [headers, ("---",) * len(headers), *rows]
    escaped = [" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines]
    return "".join(f"| {line} |\n" for line in escaped) + "\n"


PAGES = {"settings.md": tables_of_settings, "options.md": tables_of_options}
"""What makes the tables of each page."""


if __name__ == "__main__":
    write_pages()
