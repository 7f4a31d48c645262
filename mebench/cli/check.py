"""`mebench check`: whether a method knows labels that nobody could know."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mebench import console
from mebench.cli.options import Json, Plugins
from mebench.errors import ConfigError

app = typer.Typer()


@app.command("check", epilog="Example: mebench check my_method --null --plugins plugins")
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a method.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Its settings, such as method.epochs=3.")
    ] = None,
    null: Annotated[
        bool,
        typer.Option("--null", help="Run it where labels have nothing to do with the faces: nobody can know them."),
    ] = False,
    shuffles: Annotated[int, typer.Option("--shuffles", metavar="N", min=1, help="How often labels are shuffled.")] = 3,
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Look whether a method knows labels that nobody could know. The exit code is 1 if it does."""
    if not null:
        raise ConfigError(f"say what is to be checked: mebench check {name} --null")
    from mebench.progress import Progress
    from mebench.testing.null import BLIND_SPOT, refuse
    from mebench.testing.null import null as findings

    found = findings(name, Progress(), words or (), plugins or (), shuffles)
    console.write_json(
        {"method": name, "shuffles": shuffles, "null": [{**asdict(f), "outside": f.outside} for f in found]}, json
    )
    if json != "-":
        rows = [(f.task, f.fold, str(f.right), str(f.most), str(f.of)) for f in found]
        console.print_table(("task", "people", "right", "by chance at most", "of"), rows)
    refuse(name, found, shuffles)
    if json != "-":
        times = console.plural(shuffles, "shuffle")
        console.print_lines(
            "", f"{name} knows nothing that it should not, in {times} of the labels, each run twice. {BLIND_SPOT}"
        )
