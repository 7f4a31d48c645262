"""The scores of a run as tables that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from mebench.metrics.conventions import named
from mebench.runner.folder import RunFolder

NAMES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "ap50": "AP@.5",
    "ap": "AP@[.5:.95]",
    "asr": "ASR",
    "apex_mae_ms": "apex error, ms",
    "fp_per_minute": "false positives / min",
    "strs": "STRS",
    "accuracy": "accuracy",
    "uf1": "UF1",
    "uar": "UAR",
    "wf1": "weighted F1",
}
RANDOM_ROWS = {"as_many": "random, as many as truths", "best_rate": "random, best rate"}
TENTHS = frozenset({"apex_mae_ms", "fp_per_minute"})
"""Scores that are no shares: a tenth of a millisecond or of a false alarm is fine enough."""

WIDE = 200


def print_outcome(folder: RunFolder, summary: Mapping[str, Any], tracked: str | None) -> None:
    """Print the scores of a finished run on standard output; nothing is cut or wrapped where that is no terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDE)
    about, config = folder.read_json("folds.json"), folder.read_json("config.json")
    console.print()
    console.print(_title(config), markup=False, style="bold")
    for table in tables(summary, about):
        console.print(table)
    for line in remarks(summary, about, config, _draws(folder, about)):
        console.print(line, markup=False, soft_wrap=True)
    console.print(f"run folder: {folder.path}", markup=False, soft_wrap=True)
    if tracked:
        console.print(f"MLflow: {tracked}", markup=False, soft_wrap=True)


def tables(summary: Mapping[str, Any], about: Mapping[str, Any]) -> list[Table]:
    """One table for each task of the summary."""
    found = []
    for kind, part in summary.get("spotting", {}).items():
        counts = ", ".join(f"{number(part[c])} {c.upper()}" for c in ("tp", "fp", "fn"))
        table = _table(f"spotting, {kind} ({counts})", part["scores"])
        for rule, row in summary.get("chance", {}).get(kind, {}).items():
            table.add_section()
            _add(table, f"F1 of {RANDOM_ROWS[rule]}", row["f1"])
        found.append(table)
    if analysis := summary.get("analysis"):
        for name, title in (("true_positives", "true positives"), ("all_intervals", "all intervals")):
            if name in analysis:
                first = {"strs": analysis["strs"]} if name == "true_positives" else {}
                found.append(
                    _table(
                        f"analysis, {title} (n = {number(analysis[name]['n'])})", {**first, **analysis[name]["scores"]}
                    )
                )
    if recognition := summary.get("recognition"):
        found.append(_table(f"recognition, annotated clips (n = {recognition['n']})", recognition["scores"]))
        if members := recognition.get("members"):
            found.append(_members(members, about))
    return found


def remarks(
    summary: Mapping[str, Any], about: Mapping[str, Any], config: Mapping[str, Any], draws: int = 1
) -> list[str]:
    """What a reader must know to trust the numbers; `draws` is the number of random draws of the method's predictions."""
    lines = [f"convention {named(summary['convention']).describe()}"]
    resamples, skipped = summary["bootstrap"]["draws"], max(summary["bootstrap"]["skipped"].values(), default=0)
    if draws > 1 and "spotting" in summary:
        lines.append(f"intervals of spotting: 95 % of the method's own {draws} random draws")
    elif resamples:
        lines.append(f"intervals: 95 % bootstrap over {_subjects(about)} subjects, {resamples} draws")
        if skipped:
            lines.append(
                f"{skipped} of these draws lack a class or a truth that some score needs and are left out of it: its interval is too narrow"
            )
    if changed := settings(config):
        lines.append(f"settings that differ from the method's defaults: {changed}")
    if about["transductive"] != "none":
        lines.append(
            f"transductive: {about['transductive']} (the test video's own unlabelled statistics enter its predictions)"
        )
    if about["left_out"]:
        lines.append(
            "labels that the scheme does not score: " + ", ".join(f"{k} {v}" for k, v in about["left_out"].items())
        )
    if about["remark"]:
        lines.append(about["remark"])
    return lines


def settings(config: Mapping[str, Any]) -> str:
    """The method's settings that are not its defaults: those of the preset that chose them, then the others.

    >>> settings({"config": {"method": {"name": "mean", "p": 0.6}}, "origins": {"method.p": "command line"}})
    'p=0.6'
    """
    values, origins = config["config"]["method"], config["origins"]
    by_preset: list[str] = []
    others: list[str] = []
    for key, value in values.items():
        origin = origins.get(f"method.{key}", "default")
        if key not in {"name", "preset"} and not origin.startswith("default"):
            (by_preset if origin.startswith("preset") else others).append(f"{key}={value}")
    preset = [f"preset {values['preset']}: {', '.join(by_preset)}"] if by_preset else []
    return "; ".join([*preset, *others])


def number(value: float) -> str:
    """A count: whole, or with two digits where it is a mean over draws.

    >>> number(12), number(3.25)
    ('12', '3.25')
    """
    return str(int(value)) if float(value).is_integer() else f"{value:.2f}"


def _draws(folder: RunFolder, about: Mapping[str, Any]) -> int:
    """Random draws of the predictions; 1 for a method that predicts once."""
    if "spot" not in about["tasks"]:
        return 1
    predictions = folder.read_table("predictions.parquet")
    return int(predictions["draw"].max()) + 1 if len(predictions) else 1


def _title(config: Mapping[str, Any]) -> str:
    values = config["config"]
    return (
        f"{values['method']['name']} on {values['dataset']['name']} under {values['protocol']}, seed {values['seed']}"
    )


def _table(title: str, scores: Mapping[str, Any]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("score", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    for name, score in scores.items():
        _add(table, NAMES[name], score, digits=1 if name in TENTHS else 4)
    return table


def _add(table: Table, name: str, score: Mapping[str, float | None], digits: int = 4) -> None:
    table.add_row(name, figure(score["value"], digits), interval(score, digits))


def _members(members: Mapping[str, Any], about: Mapping[str, Any]) -> Table:
    table = Table(
        title="recognition, by database", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for column in ("database", "subjects", "clips", "UF1", "95 % interval", "UAR", "95 % interval"):
        table.add_column(column, no_wrap=True, justify="left" if column in {"database", "95 % interval"} else "right")
    for name, part in members.items():
        uf1, uar = part["scores"]["uf1"], part["scores"]["uar"]
        subjects = len({s for f in about["folds"] for s in f["test"] if s.split("/")[0] == name})
        table.add_row(
            name,
            str(subjects),
            str(part["n"]),
            figure(uf1["value"]),
            interval(uf1),
            figure(uar["value"]),
            interval(uar),
        )
    return table


def figure(value: float | None, digits: int = 4) -> str:
    """A score with so many digits; `-` where it is undefined."""
    return "-" if value is None else f"{value:.{digits}f}"


def interval(score: Mapping[str, float | None], digits: int = 4) -> str:
    """`[low, high]`, or nothing where there is none."""
    return "" if score["low"] is None else f"[{figure(score['low'], digits)}, {figure(score['high'], digits)}]"


def _subjects(about: Mapping[str, Any]) -> int:
    return len({s for f in about["folds"] for s in f["test"]})
