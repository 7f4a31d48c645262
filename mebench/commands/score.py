"""The verb `score`: predictions of any program against a truth, under any convention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.console import check_target, write_json
from mebench.errors import ConfigError, MebenchError, unknown
from mebench.progress import Progress

if TYPE_CHECKING:
    from mebench.exchange.frame_scores import Spotting
    from mebench.exchange.table import Remarks
    from mebench.metrics.tables import Tables

_KINDS = ("micro", "macro")
_READERS = {"auto": None, "csv": False, "strs": False, "megc2023": False, "megc2020": True}
"""Formats by name, and whether they are the log of MEGC 2020; all others are tables of text."""


@dataclass(frozen=True)
class ScoreOptions:
    """What the command line says; see `mebench score --help`."""

    truth: str
    predictions: str | None = None
    frame_scores: str | None = None
    form: str = "auto"
    convention: str = "strict"
    sensitivity: bool = False
    classes: str | None = None
    kinds: str | None = None
    fps: float | None = None
    strict_videos: bool = False
    loose_ids: bool = False
    k_prime: str | None = None
    p: float | None = None
    smoothing: str | None = None
    postprocess: str | None = None
    short_videos: bool = False
    write: str | None = None
    write_form: str = "csv"
    seed: int = 0
    bootstrap: int = 1000
    json: str | None = None


def score_command(options: ScoreOptions) -> None:
    """Read, check, score, print.

    Raises:
        ConfigError: options contradict each other, or one of them is wrong.
        DataError: a file cannot be understood.
    """
    check_target(options.json)
    spotting = _checked(options)

    from mebench.exchange.join import classes_of
    from mebench.exchange.table import Remarks
    from mebench.results.render.scores import print_scores

    remarks = Remarks()
    tables, scored = _tables(options, spotting, remarks)
    classes = classes_of(options.classes, tables, remarks)
    tables = replace(tables, truths=_with_classes(tables.truths, classes))
    if options.write is not None:
        from mebench.exchange.write import write_predictions

        write_predictions(Path(options.write).expanduser(), options.write_form, tables, remarks)
    summary = _summary(options, tables, scored, classes)
    summary |= {"warnings": remarks.warnings, "repaired": remarks.repaired}
    progress = Progress()
    for line in remarks.repaired:
        progress.say(f"note: {line}")
    for line in remarks.warnings:
        progress.say(f"warning: {line}")
    if options.json != "-":
        print_scores(summary, tables)
    if options.json is not None:
        write_json(summary, options.json)


def _checked(options: ScoreOptions) -> Spotting | None:
    """How to make intervals of frame scores, if that is asked; contradictions are refused before a file is read."""
    if (options.predictions is None) == (options.frame_scores is None):
        raise ConfigError(
            "mebench score needs either --predictions FILE (intervals) or --frame-scores FILE (one score a frame), "
            "and --truth FILE"
        )
    from mebench.metrics.conventions import named

    named(options.convention)
    if options.form not in _READERS:
        raise ConfigError(unknown("format", options.form, _READERS))
    if options.fps is not None and not options.fps > 0:
        raise ConfigError(f"--fps must be above 0, not {options.fps}")
    if options.bootstrap < 0:
        raise ConfigError(f"--bootstrap must be 0 or more draws, not {options.bootstrap}")
    if options.write is not None:
        from mebench.exchange.write import FORMATS

        if options.write_form not in FORMATS:
            raise ConfigError(unknown("format", options.write_form, FORMATS))
    given = {
        "--k-prime": options.k_prime,
        "--p": options.p,
        "--smoothing": options.smoothing,
        "--postprocess": options.postprocess,
        "--short-videos": options.short_videos or None,
    }
    if options.frame_scores is None:
        for name, value in given.items():
            if value is not None:
                raise ConfigError(
                    f"{name} makes intervals of frame scores: it goes with --frame-scores, not --predictions"
                )
        return None
    from mebench.core.options import RULES, SMOOTHINGS
    from mebench.exchange.frame_scores import Spotting, half_lengths

    rule = options.postprocess or "paper"
    if rule not in RULES:
        raise ConfigError(unknown("postprocess", rule, RULES))
    smoothing = options.smoothing or "average"
    if smoothing not in SMOOTHINGS:
        raise ConfigError(unknown("smoothing", smoothing, SMOOTHINGS))
    p = 0.55 if options.p is None else options.p
    return Spotting(half_lengths(options.k_prime), p, rule, options.short_videos, smoothing)


def _tables(options: ScoreOptions, spotting: Spotting | None, remarks: Remarks) -> tuple[Tables, list[str]]:
    """The tables of both files, and the kinds to score."""
    from mebench.exchange.frame_scores import propose, read_frame_scores
    from mebench.exchange.intervals import read_intervals
    from mebench.exchange.join import Rules, join

    rules = Rules(options.fps, options.strict_videos, options.loose_ids)
    frames = None
    if spotting is not None:
        assert options.frame_scores is not None
        scores = read_frame_scores(Path(options.frame_scores).expanduser(), remarks)
        predictions, frames = propose(scores, spotting, remarks), scores.rows
        spotted_kinds: list[str] | None = scores.kinds
    else:
        assert options.predictions is not None
        log = _READERS[options.form]
        predictions = read_intervals(Path(options.predictions).expanduser(), "predictions", remarks, log)
        if predictions.intervals.empty:
            remarks.warn("predictions: there are none: every truth is missed")
        spotted_kinds = None if "kind" in predictions.columns else ["micro"]
    truth = read_intervals(Path(options.truth).expanduser(), "truth", remarks)
    tables = join(truth, predictions, rules, remarks, frames)
    return tables, _kinds(options.kinds, spotted_kinds, tables, remarks)


def _kinds(asked: str | None, spotted: Sequence[str] | None, tables: Tables, remarks: Remarks) -> list[str]:
    """The kinds to score: those asked for, else those that the predictions tell apart and somebody names."""
    from mebench.exchange.values import kind_of

    assert tables.predictions is not None
    if asked is not None:
        named = [kind_of(word) for word in asked.split(",")]
        if None in named:
            raise ConfigError(f"--kinds: {unknown('kind', asked.split(',')[named.index(None)].strip(), _KINDS)}")
        return [kind for kind in _KINDS if kind in named]
    true, said = set(tables.truths["kind"]), set(tables.predictions["kind"])
    scored = [kind for kind in _KINDS if kind in (spotted if spotted is not None else true | said)] or ["micro"]
    for kind in sorted(true - set(scored)):
        remarks.warn(
            f"{(tables.truths['kind'] == kind).sum()} {kind}-expressions of the truth are not scored: the predictions do not tell "
            f"kinds apart and are taken as {', '.join(scored)}; a column kind would"
        )
    return scored


def _with_classes(truths: Any, classes: Sequence[str]) -> Any:
    """Truths whose label is no class have none: they count for spotting only."""
    return truths.assign(emotion=truths["emotion"].where(truths["emotion"].isin(list(classes)), None))


def _summary(options: ScoreOptions, tables: Tables, kinds: Sequence[str], classes: Sequence[str]) -> dict[str, Any]:
    from mebench.metrics.conventions import CONVENTIONS
    from mebench.metrics.summary import summarize

    def under(name: str, draws: int) -> dict[str, Any]:
        return summarize(tables, kinds=kinds, classes=classes, seed=options.seed, convention=name, draws=draws)

    summary = under(options.convention, options.bootstrap)
    if options.sensitivity:
        rows: dict[str, Any] = {}
        for name in CONVENTIONS:
            try:
                rows[name] = _plain(under(name, 0))
            except MebenchError as error:  # a convention that asks for more than the files hold
                rows[name] = {"reason": str(error)}
        summary["sensitivity"] = rows
    return summary


def _plain(summary: dict[str, Any]) -> dict[str, Any]:
    """Counts and values without intervals."""
    found: dict[str, Any] = {}
    for kind, part in summary.get("spotting", {}).items():
        values = {name: score["value"] for name, score in part["scores"].items()}
        found[kind] = {**{count: part[count] for count in ("tp", "fp", "fn")}, **values}
    if analysis := summary.get("analysis"):
        scores = analysis["true_positives"]["scores"]
        found["analysis"] = {
            "strs": analysis["strs"]["value"],
            **{name: score["value"] for name, score in scores.items()},
        }
    return found
