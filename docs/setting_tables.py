"""`python docs/setting_tables.py` writes the tables of `docs/reference/settings.md` again, from docstrings and the help of commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.main import get_command

from mebench.cli import app
from mebench.cli.verbs import load_all_verbs
from mebench.config.setting_descriptions import GROUPS, setting_descriptions
from mebench.output.json_output import text_of_value

PAGE = Path(__file__).parent / "reference" / "settings.md"
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


def write_page() -> None:
    """Put the tables of today into the page."""
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


def page_with_tables(page: str) -> str:
    """The page with the tables as they follow from the code."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{''.join(tables())}{END}{after}"


def tables() -> list[str]:
    """The tables of all groups of settings, then of options, as Markdown."""
    parts = []
    for group in GROUPS:
        settings = [setting for setting in setting_descriptions().values() if setting.group == group]
        rows: list[tuple[str, ...]] = []
        for setting in settings:
            default = text_of_value(setting.default)
            in_key = "yes" if setting.in_key else "no"
            rows.append((f"`{setting.key}`", setting.type, default, setting.meaning, f"`{setting.example}`", in_key))
        parts.append(table(group, ("setting", "value", "default", "meaning", "example", "part of the key"), rows))
    for heading, verbs in VERBS.items():
        options = [(verb, option) for verb in verbs for option in options_of(verb)]
        rows = [(f"`{verb}`", f"`{'`, `'.join(o.opts)}`", default_of(o), o.help or "") for verb, o in options]
        parts.append(table(f"{heading}: options", ("verb of `mebench`", "option", "default", "meaning"), rows))
    return parts


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


def table(heading: str, headers: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A heading with a table below, as Markdown."""
    lines = [headers, ("---",) * len(headers), *rows]
    escaped = [" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines]
    return f"## {heading}\n\n" + "".join(f"| {line} |\n" for line in escaped) + "\n"


if __name__ == "__main__":
    write_page()
