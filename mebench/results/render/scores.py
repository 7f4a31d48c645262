"""Scores as rows and tables that a person reads, and the sentences about them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rich.table import Table

from mebench.console import console, empty_table, plural
from mebench.format import count, interval, number
from mebench.metrics.catalogue import JOINT, METRICS, find
from mebench.metrics.tables import Tables

INTERVAL = "95 % interval"
UNDEFINED = dict.fromkeys(("value", "low", "high"))
COUNTS = {"tp": "TP", "fp": "FP", "fn": "FN"}


def score_table(title: str, scores: Mapping[str, Any]) -> Table:
    """One row for each score: name, value, interval."""
    table = empty_table(title, ("score", "value", INTERVAL), ("score",))
    for name, score in scores.items():
        add_score(table, find(name).label, score, find(name).digits)
    return table


def add_score(table: Table, name: str, score: Mapping[str, Any], digits: int = 4) -> None:
    """Add one row to a `score_table`."""
    table.add_row(name, number(score["value"], digits), interval(score, digits))


def parts_of(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Section, name, what is scored in words and content of each part of spotting and analysis.

    What spans both sections stands before the scores of the true positives.
    """
    for kind, part in summary.get("spotting", {}).items():
        yield "spotting", kind, counts_of(part), part
    analysis = summary.get("analysis", {})
    for name in ("true_positives", "all_intervals"):
        if name in analysis:
            part = analysis[name]
            joint = {n: analysis[n] for n in analysis if n in JOINT and name == "true_positives"}
            scores = {**joint, **part["scores"]}
            yield "analysis", name.replace("_", " "), f"n = {count(part['n'], 2)}", {**part, "scores": scores}


def counts_of(part: Mapping[str, Any]) -> str:
    """True positives, false positives and misses of a kind, `3 TP, 1 FP, 0 FN`."""
    return ", ".join(f"{count(part[key], 2)} {name}" for key, name in COUNTS.items())


def how_intervals(subjects: int, interval: str, draws: int) -> str:
    """How the 95 % intervals of a summary were found, in words.

    >>> print(how_intervals(68, "jackknife", 0))
    intervals: 95 %, by leaving out each of 68 subjects (jackknife); those of shares end as exact binomial ones of that error
    """
    rest = f"; of what is no share bootstrap, {draws} draws" if interval == "bootstrap" else ""
    how = f"intervals: 95 %, by leaving out each of {subjects} subjects (jackknife)"
    return f"{how}; those of shares end as exact binomial ones of that error{rest}"


def interval_lines(bootstrap: Mapping[str, Any], subjects: int) -> list[str]:
    """The same as a line, none where no intervals were asked for."""
    return [how_intervals(subjects, bootstrap["interval"], bootstrap["draws"])] if bootstrap["draws"] else []


def reason_lines(summary: Mapping[str, Any], names: Collection[str] = METRICS) -> list[str]:
    """Why scores have no interval, a line for each reason in each section.

    >>> score = {"value": 0.5, "low": None, "high": None, "reason": "fear rests on 2 samples of 1 subject"}
    >>> reason_lines({"recognition": {"scores": {"uf1": score, "uar": score}}})
    ['no interval of recognition, UF1 and UAR: fear rests on 2 samples of 1 subject']
    """
    recognition = summary.get("recognition", {})
    parts = {f"{section}, {name}": part["scores"] for section, name, _, part in parts_of(summary)}
    parts |= {"recognition": recognition.get("scores", {})}
    parts |= {f"recognition, {name}": part["scores"] for name, part in recognition.get("members", {}).items()}
    found: dict[tuple[str, str], list[str]] = {}
    for section, scores in parts.items():
        for name, score in scores.items():
            if "reason" in score and name in names:
                found.setdefault((section, score["reason"]), []).append(find(name).label)
    return [
        f"no interval of {section}, {', '.join(labels[:-1])}{' and ' * (len(labels) > 1)}{labels[-1]}: {reason}"
        for (section, reason), labels in found.items()
    ]


Score = Mapping[str, float | None]


def main_scores(summary: Mapping[str, Any]) -> dict[str, Score]:
    """Name and `value`, `low`, `high` of the main scores of each task: F1 of each kind, STRS, F1 of an action unit, UF1
    and UAR.

    >>> undefined = {"value": None, "low": None, "high": None}
    >>> list(main_scores({"recognition": {"n": 1, "scores": {"uf1": undefined, "uar": undefined, "wf1": undefined}}}))
    ['UF1', 'UAR']
    """
    found: dict[str, Score] = {}
    for kind, part in summary.get("spotting", {}).items():
        found[f"{METRICS['f1'].label} {kind}"] = part["scores"]["f1"]
    if analysis := summary.get("analysis"):
        found[METRICS["strs"].label] = analysis["strs"]
    if recognition := summary.get("recognition"):
        scores = recognition["scores"]
        found |= {METRICS[name].label: scores[name] for name in ("unit_f1", "uf1", "uar") if name in scores}
    return found


def spotting_by_dataset(members: Mapping[str, Any]) -> Table:
    """One row for each dataset and kind."""
    names = ("precision", "recall", "f1")
    columns = ("dataset", "kind", *COUNTS.values(), *(find(name).label for name in names), INTERVAL)
    table = empty_table("spotting, by dataset", columns, ("dataset", "kind"))
    for name, parts in members.items():
        for kind, part in parts.get("spotting", {}).items():
            scores = part["scores"]
            shown = [number(scores[score]["value"]) for score in names]
            counts = [count(part[key], 2) for key in COUNTS]
            table.add_row(name, kind, *counts, *shown, interval(scores["f1"]))
    return table


def clips_title(recognition: Mapping[str, Any]) -> str:
    """The title of the scores of annotated clips."""
    return f"recognition, annotated clips (n = {recognition['n']})"


def recognition_by_dataset(members: Mapping[str, Any], subjects: Collection[str]) -> Table:
    """One row for each dataset; `subjects` are all that were tested, as `dataset/subject`."""
    shown = [name for name in ("unit_f1", "uf1", "uar") if any(name in part["scores"] for part in members.values())]
    columns = ["database", "subjects", "clips"]
    for name in shown:
        columns += [METRICS[name].label, INTERVAL]
    table = empty_table("recognition, by database", columns, ("database",))
    for name, part in members.items():
        cells = [name, str(sum(subject.startswith(f"{name}/") for subject in subjects)), str(part["n"])]
        for score in shown:
            found = part["scores"].get(score, UNDEFINED)
            cells += [number(found["value"]), interval(found)]
        table.add_row(*cells)
    return table


def recognition_by_fold(folds: Mapping[str, Any]) -> Table:
    """One row for each fold."""
    names = ("accuracy", "uf1", "uar")
    columns = [column for name in names for column in (find(name).label, INTERVAL)]
    table = empty_table("recognition, each fold by itself", ("fold", "clips", *columns), ("fold",))
    for fold, part in folds.items():
        scores = [part["scores"][name] for name in names]
        shown = [text for score in scores for text in (number(score["value"]), interval(score))]
        table.add_row(fold, str(part["n"]), *shown)
    return table


def leak_table(leak: Mapping[str, Any]) -> Table:
    """One row for each score of a run that leaks: without the leak, with it, and what it gained."""
    table = empty_table(
        f"what the leak gained, beside {leak['honest']}", ("score", "honest", "leak", "points"), ("score",)
    )
    for path, score in leak["scores"].items():
        points = "-" if score["points"] is None else f"{score['points']:+.2f}"
        table.add_row(path, number(score["honest"]), number(score["leak"]), points)
    return table


CALIBRATION = "ece"
SWEEP = ("0.10", "0.30", "0.50", "0.70", "0.90")
"""The thresholds that are printed; the JSON has more."""

_COMPARED = ("precision", "recall", "f1", "ap50", "ap")
_EMOTIONS = ("accuracy", "f1", "uf1", "strs")


def print_scores(summary: Mapping[str, Any], tables: Tables, verbose: bool = False) -> None:
    """Print scores on standard output, with `verbose` all of them; nothing is cut or wrapped where that is no terminal."""
    out = console()
    out.print(_title(tables), markup=False, style="bold")
    for table in score_tables(summary, verbose, set(tables.videos["subject"])):
        out.print(table)
    for line in _remarks(summary, tables, verbose):
        out.print(line, markup=False, soft_wrap=True)


def score_tables(
    summary: Mapping[str, Any], verbose: bool = False, subjects: Collection[str] = frozenset()
) -> list[Table]:
    """One table for each task of the summary, confusions of clips, and one of all conventions where that was asked.

    `subjects` are those of the clips, as `dataset/subject`.
    """
    found = [
        score_table(f"{section}, {name} ({counted})", {**part["scores"], **(_details(part) if verbose else {})})
        for section, name, counted, part in parts_of(summary)
    ]
    if recognition := summary.get("recognition"):
        details = _details(recognition)
        shown = {name: score for name, score in details.items() if verbose or name == CALIBRATION}
        found.append(score_table(clips_title(recognition), {**recognition["scores"], **shown}))
        if chance := summary.get("chance", {}).get("recognition"):
            found[-1].add_section()
            for name in ("uf1", "uar"):
                add_score(found[-1], f"{METRICS[name].label} of always {chance['class']}", chance[name])
        if members := recognition.get("members"):
            found.append(recognition_by_dataset(members, subjects))
        if confusion := summary.get("confusion"):
            found.append(confusion_table(confusion))
    if compared := summary.get("sensitivity"):
        found.append(sensitivity_table(compared))
    return found


def confusion_table(confusion: Mapping[str, Mapping[str, int]]) -> Table:
    """One row for each true class: how often each class was named; `no class` for no answer, or one that is none."""
    names = list(next(iter(confusion.values()), {}))
    table = empty_table("true class against the one that was named", ("true", *names, "clips"), ("true",))
    for true, row in confusion.items():
        table.add_row(true, *map(str, row.values()), str(sum(row.values())))
    return table


def sensitivity_table(compared: Mapping[str, Any]) -> Table:
    """One line for each convention and kind."""
    if any("recognition" in row for row in compared.values()):
        return _recognition_sensitivity(compared)
    kinds = [kind for kind in ("micro", "macro", "overall") if any(kind in row for row in compared.values())]
    named_emotions = any("analysis" in row for row in compared.values())
    left = ["convention", *(["kind"] if len(kinds) > 1 else [])]
    right = [*COUNTS.values(), *(find(name).label for name in _COMPARED)]
    right += [f"{find(name).label}{' (analysis)' * (name in _COMPARED)}" for name in _EMOTIONS if named_emotions]
    table = empty_table("the same predictions under every convention", (*left, *right), left)
    for name, row in compared.items():
        if "reason" in row:
            table.add_row(name, row["reason"])
        for kind in (kind for kind in kinds if kind in row):
            cells = [name, kind][: len(left)]
            cells += [count(row[kind][key], 2) for key in COUNTS]
            cells += [number(row[kind].get(score)) for score in _COMPARED]
            if named_emotions and kind == "micro":
                cells += [number(row.get("analysis", {}).get(score)) for score in _EMOTIONS]
            table.add_row(*cells)
    return table


def _recognition_sensitivity(compared: Mapping[str, Any]) -> Table:
    names = ("accuracy", "wf1", "uf1", "uar")
    columns = ("convention", *(find(name).label for name in names))
    table = empty_table("the same answers under every convention", columns, columns[:1])
    for convention, row in compared.items():
        cells = [number(row["recognition"].get(name)) for name in names] if "recognition" in row else ["-"] * len(names)
        table.add_row(convention, *cells)
    return table


def _details(part: Mapping[str, Any]) -> dict[str, Any]:
    """The further scores of a part that are defined."""
    details = part.get("details", {})
    scores = {**details.get("scores", {}), **details.get("frames", {})}
    sweep = details.get("f1_at_iou", {})
    if reliable := details.get("calibration"):
        scores[CALIBRATION] = {**UNDEFINED, "value": reliable["ece"]}
    scores |= {f"{METRICS['f1_at_iou'].label} {float(iou):.1f}": sweep[iou] for iou in SWEEP if iou in sweep}
    return {name: score for name, score in scores.items() if score["value"] is not None}


def _title(tables: Tables) -> str:
    videos, truths = tables.videos, tables.truths
    of = f"of {plural(videos['subject'].nunique(), 'subject')}"
    if tables.clips is not None:
        return f"{plural(int(tables.clips['predicted'].notna().sum()), 'answer')} for {plural(len(tables.clips), 'clip')} {of}"
    spotted = plural(0 if tables.predictions is None else len(tables.predictions), "prediction")
    return f"{spotted} against {plural(len(truths), 'expression')} in {plural(len(videos), 'video')} {of}"


def _remarks(summary: Mapping[str, Any], tables: Tables, verbose: bool) -> list[str]:
    """What a reader must know to trust the numbers."""
    subjects = tables.videos["subject"].nunique()
    return [
        f"convention {summary['rules' if verbose and 'spotting' in summary else 'convention']}",
        *interval_lines(summary["bootstrap"], subjects),
        *reason_lines(summary),
        *summary.get("remarks", []),
    ]
