"""The scores of a run, and what went wrong in its spotting, as tables that a person reads."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import pandas as pd

from mebench.config import flatten
from mebench.console import plural, print_lines, print_report, print_table
from mebench.format import count, number
from mebench.metrics.catalogue import METRICS
from mebench.metrics.mistakes import CAUSES, miss_shares
from mebench.metrics.tables import Tables
from mebench.records.rows import shares
from mebench.records.setting_words import joined, of_method, of_protocol, of_scheme
from mebench.reports import scores as rows
from mebench.runs.folder import RunFolder
from mebench.table import Column, Table

TITLES = {"false_positive": "false positives", "miss": "misses"}


def mistakes_lines(mistakes: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """The mistakes of a run's summary, those that did not happen left out.

    >>> mistakes_lines({"micro": {"false_positive": {"background": 3, "duplicate": 0}, "miss": {"kind_confusion": 0.5}}})
    ['mistakes, micro: false positives 3 background; misses 0.5 kind confusion']
    """
    lines = []
    for kind, parts in mistakes.items():
        found = {
            title: ", ".join(f"{round(n, 2):g} {cause.replace('_', ' ')}" for cause, n in parts[mistake].items() if n)
            for mistake, title in TITLES.items()
        }
        lines.append(f"mistakes, {kind}: " + "; ".join(f"{title} {words or 'none'}" for title, words in found.items()))
    return lines


EXPLAINED = (
    "false positives: duplicate (hits a truth of its kind that another interval found), else kind confusion (hits one of the "
    "other kind), else localisation (IoU from 0.1 to below the threshold with one of its kind), else background; "
    "misses: kind confusion or localisation where a false positive says so, else missed"
)


def print_mistakes(counts: pd.DataFrame, title: str, mistakes: pd.DataFrame | None = None, note: str = "") -> None:
    """Print the counts of `count_mistakes` on standard output, a note, and the rows of `sort_mistakes` where they are given."""
    print_lines("")
    if counts.empty:
        print_lines(f"{title}: nothing, there is neither a false positive nor a miss")
        return
    print_report(title, *(mistakes_table(counts, mistake) for mistake in TITLES), EXPLAINED, *filter(None, [note]))
    if mistakes is not None:
        columns = ["video", "kind", "onset", "offset", "mistake", "cause", "emotion", "iou"]
        cells = mistakes[columns].assign(iou=mistakes["iou"].map("{:.2f}".format)).replace("_", " ", regex=True)
        cells["video"] = mistakes["video"]
        print_table(columns, cells.astype(str).to_numpy().tolist(), "every one of them, frames counted from 0")


def print_causes(why: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """Print, for each kind, what lies under its false positives with the F1 that a cure would gain, and which truths are missed.

    Args:
        why: from `explain_mistakes`.
    """
    columns = [Column("cause", ""), Column("n", right=True), Column("gain", "F1", right=True, text="+{:.3f}".format)]
    for kind, parts in why.items():
        found = [
            ("all other misses found", "", gain)
            if word == "missed"
            else (word.replace("_", " "), count(parts["under"].get(word, 0.0), 2), gain)
            for word, gain in sorted(parts.get("gain", {}).items(), key=lambda one: -one[1])
        ]
        if found:
            title = f"{kind}: what lies most under each false positive, and the gain in F1 if it were cured"
            missed = (f"missed by {name}: {shares(thirds)}" for name, thirds in miss_shares(parts).items())
            print_report("", Table(columns, found, title), *missed)


def distracted_line(counts: pd.DataFrame, astray: pd.DataFrame, tables: Tables) -> str:
    """How many false positives fall on a blink and the like, in a sentence.

    Args:
        counts: from `count_mistakes`.
        astray: from `count_distracted`.
        tables: of the run; say where distractors are annotated at all.
    """
    assert tables.distractors is not None
    videos = tables.distractors.groupby("kind")["video"].nunique()
    fell = ", ".join(
        f"{count(astray[kind].sum(), 2)} on a {kind} (annotated in {videos[kind]} of {plural(len(tables.videos), 'video')})"
        for kind in astray.columns
    )
    total = count(counts["false_positive"].to_numpy().sum(), 2)
    return (
        f"of {total} false positives fall {fell}, sharing at least half of the frames of the shorter of both; "
        "one that falls on several counts for each, and so do near misses and duplicates"
    )


def mistakes_table(counts: pd.DataFrame, mistake: str) -> Table:
    """One row for each kind, subject or emotion, those with the most mistakes first, their sum, and the share of each cause.

    Args:
        counts: from `count_mistakes`.
        mistake: which half of it.
    """
    causes, index = CAUSES[mistake], str(counts.index.name)
    numbers = [Column(name, text=partial(count, places=2), right=True) for name in ("all", *causes)]
    order = counts.index if index == "kind" else counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
    rows: list[list[float]] = counts.loc[order, [(mistake, cause) for cause in causes]].to_numpy().tolist()
    sums = [sum(column) for column in zip(*rows)]
    share = (f"{100 * n / sum(sums):.0f} %" if sum(sums) else "-" for n in sums)
    cells: list[Any] = [[str(name) or "(none)", sum(row), *row] for name, row in zip(order, rows)]
    cells += ["", *([["all", sum(sums), *sums]] if len(counts) > 1 else []), ["share", "", *share]]
    return Table([Column(index, index), *numbers], cells, TITLES[mistake])


def plain(counts: pd.DataFrame) -> dict[str, Any]:
    """The counts for JSON: `{name: {mistake: {cause: n}}}`."""
    halves = dict.fromkeys(counts.columns.get_level_values(0))
    return {str(name): {mistake: row[mistake].to_dict() for mistake in halves} for name, row in counts.iterrows()}


SELECTION = {
    "fixed": "nothing is chosen after training",
    "inner": "inner validation subjects choose, never tested ones",
    "test": "tested subjects shape what is tested: not a result",
}
TRANSDUCTIVE = {
    "none": "nothing is taken from a tested video but its predictions",
    "video": "the tested video's own unlabelled statistics enter its predictions",
}


MOST_ROWS = 14
"""Rows of the table of main scores, so that the whole stays below `MOST_LINES`."""
MOST_LINES = 25
MOST_REASONS = 1
"""Sentences on why scores have no interval."""


def print_outcome(
    folder: RunFolder,
    summary: Mapping[str, Any],
    tracked: str | None,
    verbose: bool = False,
    announced: bool = False,
    tracker: str = "MLflow",
) -> None:
    """Print the scores of a finished run on standard output; nothing is cut or wrapped where that is no terminal.

    Args:
        folder: the run.
        summary: its scores.
        tracked: how the tracker shows the run, or None.
        verbose: all scores and remarks; otherwise the main ones, on `MOST_LINES` lines at most.
        announced: whether the user has just been told the run's warnings.
        tracker: its name.
    """
    about, config = folder.read_json("folds.json"), folder.read_json("config.json")
    draws = 1
    if "spot" in about["tasks"] and len(predictions := folder.read_table("predictions.parquet")):
        draws = int(predictions["draw"].max()) + 1
    warnings = [] if announced else about.get("warnings", [])
    selection = about.get("selection", "inner" if about["selects"] else "fixed")
    how = f"selection: {selection} ({SELECTION[selection]})"
    shown = rows.score_tables(summary, None, _people(about)) if verbose else [main_table(summary, MOST_ROWS)]
    shown += [rows.leak_table(summary["leak"])] if "leak" in summary else []
    if verbose:
        changed, left_out = of_method(config["config"], config["origins"]), about["left_out"].items()
        lines = [
            f"convention {summary['rules']}" if "spotting" in summary else "",
            *_intervals(summary, about, draws),
            *mistakes_lines(summary.get("mistakes", {})),
            *summary.get("remarks", []),
            f"settings that differ from the defaults: {changed}" if changed else "",
            how,
            f"transductive: {about['transductive']} ({TRANSDUCTIVE[about['transductive']]})",
            *warnings,
            f"labels that the scheme does not score: {', '.join(f'{k} {v}' for k, v in left_out)}" if left_out else "",
            about["remark"],
        ]
    else:
        rule = [f"convention {summary['convention']}"] if "spotting" in summary else []
        first, *others = _intervals(summary, about, draws, ("f1", "precision", "recall", "strs", "uf1", "uar")) or [""]
        if len(others) > MOST_REASONS:
            others[MOST_REASONS:] = [f"and {len(others) - MOST_REASONS} more without an interval"]
        lines = [
            "; ".join(filter(None, [*rule, first])),
            *others,
            how if selection == "test" else "",
            *summary.get("remarks", []),
            *warnings,
            about["remark"],
        ]
    lines += [f"run folder: {folder.path}", f"{tracker}: {tracked}" if tracked else ""]
    lines.append("" if verbose else f"all scores and what to know about them: mebench runs show {folder.word} -v")
    print_report(title_of(config["config"]), *shown, *filter(None, lines))


def main_table(summary: Mapping[str, Any], most: int | None = None) -> Table:
    """The main scores of each task, the first `most`; those of spotting with what was counted and what chance reaches."""
    found: list[tuple[str, Mapping[str, Any], str, str]] = []
    for kind, part in summary.get("spotting", {}).items():
        chance = summary.get("chance", {}).get(kind, {})
        best = max((row["f1"]["value"] or 0.0 for row in chance.values()), default=None)
        note = rows.counts_of(part) + ("" if best is None else f"; F1 of random {number(best)}")
        found += [
            (f"spotting, {kind}", part["scores"], name, note * (name == "f1")) for name in ("f1", "precision", "recall")
        ]
    if analysis := summary.get("analysis"):
        correct = analysis["true_positives"]
        found.append(("analysis", analysis, "strs", f"{count(correct['n'], 2)} true positives"))
        found += [("analysis", correct["scores"], name, "") for name in ("uf1", "uar")]
    if recognition := summary.get("recognition"):
        parts = {"": recognition, **{f", {name}": part for name, part in recognition.get("members", {}).items()}}
        for name, part in parts.items():
            shown = [score for score in ("unit_f1", "uf1", "uar") if score in part["scores"]]
            clips = f"{part['n']} annotated clips"
            found += [(f"recognition{name}", part["scores"], score, clips * (score == shown[0])) for score in shown]
    cells = [
        (f"{task}: {METRICS[name].label}", {**scores.get(name, rows.UNDEFINED), "digits": METRICS[name].digits}, note)
        for task, scores, name, note in found
    ]
    return Table([Column("score"), Column("value", right=True, score=True), Column("note", "")], cells[:most])


def _intervals(
    summary: Mapping[str, Any], about: Mapping[str, Any], draws: int, metrics: Collection[str] = METRICS
) -> list[str]:
    if draws > 1 and "spotting" in summary:
        return [f"intervals of spotting: 95 % of the method's own {draws} random draws"]
    return [*rows.interval_lines(summary["bootstrap"], len(_people(about))), *rows.reason_lines(summary, metrics)]


def title_of(values: Mapping[str, Any]) -> str:
    """What was run in words: method, dataset, protocol, scheme and seed of a configuration, nested or flat."""
    flat = flatten(values)
    method = " with ".join(filter(None, [str(flat["method"]), flat.get("recognizer")]))
    words = [
        f"{method} on {joined(flat['dataset'])} under {of_protocol(flat)}",
        of_scheme(flat),
        f"seed {flat['seed']}",
    ]
    return ", ".join(filter(None, words))


def _people(about: Mapping[str, Any]) -> set[str]:
    return {s for f in about["folds"] for s in f["test"]}
