"""Scores as readable tables, sentences about them, and the mistakes of a run in spotting."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from mebench.config import flatten_keys
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.metrics.catalogue import METRICS, find_metric
from mebench.metrics.reasons import read_supports
from mebench.metrics.score_column import score_column
from mebench.metrics.score_table import DETAILS, TRUE_POSITIVES, ScoredPart, ScoreTable
from mebench.output.number_format import format_mean_count, format_number, shares_in_words
from mebench.output.table import Column, ShownScore, Table
from mebench.output.terminal import format_count, print_lines, print_report, print_table
from mebench.records.changed_settings import UNPUBLISHED, unpublished_settings
from mebench.records.recorded_settings import dataset_in_words, method_settings, protocol_in_words, scheme_in_words
from mebench.reports.result_sentence import StatedScore, result_sentence
from mebench.runs.folder import RunFolder
from mebench.score_type import UNDEFINED, Score, typed_scores

with lazy_imports():
    from mebench.metrics import bootstrap, mistakes as spotting_mistakes, tables as metric_tables
    from mebench.reports import recognition as recognition_results

if TYPE_CHECKING:
    import pandas as pd

    from mebench.metrics.tables import Tables
else:
    pd = load_lazily("pandas")

COUNTS = {"tp": "TP", "fp": "FP", "fn": "FN"}
COUNTED = [Column(name, label, text=partial(format_mean_count, places=2), right=True) for name, label in COUNTS.items()]


def score_table(title: str, scores: Mapping[str, Score], below: Iterable[tuple[str, Score] | str] = ()) -> Table:
    """One row for each score: name, value, interval.

    Args:
        title: line over the table.
        scores: scores by the names of their metrics.
        below: further rows by name, and separating lines (an empty text).
    """
    rows: list[tuple[str, Score | ShownScore] | str] = []
    for name, score in scores.items():
        metric = find_metric(name)
        rows.append((metric.label, ShownScore(score, digits=metric.digits)))
    return Table([Column("score"), Column("value", right=True, score=True)], [*rows, *below], title)


def counts_in_words(part: ScoredPart) -> str:
    """The scored items of a part: `3 TP, 1 FP, 0 FN`, `n = 3`, `8 annotated clips`."""
    counts = part.counts
    if part.task == "spotting":
        counted = ((counts.tp, "TP"), (counts.fp, "FP"), (counts.fn, "FN"))
        return ", ".join(f"{format_mean_count(number or 0, 2)} {label}" for number, label in counted)
    if part.task == "analysis":
        return f"n = {format_mean_count(counts.n or 0, 2)}"
    return f"{counts.n} annotated clips"


def how_intervals(subjects: int, interval: str, draws: int, names: Iterable[str] = ()) -> str:
    """The method behind a summary's 95 % intervals, in words.

    Args:
        subjects: number of people.
        interval: method for scores that are no proportions, `jackknife` or `bootstrap`.
        draws: number of draws of the bootstrap.
        names: scores with intervals; medians and other quantiles among them have the bootstrap's.

    >>> print(how_intervals(68, "jackknife", 0))
    95 % intervals over 68 subjects: binomial with jackknife variance for proportions, jackknife for the others
    """
    others = f"bootstrap ({draws} draws)" if interval == "bootstrap" else "jackknife"
    by_groups = (
        f", the jackknife over about {bootstrap.MOST_GROUPS} groups of them" if subjects > bootstrap.MOST_GROUPS else ""
    )
    quantiles = [metric.label for metric in map(find_metric, dict.fromkeys(names)) if metric.kind == "order"]
    of_quantiles = f", bootstrap ({draws} draws) for {enumerate_names(quantiles)}" if quantiles else ""
    return (
        f"95 % intervals over {subjects} subjects{by_groups}: binomial with jackknife variance for proportions"
        f"{of_quantiles}, {others} for the others"
    )


def interval_lines(summary: Mapping[str, Any], subjects: int) -> list[str]:
    """The line on the method behind a summary's intervals; none without intervals."""
    used = summary["bootstrap"]
    if not used["draws"]:
        return []
    parts = ScoreTable.read(summary).parts()
    names = [name for part in parts for name, score in part.scores.items() if score.ends is not None]
    return [how_intervals(subjects, used["interval"], used["draws"], names)]


def reason_lines(summary: Mapping[str, Any], names: Collection[str] = METRICS) -> list[str]:
    """The reasons for missing intervals, one line for each reason in each section.

    >>> score = {"value": 0.5, "low": None, "high": None, "reason": "fear rests on 2 samples of 1 subject"}
    >>> reason_lines({"recognition": {"n": 3, "scores": {"uf1": score, "uar": score}}})
    ['no interval for recognition, UF1 and UAR: fear has 2 samples of 1 subject']
    """
    labels_by_reason: dict[tuple[str, str], list[str]] = {}
    for part in ScoreTable.read(summary).parts():
        for name, score in part.scores.items():
            if score.reason and name in names:
                place = f"{part.task}, {part.name}" if part.name else part.task
                labels_by_reason.setdefault((place, score.reason), []).append(find_metric(name).label)
    return [
        f"no interval for {place}, {enumerate_names(labels)}: {say_reason(reason)}"
        for (place, reason), labels in labels_by_reason.items()
    ]


def enumerate_names(names: Sequence[str]) -> str:
    """Names in words: commas, and `and` before the last."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def say_reason(reason: str) -> str:
    """The reason for a missing interval, as reports say it.

    >>> say_reason("fear rests on 2 samples of 1 subject")
    'fear has 2 samples of 1 subject'
    """
    supports = read_supports(reason)
    if not supports:
        return reason
    return "".join(f"{support.owner} has {support.amount}{separator}" for support, separator in supports)


FIRST = {
    section: {METRICS[name].label: name for name in names}
    for section, names in (("spotting", ["f1"]), ("analysis", ["strs"]), ("recognition", ["unit_f1", "uf1", "uar"]))
}
"""The scores that stand for a run on one line: of each section, label and name."""


def main_scores(summary: Mapping[str, Any], names: Mapping[str, Mapping[str, str]] = FIRST) -> dict[str, Score]:
    """Some scores of each task, such as F1, STRS, UF1 and UAR; none of members.

    Args:
        summary: summary of a run.
        names: label and name of the scores of each section.

    >>> undefined = {"value": None, "low": None, "high": None}
    >>> list(main_scores({"recognition": {"n": 1, "scores": {"uf1": undefined, "uar": undefined, "wf1": undefined}}}))
    ['UF1', 'UAR']
    """
    return {stated.label: stated.score for stated in state_scores(summary, names)}


def state_scores(summary: Mapping[str, Any], names: Mapping[str, Mapping[str, str]] = FIRST) -> list[StatedScore]:
    """The main scores of each task beside chance, see `main_scores`."""
    table = ScoreTable.read(summary)
    found = []
    for part in table.parts():
        if part.member:
            continue
        chance = _level_beside(table, part)
        for label, name in names[part.task].items():
            if name in part.scores:
                words = f"{label} {part.part}" if part.task == "spotting" else label
                level = chance.get(name, UNDEFINED)
                found.append(StatedScore(words, part.scores[name], level, find_metric(name).digits))
    return found


def leak_table(leak: Mapping[str, Any]) -> Table:
    """One row for each score of a leaking run: without the leak, with it, and the gain."""
    return Table.from_items(
        [
            Column("score"),
            Column("honest", right=True),
            Column("leak", right=True),
            Column("points", right=True, text=lambda gain: format_number(gain, 2, sign="+")),
        ],
        [{"score": path, **score} for path, score in leak["scores"].items()],
        f"gain from the leak over {leak['honest']}",
    )


_COMPARED = ("precision", "recall", "f1", "ap50", "ap")
"""Scores of spotting that are compared between conventions."""
RANDOM_ROWS = {"as_many": "random, as many as truths", "best_rate": "random, best rate"}
"""Names of the levels of chance in spotting."""


def print_scores(summary: Mapping[str, Any], tables: Tables, verbose: bool = False) -> None:
    """Print scores on standard output, with `verbose` all of them; nothing is cut or wrapped unless it is a terminal."""
    subjects = set(metric_tables.videos_of_truth(tables.videos)["subject"])
    rules = summary["rules"] if verbose and "spotting" in summary else summary["convention"]
    print_report(
        f"{_count_scored_items(tables)} of {format_count(len(subjects), 'subject')}",
        *score_tables(summary, "all" if verbose else "main", subjects),
        f"convention {rules}",
        *interval_lines(summary, len(subjects)),
        *reason_lines(summary),
        *summary.get("remarks", []),
    )


def _count_scored_items(tables: Tables) -> str:
    """The numbers of answers and clips, or of predictions, expressions and videos, in words."""
    if tables.clips is not None:
        n_answers = int(tables.clips["predicted"].notna().sum())
        return f"{format_count(n_answers, 'answer')} for {format_count(len(tables.clips), 'clip')}"
    n_predictions = 0 if tables.predictions is None else len(tables.predictions)
    n_videos = len(metric_tables.videos_of_truth(tables.videos))
    truths = f"{format_count(len(tables.truths), 'expression')} in {format_count(n_videos, 'video')}"
    return f"{format_count(n_predictions, 'prediction')} against {truths}"


Shown = Literal["main", "all", "run"]
"""The main scores of files, these with all details, or the scores of a run with its folds and databases."""


def score_tables(
    summary: Mapping[str, Any], shown: Shown = "main", subjects: Collection[str] = frozenset()
) -> list[Table]:
    """A table for each task, confusions of clips, and all conventions if requested.

    Args:
        summary: summary of a run, or of files.
        shown: kind of the tables.
        subjects: subjects of the clips, as `dataset/subject`.
    """
    tables = _interval_tables(summary, shown)
    if summary.get("recognition"):
        tables += _recognition_tables(summary, shown, subjects)
    if summary.get("members") and shown == "run":
        tables.append(_table_by_dataset(summary["members"]))
    if summary.get("sensitivity"):
        tables.append(sensitivity_table(summary["sensitivity"]))
    return tables


def _interval_tables(summary: Mapping[str, Any], shown: Shown) -> list[Table]:
    """A table for each part of spotting and analysis, with the level of chance."""
    table = ScoreTable.read(summary)
    tables = []
    for part in table.parts():
        if part.task == "recognition":
            continue
        below: list[tuple[str, Score] | str] = []
        levels = table.levels_of_chance(part.task, part.part) if shown == "run" else {}
        for rule, level in levels.items():
            below += ["", (f"{METRICS['f1'].label} of {RANDOM_ROWS[rule]}", level["f1"])]
        if shown == "run" and part.part == TRUE_POSITIVES:
            for level in table.levels_of_chance("analysis").values():
                below.append("")
                below += [(f"{METRICS[name].label} of {RANDOM_CLASSES}", level[name]) for name in MAIN["analysis"]]
        details = _details(part, table.beside(part)) if shown == "all" else {}
        title = f"{part.task}, {part.name} ({counts_in_words(part)})"
        tables.append(score_table(title, {**part.scores, **details}, below))
    return tables


def _recognition_tables(summary: Mapping[str, Any], shown: Shown, subjects: Collection[str]) -> list[Table]:
    """The scores of clips, by database and by fold, and their confusions."""
    recognition = summary["recognition"]
    tables = [_recognition_table(summary, shown)]
    members = recognition.get("members")
    folds = recognition.get("folds")
    if members:
        tables.append(_table_by_database(members, subjects))
    if folds and shown == "run":
        heads = [Column("fold"), Column("n", "clips", right=True), *map(score_column, ("accuracy", "uf1", "uar"))]
        rows = [{"fold": name, **part, **typed_scores(part["scores"])} for name, part in folds.items()]
        tables.append(Table.from_items(heads, rows, "recognition, each fold by itself"))
    if summary.get("confusion"):
        counts = pd.DataFrame.from_dict(summary["confusion"], "index")
        tables.append(recognition_results.confusion_table(counts))
    return tables


def _recognition_table(summary: Mapping[str, Any], shown: Shown) -> Table:
    """The scores of all clips, and those of always the most frequent class below them."""
    table = ScoreTable.read(summary)
    whole = next(part for part in table.parts() if part.task == "recognition" and not part.member)
    details = {} if shown == "run" else _details(whole, table.beside(whole))
    if shown == "main":  # files show their calibration error in any case
        details = {name: score for name, score in details.items() if name == "ece"}
    below: list[tuple[str, Score] | str] = []
    for words, level in clip_levels(summary):
        below += ["", *((f"{METRICS[name].label} {words}", level[name]) for name in ("uf1", "uar"))]
    title = f"recognition, annotated clips (n = {whole.counts.n})"
    return score_table(title, {**whole.scores, **details}, below)


def _table_by_database(members: Mapping[str, Any], subjects: Collection[str]) -> Table:
    """The scores of clips in each database of a composite."""
    scored = {name for part in members.values() for name in part["scores"]}
    shown = [name for name in MAIN["recognition"] if name in scored]
    rows = []
    for name, part in members.items():
        n_subjects = sum(subject.startswith(f"{name}/") for subject in subjects)
        rows.append({"database": name, "subjects": n_subjects, **part, **typed_scores(part["scores"])})
    heads = [Column("database"), Column("subjects", right=True), Column("n", "clips", right=True)]
    return Table.from_items([*heads, *map(score_column, shown)], rows, "recognition, by database")


def _table_by_dataset(members: Mapping[str, Any]) -> Table:
    """The scores of spotting in each dataset of a composite."""
    rates = [score_column(name, interval=name == "f1") for name in ("precision", "recall", "f1")]
    rows = [
        {"dataset": name, "kind": kind, **part, **typed_scores(part["scores"])}
        for name, parts in members.items()
        for kind, part in parts.get("spotting", {}).items()
    ]
    return Table.from_items([Column("dataset"), Column("kind"), *COUNTED, *rates], rows, "spotting, by dataset")


def sensitivity_table(compared: Mapping[str, Any]) -> Table:
    """One line for each convention and kind."""
    what = "answers" if any("recognition" in row for row in compared.values()) else "predictions"
    return table_of_several(compared, "convention", f"the same {what} under every convention")


def table_of_several(compared: Mapping[str, Any], what: str, title: str) -> Table:
    """One line for each of several scored things, and for each kind.

    Args:
        compared: counts and values by part (`values_by_part`) of each, by its name.
        what: head of the column of the names.
        title: title of the table.
    """
    if any("recognition" in row for row in compared.values()):
        names = ("accuracy", "wf1", "uf1", "uar")
        columns = [Column(what), *(Column(name, find_metric(name).label, right=True) for name in names)]
        rows = [(convention, *_cells_of(row.get("recognition", {}), names)) for convention, row in compared.items()]
        return Table(columns, rows, title)
    scored_kinds = {kind for row in compared.values() for kind in row}
    kinds = [kind for kind in ("micro", "macro", "overall") if kind in scored_kinds]
    analysed = any("analysis" in row for row in compared.values())
    emotions = ("accuracy", "f1", "uf1", "strs") if analysed else ()
    several = len(kinds) > 1
    columns = [Column(what), *([Column("kind")] if several else []), *COUNTED]
    columns += [Column(name, find_metric(name).label, right=True) for name in _COMPARED]
    for name in emotions:
        label = f"{find_metric(name).label} (analysis)" if name in _COMPARED else find_metric(name).label
        columns.append(Column(name, label, right=True))
    return Table(columns, _sensitivity_rows(compared, kinds, emotions), title)


def _sensitivity_rows(
    compared: Mapping[str, Any], kinds: Sequence[str], emotions: Sequence[str]
) -> list[tuple[Any, ...]]:
    """A row for each convention and kind; emotions are scored for micro-expressions alone."""
    rows: list[tuple[Any, ...]] = []
    for convention, row in compared.items():
        if "reason" in row:
            rows.append((convention, row["reason"]))
        for kind in kinds:
            if kind not in row:
                continue
            leading = (convention, kind) if len(kinds) > 1 else (convention,)
            counts = [row[kind][key] for key in COUNTS]
            analysis = _cells_of(row.get("analysis", {}), emotions) if kind == "micro" else []
            rows.append((*leading, *counts, *_cells_of(row[kind], _COMPARED), *analysis))
    return rows


def _cells_of(scores: Mapping[str, Any], names: Iterable[str]) -> list[Any]:
    """The scores of some names, None where there is none."""
    return [scores.get(name) for name in names]


PRINTED_IOUS = ("0.10", "0.30", "0.50", "0.70", "0.90")
"""Thresholds of the IoU whose F1 is printed; the JSON has more."""


def _details(part: ScoredPart, beside: Mapping[str, Any]) -> dict[str, Score]:
    """The further defined scores of a part; its calibration stands beside them."""
    scores = {**part.further.get(DETAILS, {}), **part.further.get("frames", {})}
    calibration = beside.get("details", {}).get("calibration")
    if calibration:
        scores["ece"] = Score(calibration["ece"])
    f1_at_iou = part.further.get("f1_at_iou", {})
    for iou in PRINTED_IOUS:
        if iou in f1_at_iou:
            scores[f"{METRICS['f1_at_iou'].label} {float(iou):.1f}"] = f1_at_iou[iou]
    return {name: score for name, score in scores.items() if score.value is not None}


TITLES = {"false_positive": "false positives", "miss": "misses"}


def mistakes_lines(mistakes: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """The mistakes in a run's summary, without causes that did not occur.

    >>> mistakes_lines({"micro": {"false_positive": {"background": 3, "duplicate": 0}, "miss": {"kind_confusion": 0.5}}})
    ['mistakes, micro: false positives 3 background; misses 0.5 kind confusion']
    """
    lines = []
    for kind, parts in mistakes.items():
        by_mistake = "; ".join(f"{title} {_causes_in_words(parts[mistake])}" for mistake, title in TITLES.items())
        lines.append(f"mistakes, {kind}: {by_mistake}")
    return lines


def _causes_in_words(causes: Mapping[str, float]) -> str:
    """The causes that occurred, with their numbers."""
    return ", ".join(f"{round(n, 2):g} {cause.replace('_', ' ')}" for cause, n in causes.items() if n) or "none"


def print_mistakes(counts: pd.DataFrame, title: str, mistakes: pd.DataFrame | None = None, note: str = "") -> None:
    """Print counts of mistakes, a note, and single mistakes if given."""
    print_lines("")
    if counts.empty:
        print_lines(f"{title}: none, neither a false positive nor a miss")
        return
    print_report(
        title,
        *(mistakes_table(counts, mistake) for mistake in TITLES),
        "false positives: duplicate (hits a truth of its kind that another interval found), else kind confusion (hits one of the "
        "other kind), else localisation (IoU from 0.1 to below the threshold with one of its kind), else background; "
        "misses: kind confusion or localisation where a false positive says so, else missed",
        *filter(None, [note]),
    )
    if mistakes is not None:
        columns = ["video", "kind", "onset", "offset", "mistake", "cause", "emotion", "iou"]
        cells = mistakes[columns].assign(iou=mistakes["iou"].map("{:.2f}".format)).replace("_", " ", regex=True)
        cells["video"] = mistakes["video"]
        print_table(columns, cells.astype(str).to_numpy().tolist(), "each of them, frames counted from 0")


def print_causes(why: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """Print causes of false positives, gains without them, missed truths, and what words mean.

    Args:
        why: causes from `explain_mistakes`.
    """
    columns = [Column("cause", ""), Column("n", right=True), Column("gain", "F1", right=True, text="+{:.3f}".format)]
    for kind, parts in why.items():
        rows = [_cause_row(cause, gain, parts["under"]) for cause, gain in _largest_first(parts.get("gain", {}))]
        if rows:
            title = f"{kind}: the main cause of each false positive, and the gain in F1 without it"
            missed = spotting_mistakes.miss_shares(parts)
            lines = [f"missed by {name}: {shares_in_words(thirds)}" for name, thirds in missed.items()]
            print_report("", Table(columns, rows, title), *lines)
    if any(parts.get("gain") for parts in why.values()):
        print_lines(WHAT_CAUSES_MEAN)


WHAT_CAUSES_MEAN = (
    "these causes divide kind confusion and background by what lies there, whatever its IoU: an expression of the other kind or an "
    "annotated blink, head movement or the like, with which a false positive shares at least half of the frames of the shorter one, else "
    "nothing; near miss is localisation; length, intensity and density (of expressions in the video) are thirds of the truths"
)
"""The sentence below tables of `print_causes`."""


def _largest_first(gains: Mapping[str, float]) -> list[tuple[str, float]]:
    """Causes and their gains, the largest gain first."""
    return sorted(gains.items(), key=lambda item: -item[1])


def _cause_row(cause: str, gain: float, numbers: Mapping[str, float]) -> tuple[str, str, float]:
    """A cause in words, the number of its false positives, and its gain."""
    if cause == "missed":
        return "all other misses found", "", gain
    return cause.replace("_", " "), format_mean_count(numbers.get(cause, 0.0), 2), gain


def distracted_line(counts: pd.DataFrame, astray: pd.DataFrame, tables: Tables) -> str:
    """A sentence with the number of false positives on blinks and other distractors.

    Args:
        counts: counts from `count_mistakes`.
        astray: counts from `count_distracted`.
        tables: tables of the run, with the videos that have annotated distractors.
    """
    assert tables.distractors is not None
    videos = tables.distractors.groupby("kind")["video"].nunique()
    of_all = f"of {format_count(len(tables.videos), 'video')}"
    fell = ", ".join(
        f"{format_mean_count(astray[kind].sum(), 2)} on a {kind} (annotated in {videos[kind]} {of_all})"
        for kind in astray.columns
    )
    total = format_mean_count(counts["false_positive"].to_numpy().sum(), 2)
    return (
        f"of {total} false positives fall {fell}, which means that they share at least half of the frames "
        "of the shorter one; one that falls on several counts for each, and near misses and duplicates "
        "count, too"
    )


def mistakes_table(counts: pd.DataFrame, mistake: str) -> Table:
    """One row for each kind, subject or emotion, most mistakes first: their sum, and the share of each cause.

    Args:
        counts: counts from `count_mistakes`.
        mistake: false positives or misses.
    """
    causes = spotting_mistakes.CAUSES[mistake]
    index = str(counts.index.name)
    order = counts.index
    if index != "kind":
        order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
    rows: list[list[float]] = counts.loc[order, [(mistake, cause) for cause in causes]].to_numpy().tolist()
    sums = [sum(column) for column in zip(*rows)]
    total = sum(sums)
    cells: list[Any] = [[str(name) or "(none)", sum(row), *row] for name, row in zip(order, rows)]
    cells.append("")
    if len(counts) > 1:
        cells.append(["all", total, *sums])
    shares = ["-"] * len(sums)
    if total:
        shares = [f"{100 * n / total:.0f} %" for n in sums]
    cells.append(["share", "", *shares])
    numbers = [Column(name, text=partial(format_mean_count, places=2), right=True) for name in ("all", *causes)]
    return Table([Column(index, index), *numbers], cells, TITLES[mistake])


def plain_counts(counts: pd.DataFrame) -> dict[str, Any]:
    """The counts for JSON: `{name: {mistake: {cause: n}}}`."""
    halves = dict.fromkeys(counts.columns.get_level_values(0))
    return {str(name): {mistake: row[mistake].to_dict() for mistake in halves} for name, row in counts.iterrows()}


SELECTION = {
    "fixed": "nothing is chosen after training",
    "inner": "inner validation subjects choose, never tested ones",
    "test": "tested subjects influence their own test: not a result",
}
TRANSDUCTIVE = {
    "none": "no statistics of a tested video are used",
    "video": "the tested video's own unlabelled statistics influence its predictions",
    "database": "unlabelled features of all tested clips shape the training",
}


MOST_LINES = 25
"""Most lines of an outcome that is not verbose."""
MOST_ROWS = 13
"""Most rows in its table of main scores."""
MOST_REASONS = 1
"""Most sentences in it on why scores have no interval."""


def print_outcome(
    folder: RunFolder,
    summary: Mapping[str, Any],
    tracked: str | None,
    verbose: bool = False,
    announced: bool = False,
    tracker: str = "MLflow",
) -> None:
    """Print the scores of a finished run on standard output; nothing is cut or wrapped unless it is a terminal.

    Args:
        folder: folder of the run.
        summary: scores of the run.
        tracked: how to see the run in the tracker, or None.
        verbose: whether to print all scores and remarks; otherwise the main ones, on at most `MOST_LINES` lines.
        announced: whether the run's warnings have just been printed.
        tracker: name of the tracker.
    """
    about = folder.read_json("folds.json")
    config = folder.read_json("config.json")
    warnings = [] if announced else about.get("warnings", [])
    n_draws = _count_draws(folder, about)
    if verbose:
        tables = score_tables(summary, "run", _people(about))
        with_intervals = summary["bootstrap"]["draws"] > 0
        named = recognition_results.RecognitionResults.of_run(folder, with_intervals)
        tables += [] if named is None else named.make_tables()
        lines = _all_lines(summary, about, config, n_draws, warnings)
    else:
        tables = [main_table(summary, MOST_ROWS)]
        lines = _main_lines(summary, about, n_draws, warnings)
    if "leak" in summary:
        tables.append(leak_table(summary["leak"]))
    lines.append(f"run folder: {folder.path}")
    if tracked:
        lines.append(f"{tracker}: {tracked}")
    if not verbose:
        lines.append(f"all scores, with remarks: mebench runs show {folder.quoted_name} -v")
    print_report(_sentence_of_run(summary, config, n_draws), *tables, *filter(None, lines))


def _sentence_of_run(summary: Mapping[str, Any], config: Mapping[str, Any], n_draws: int) -> str:
    """The run in a sentence: what it is, and its first main score."""
    flat = flatten_keys(config["config"])
    method = " with ".join(filter(None, [str(flat["method"]), flat.get("recognizer")]))
    settings = method_settings(config["config"], config["origins"])
    first, *_ = state_scores(summary)
    return result_sentence(
        method,
        settings,
        [int(flat["seed"])],
        first,
        "draws" if n_draws > 1 else "run",
        place=place_of(flat),
        unpublished=unpublished_settings(flat),
    )


def _count_draws(folder: RunFolder, about: Mapping[str, Any]) -> int:
    """Number of draws of a method that predicts at random; otherwise 1."""
    if "spot" not in about["tasks"]:
        return 1
    predictions = folder.read_table("predictions.parquet")
    return int(predictions["draw"].max()) + 1 if len(predictions) else 1


def _selection_of(about: Mapping[str, Any]) -> str:
    """What chose among trained models: `fixed`, `inner` or `test`."""
    return str(about.get("selection", "inner" if about["selects"] else "fixed"))


def _all_lines(
    summary: Mapping[str, Any], about: Mapping[str, Any], config: Mapping[str, Any], n_draws: int, warnings: list[str]
) -> list[str]:
    """All lines below the scores of a run; some are empty."""
    changed = method_settings(config["config"], config["origins"])
    unpublished = unpublished_settings(flatten_keys(config["config"]))
    left_out = ", ".join(f"{label} {n}" for label, n in about["left_out"].items())
    selection = _selection_of(about)
    return [
        f"convention {summary['rules']}" if "spotting" in summary else "",
        *_intervals(summary, about, n_draws),
        *mistakes_lines(summary.get("mistakes", {})),
        *summary.get("remarks", []),
        f"settings that differ from the defaults: {changed}" if changed else "",
        f"{UNPUBLISHED}: {unpublished}" if unpublished else "",
        f"selection: {selection} ({SELECTION[selection]})",
        f"transductive: {about['transductive']} ({TRANSDUCTIVE[about['transductive']]})",
        _provenance_line(about),
        _landmark_file_line(about),
        *warnings,
        f"labels that the scheme does not score: {left_out}" if left_out else "",
        about["remark"],
    ]


def _provenance_line(about: Mapping[str, Any]) -> str:
    """What a run loaded, and the data that this was trained on; empty if it loaded nothing."""
    if "pretrained" not in about:
        return ""
    names = [f"{entry['name']} {entry['sha256'][:8]}".strip() for entry in about["loaded"]]
    stated = about["pretrained"]
    data = stated if isinstance(stated, str) else ", ".join(stated)
    said = "" if data != "unknown" else ": say it with pretrained=[NAMES], or pretrained=none if it was not trained"
    return f"loaded: {', '.join(names) or 'by the method'}; pretrained on: {data}{said}"


def _landmark_file_line(about: Mapping[str, Any]) -> str:
    """The files that the user named for finding landmarks; empty if there are none."""
    named = about.get("landmark_files", ())
    return f"faces cut by landmark files that were named: {', '.join(named)}" if named else ""


def _main_lines(summary: Mapping[str, Any], about: Mapping[str, Any], n_draws: int, warnings: list[str]) -> list[str]:
    """The main lines below the scores of a run; some are empty."""
    names = ("f1", "precision", "recall", "strs", "uf1", "uar")
    first, *reasons = _intervals(summary, about, n_draws, names) or [""]
    n_left_out = len(reasons) - MOST_REASONS
    if n_left_out > 0:
        reasons = [*reasons[:MOST_REASONS], f"and {n_left_out} more without an interval"]
    convention = f"convention {summary['convention']}" if "spotting" in summary else ""
    selection = _selection_of(about)
    return [
        "; ".join(filter(None, [convention, first])),
        chance_line(summary),
        *reasons,
        f"selection: {selection} ({SELECTION[selection]})" if selection == "test" else "",
        _provenance_line(about),
        *summary.get("remarks", []),
        *warnings,
        about["remark"],
    ]


MAIN = {
    "spotting": ("f1", "precision", "recall"),
    "analysis": ("strs", "uf1", "uar"),
    "recognition": ("unit_f1", "uf1", "uar"),
}
"""The main scores of each task; those of recognition if a run has them."""


def main_table(summary: Mapping[str, Any], most: int | None = None) -> Table:
    """The first `most` main scores of each task, each with its level of chance; those of spotting with their counts."""
    rows: list[tuple[str, ShownScore, str, str]] = []
    table = ScoreTable.read(summary)
    for part in table.parts():
        if part.name == "all intervals":
            continue
        title = part.task if part.task == "analysis" or not part.name else f"{part.task}, {part.name}"
        note = counts_in_words(part)
        if part.task == "analysis":
            note = f"{format_mean_count(part.counts.n or 0, 2)} true positives"
        chance = _level_beside(table, part)
        special = [metric for metric in part.scores if find_metric(metric).own or find_metric(metric).column]
        for metric in (*MAIN[part.task], *special):
            if part.task == "recognition" and metric not in part.scores:
                continue
            digits = find_metric(metric).digits
            score = ShownScore(part.scores.get(metric, UNDEFINED), digits=digits)
            at_chance = format_number(chance.get(metric, UNDEFINED).value, digits)
            rows.append((f"{title}: {find_metric(metric).label}", score, at_chance, note))
            note = ""  # once a part
    columns = [
        Column("score"),
        Column("value", right=True, score=True),
        Column("chance", right=True),
        Column("note", ""),
    ]
    return Table(columns, rows[:most])


RANDOM_CLASSES = "random intervals with random classes"
"""The level of chance of an analysis."""


def clip_levels(summary: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Score]]]:
    """The levels of chance of recognition: words behind the name of a score, and the scores."""
    levels = ScoreTable.read(summary).levels_of_chance("recognition")
    if not levels:
        return []
    answer = summary["chance"]["recognition"]["class"]
    words = {"": "of always all classes" if "+" in answer else f"of always {answer}", "names": "of names alone"}
    return [(words[name], level) for name, level in levels.items()]


def _level_beside(table: ScoreTable, part: ScoredPart) -> Mapping[str, Score]:
    """The scores that chance reaches beside those of a part; empty if none is known."""
    if part.task == "recognition":
        return {} if part.member else table.levels_of_chance("recognition").get("", {})
    if part.task == "analysis":
        return table.levels_of_chance("analysis").get("random", {})
    levels = table.levels_of_chance("spotting", part.part).values()
    return max(levels, key=lambda level: level["f1"].value or 0.0, default={})


def chance_line(summary: Mapping[str, Any]) -> str:
    """What the level of chance beside each score is, and where it is unknown."""
    chance = summary.get("chance", {})
    known = []
    if "spotting" in summary and any(kind in chance for kind in summary["spotting"]):
        known.append("random intervals for spotting")
    if "analysis" in chance:
        known.append(f"{RANDOM_CLASSES} for analysis")
    if "recognition" in chance:
        (always, _), *others = clip_levels(summary)
        names = [f"{format_number(level['uf1'].value)} UF1 {words}" for words, level in others]
        known.append(", ".join([f"{always.removeprefix('of ')!r} for recognition", *names]))
    if not known:
        return ""
    return f"chance: {'; '.join(known)}; a dash where it is unknown"


def _intervals(
    summary: Mapping[str, Any], about: Mapping[str, Any], draws: int, metrics: Collection[str] = METRICS
) -> list[str]:
    """Where the intervals come from, and the reasons for missing ones."""
    if draws > 1 and "spotting" in summary:
        return [f"intervals of spotting: 95 % of the method's own {draws} random draws"]
    return [*interval_lines(summary, len(_people(about))), *reason_lines(summary, metrics)]


def title_of(values: Mapping[str, Any]) -> str:
    """Title of a run: method, dataset, protocol, scheme and seed of a configuration, nested or flat."""
    flat = flatten_keys(values)
    method = " with ".join(filter(None, [str(flat["method"]), flat.get("recognizer")]))
    return f"{method} {place_of(flat)}, seed {flat['seed']}"


def place_of(flat: Mapping[str, Any]) -> str:
    """Dataset, protocol and scheme of a flat configuration, in words."""
    where = f"on {dataset_in_words(flat['dataset'])} under {protocol_in_words(flat)}"
    return ", ".join(filter(None, [where, scheme_in_words(flat)]))


def _people(about: Mapping[str, Any]) -> set[str]:
    """The tested subjects of all folds."""
    return {subject for fold in about["folds"] for subject in fold["test"]}
