"""`mebench check` and `new`: whether plugins keep their contracts and know no label of who is tested; new ones that do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from mebench import config, console, testing
from mebench.cli.option_types import Json, Plugins, verbs
from mebench.errors import ConfigError, PluginError, unknown
from mebench.progress import Progress

app = typer.Typer()
new_app = verbs("Write a plugin to begin with.")

Template = Literal["spotter", "recognizer", "network", "linear"]
Out = Annotated[
    str, typer.Option("-o", "--out", metavar="FOLDER", help="The folder of plugins that --plugins then names; plugins.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the plugin, in snake_case.")]


@app.command("check", epilog="Example: mebench check my_method --plugins plugins")
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a method or dataset.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Its settings, such as dataset.root=PATH or method.epochs=3."),
    ] = None,
    null: Annotated[
        bool,
        typer.Option(
            "--null", help="Run a method where labels have nothing to do with the faces: nobody can know them."
        ),
    ] = False,
    shuffles: Annotated[
        int | None,
        typer.Option("--shuffles", metavar="N", min=1, help="With --null: how often labels are shuffled; 3."),
    ] = None,
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Check that a plugin keeps its contract.

    The exit code is 1 if it does not. A method is trained for an epoch on drawn videos that take seconds; a dataset without dataset.root is
    tried on its drawn stand-in. With --null: whether a method knows labels that nobody could know.
    """
    if null:
        return _knows_labels(name, words or (), 3 if shuffles is None else shuffles, plugins, json)
    if shuffles is not None:
        raise ConfigError(f"--shuffles is about shuffled labels: mebench check {name} --null --shuffles {shuffles}")
    config.registry.add_paths([*config.more_plugins(), *(plugins or ())])
    every = {kind: config.registry.plugins(kind) for kind in config.registry.PLUGIN_KINDS}
    kinds = [kind for kind in every if name in every[kind]]
    if not kinds:
        known = [name for kind in every for name in every[kind]]
        raise PluginError(unknown("plugin", name, known, config.registry.YOURS))
    values, found = config.settings_of(words or ()), []
    for kind in kinds:
        own = {key.removeprefix(f"{kind}."): value for key, value in values.items() if key.startswith(f"{kind}.")}
        for outcome in testing.outcomes(testing.plugin_checks(kind, name, **own)):
            found.append(outcome)
            if json == "-":
                continue
            mark = {"kept": "kept", "broken": "BROKEN", "untold": "untold"}[outcome.status]
            console.print_lines(f"{mark:<7} {outcome.check.name}" + (f": {outcome.reason}" if outcome.reason else ""))
            if outcome.details and os.environ.get("MEBENCH_DEBUG") == "1":
                console.print_lines(*outcome.details.splitlines(), error=True)
    broken, untold = ([one for one in found if one.status == status] for status in ("broken", "untold"))
    report = [
        {"plugin": one.check.plugin, "check": one.check.name, "status": one.status, "reason": one.reason}
        for one in found
    ]
    if console.write_json({"checks": report}, json):
        rest = f", {len(untold)} cannot be told here" if untold else ""
        kept = len(found) - len(broken) - len(untold)
        console.print_lines(f"{name}: {kept} of {console.plural(len(found), 'promise')} kept{rest}")
    if broken:
        raise typer.Exit(1)


def _knows_labels(name: str, words: Sequence[str], shuffles: int, plugins: Plugins, json: str | None) -> None:
    found = testing.null.null(name, Progress(), words, plugins or (), shuffles)
    report = {"method": name, "shuffles": shuffles, "null": [{**asdict(f), "outside": f.beyond_chance} for f in found]}
    if console.write_json(report, json):
        rows = [(f.task, f.fold, str(f.right), str(f.most), str(f.of)) for f in found]
        console.print_table(("task", "people", "right", "by chance at most", "of"), rows)
    testing.null.refuse(name, found, shuffles)
    if json != "-":
        times = console.plural(shuffles, "shuffle")
        console.print_lines(
            "",
            f"{name} knows nothing that it should not, in {times} of the labels, each run twice. {testing.null.BLIND_SPOT}",
        )


@new_app.command("method", epilog="Example: mebench new method my_spotter --template linear")
def method(
    name: Name,
    template: Annotated[
        str, typer.Option("--template", metavar="|".join(get_args(Template)), help="What it does to begin with.")
    ] = "spotter",
    out: Out = "plugins",
    json: Json = None,
) -> None:
    """Write a method."""
    _write("method", name, out, template, json)


@new_app.command("dataset", epilog="Example: mebench new dataset my_faces")
def dataset(name: Name, out: Out = "plugins", json: Json = None) -> None:
    """Write a dataset of a sheet and folders of images."""
    _write("dataset", name, out, "dataset", json)


def _write(kind: Literal["method", "dataset"], name: str, out: str, template: str, json: str | None) -> None:
    folder = Path(out).expanduser()
    files = testing.folders.write_plugin(kind, name, folder, template)
    if not console.write_json({"files": [str(file) for file in files]}, json):
        return
    tried = (
        f"mebench run --plugins {out} method={name} dataset=synthetic"
        if kind == "method"
        else f"mebench data fake --plugins {out} dataset={name} --out DIR"
    )
    console.print_lines(
        *map(str, files),
        "",
        "It keeps its contract as it is; change it, and look again:",
        f"  mebench check {name} --plugins {out}",
        f"  {tried}",
        f"Where mebench.yaml has the line  plugins: {out}  the option --plugins can be left out.",
    )
