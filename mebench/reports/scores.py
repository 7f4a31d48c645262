"""Scores as readable tables, sentences about them, and the mistakes of a run in spotting."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from mebench import metrics
from mebench.config import flatten
from mebench.grouping import grouped
from mebench.lazy_imports import load_lazily
from mebench.metrics.catalogue import METRICS, find
from mebench.metrics.reasons import read_supports
from mebench.metrics.scored_parts import scored_parts
from mebench.number_format import Score, count, number, shares_in_words
from mebench.records import joined, of_method, of_protocol, of_scheme
from mebench.runs.folder import RunFolder
from mebench.table import Column, Table
from mebench.terminal import plural, print_lines, print_report, print_table

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = load_lazily("pandas")

UNDEFINED = dict.fromkeys(("value", "low", "high"))
COUNTS = {"tp": "TP", "fp": "FP", "fn": "FN"}
COUNTED = [Column(name, label, text=partial(count, places=2), right=True) for name, label in COUNTS.items()]


def score_table(title: str, scores: Mapping[str, Any], below: Iterable[tuple[str, Score] | str] = ()) -> Table:
    """One row for each score: name, value, interval; below them other rows by name, and separating lines (an empty
    text).
    """
    rows = ((find(name).label, {**score, "digits": find(name).digits}) for name, score in scores.items())
    return Table([Column("score"), Column("value", right=True, score=True)], [*rows, *below], title)


def parts_of(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Section, name, number of scored items in words (`3 TP, 1 FP, 0 FN` of spotting), and content of each part.

    A score over both sections precedes the scores of the true positives.
    """
    for section, name, part in scored_parts(summary):
        if section == "spotting":
            counted = ", ".join(f"{count(part[key], 2)} {label}" for key, label in COUNTS.items())
        elif section == "analysis":
            counted = f"n = {count(part['n'], 2)}"
        else:
            counted = f"{part['n']} annotated clips"
        yield section, name, counted, part


def how_intervals(subjects: int, interval: str, draws: int) -> str:
    """The method behind a summary's 95 % intervals, in words.

    >>> print(how_intervals(68, "jackknife", 0))
    intervals: 95 %, by leaving out each of 68 subjects (jackknife); for shares the exact binomial interval of that error
    """
    rest = f"; for other scores a bootstrap, {draws} draws" if interval == "bootstrap" else ""
    return (
        f"intervals: 95 %, by leaving out each of {subjects} subjects (jackknife); for shares the exact binomial "
        f"interval of that error{rest}"
    )


def interval_lines(bootstrap: Mapping[str, Any], subjects: int) -> list[str]:
    """The same as a line; empty if no intervals were requested."""
    return [how_intervals(subjects, bootstrap["interval"], bootstrap["draws"])] if bootstrap["draws"] else []


def reason_lines(summary: Mapping[str, Any], names: Collection[str] = METRICS) -> list[str]:
    """The reasons for missing intervals, one line for each reason in each section.

    >>> score = {"value": 0.5, "low": None, "high": None, "reason": "fear rests on 2 samples of 1 subject"}
    >>> reason_lines({"recognition": {"n": 3, "scores": {"uf1": score, "uar": score}}})
    ['no interval for recognition, UF1 and UAR: fear has 2 samples of 1 subject']
    """
    scores = [
        (", ".join(filter(None, (section, part))), score["reason"], find(name).label)
        for section, part, _, content in parts_of(summary)
        for name, score in content["scores"].items()
        if "reason" in score and name in names
    ]
    by_reason = {key: [label for *_, label in some] for key, some in grouped(scores, key=itemgetter(0, 1)).items()}
    return [
        f"no interval for {section}, {', '.join(labels[:-1])}{' and ' * (len(labels) > 1)}{labels[-1]}: {say_reason(reason)}"
        for (section, reason), labels in by_reason.items()
    ]


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
    """Name and `value`, `low`, `high` of some scores of each task, such as the F1 of each kind, STRS, UF1 and UAR; not of
    the members of a composite dataset.

    Args:
        summary: of a run.
        names: of each section, the label and the name of its scores.

    >>> undefined = {"value": None, "low": None, "high": None}
    >>> list(main_scores({"recognition": {"n": 1, "scores": {"uf1": undefined, "uar": undefined, "wf1": undefined}}}))
    ['UF1', 'UAR']
    """
    return {
        f"{label} {kind}" if section == "spotting" else label: part["scores"][name]
        for section, kind, _, part in parts_of(summary)
        for label, name in names[section].items()
        if name in part["scores"] and (section != "recognition" or not kind)
    }


def leak_table(leak: Mapping[str, Any]) -> Table:
    """One row for each score of a leaking run: without the leak, with it, and the gain."""
    return Table.of(
        [
            Column("score"),
            Column("honest", right=True),
            Column("leak", right=True),
            Column("points", right=True, text=lambda gain: number(gain, 2, sign="+")),
        ],
        [{"score": path, **score} for path, score in leak["scores"].items()],
        f"gain from the leak over {leak['honest']}",
    )


_COMPARED = ("precision", "recall", "f1", "ap50", "ap")


RANDOM_ROWS = {"as_many": "random, as many as truths", "best_rate": "random, best rate"}


def print_scores(summary: Mapping[str, Any], tables: metrics.Tables, verbose: bool = False) -> None:
    """Print scores on standard output, with `verbose` all of them; nothing is cut or wrapped unless it is a terminal."""
    videos, subjects = tables.videos, set(tables.videos["subject"])
    if tables.clips is not None:
        counted = (
            f"{plural(int(tables.clips['predicted'].notna().sum()), 'answer')} for {plural(len(tables.clips), 'clip')}"
        )
    else:
        spotted = plural(0 if tables.predictions is None else len(tables.predictions), "prediction")
        counted = f"{spotted} against {plural(len(tables.truths), 'expression')} in {plural(len(videos), 'video')}"
    print_report(
        f"{counted} of {plural(len(subjects), 'subject')}",
        *score_tables(summary, verbose, subjects),
        f"convention {summary['rules' if verbose and 'spotting' in summary else 'convention']}",
        *interval_lines(summary["bootstrap"], len(subjects)),
        *reason_lines(summary),
        *summary.get("remarks", []),
    )


def score_tables(
    summary: Mapping[str, Any], verbose: bool | None = False, subjects: Collection[str] = frozenset()
) -> list[Table]:
    """One table for each task of the summary, confusions of clips, and one table of all conventions if requested.

    Args:
        summary: of a run, or of files.
        verbose: whether to show all details of the scores; None for a run, which shows its folds and databases instead.
        subjects: subjects of the clips, as `dataset/subject`.
    """
    tables, levels = [], summary.get("chance", {})
    random = levels if verbose is None else {}
    for section, name, counted, part in (part for part in parts_of(summary) if part[0] != "recognition"):
        below = [
            (f"{METRICS['f1'].label} of {RANDOM_ROWS[rule]}", row["f1"]) for rule, row in random.get(name, {}).items()
        ]
        scores = {**part["scores"], **(_details(part) if verbose else {})}
        tables.append(score_table(f"{section}, {name} ({counted})", scores, [c for row in below for c in ("", row)]))
    if recognition := summary.get("recognition"):
        details = {} if verbose is None else _details(recognition)
        scores = recognition["scores"] | {name: score for name, score in details.items() if verbose or name == "ece"}
        always: list[Any] = []
        if chance := levels.get("recognition"):
            words = "of always all classes" if "+" in chance["class"] else f"of always {chance['class']}"
            always = ["", *((f"{METRICS[name].label} {words}", chance[name]) for name in ("uf1", "uar"))]
        tables.append(score_table(f"recognition, annotated clips (n = {recognition['n']})", scores, always))
        if members := recognition.get("members"):
            known = [
                name for name in ("unit_f1", "uf1", "uar") if any(name in part["scores"] for part in members.values())
            ]
            of_members = [
                {
                    "database": name,
                    "subjects": sum(who.startswith(f"{name}/") for who in subjects),
                    **part,
                    **part["scores"],
                }
                for name, part in members.items()
            ]
            heads = [Column("database"), Column("subjects", right=True), Column("n", "clips", right=True)]
            tables.append(Table.of([*heads, *map(Column.metric, known)], of_members, "recognition, by database"))
        if (folds := recognition.get("folds")) and verbose is None:
            heads = [Column("fold"), Column("n", "clips", right=True), *map(Column.metric, ("accuracy", "uf1", "uar"))]
            of_folds = [{"fold": name, **part, **part["scores"]} for name, part in folds.items()]
            tables.append(Table.of(heads, of_folds, "recognition, each fold by itself"))
        if confusion := summary.get("confusion"):
            named = [Column(name, name, right=True) for name in (*next(iter(confusion.values()), {}), "clips")]
            rows = [(true, *row.values(), sum(row.values())) for true, row in confusion.items()]
            tables.append(Table([Column("true"), *named], rows, "true class against predicted class"))
    if (members := summary.get("members")) and verbose is None:
        rates = (Column.metric(name, interval=name == "f1") for name in ("precision", "recall", "f1"))
        of_kinds = [
            {"dataset": name, "kind": kind, **part, **part["scores"]}
            for name, parts in members.items()
            for kind, part in parts.get("spotting", {}).items()
        ]
        tables.append(Table.of([Column("dataset"), Column("kind"), *COUNTED, *rates], of_kinds, "spotting, by dataset"))
    if compared := summary.get("sensitivity"):
        tables.append(sensitivity_table(compared))
    return tables


def sensitivity_table(compared: Mapping[str, Any]) -> Table:
    """One line for each convention and kind."""
    if any("recognition" in row for row in compared.values()):
        names = ("accuracy", "wf1", "uf1", "uar")
        return Table(
            [Column("convention"), *(Column(name, find(name).label, right=True) for name in names)],
            [(convention, *map(row.get("recognition", {}).get, names)) for convention, row in compared.items()],
            "the same answers under every convention",
        )
    kinds = [kind for kind in ("micro", "macro", "overall") if any(kind in row for row in compared.values())]
    emotions = ("accuracy", "f1", "uf1", "strs") if any("analysis" in row for row in compared.values()) else ()
    leading = [Column("convention"), Column("kind")][: 1 + (len(kinds) > 1)]
    analysed = (
        Column(name, f"{find(name).label}{' (analysis)' * (name in _COMPARED)}", right=True) for name in emotions
    )
    columns = [*leading, *COUNTED, *(Column(name, find(name).label, right=True) for name in _COMPARED), *analysed]
    rows: list[Any] = []
    for name, row in compared.items():
        rows += [(name, row["reason"])] if "reason" in row else []
        for kind in (kind for kind in kinds if kind in row):
            cells = [*(name, kind)[: len(leading)], *(row[kind][key] for key in COUNTS), *map(row[kind].get, _COMPARED)]
            rows.append([*cells, *(map(row.get("analysis", {}).get, emotions) if kind == "micro" else ())])
    return Table(columns, rows, "the same predictions under every convention")


def _details(part: Mapping[str, Any]) -> dict[str, Any]:
    """The further defined scores of a part."""
    details = part.get("details", {})
    scores = {**details.get("scores", {}), **details.get("frames", {})}
    sweep = details.get("f1_at_iou", {})
    if reliable := details.get("calibration"):
        scores["ece"] = {**UNDEFINED, "value": reliable["ece"]}
    # The printed thresholds; the JSON has more.
    scores |= {
        f"{METRICS['f1_at_iou'].label} {float(iou):.1f}": sweep[iou]
        for iou in ("0.10", "0.30", "0.50", "0.70", "0.90")
        if iou in sweep
    }
    return {name: score for name, score in scores.items() if score["value"] is not None}


TITLES = {"false_positive": "false positives", "miss": "misses"}


def mistakes_lines(mistakes: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """The mistakes in a run's summary, without causes that did not occur.

    >>> mistakes_lines({"micro": {"false_positive": {"background": 3, "duplicate": 0}, "miss": {"kind_confusion": 0.5}}})
    ['mistakes, micro: false positives 3 background; misses 0.5 kind confusion']
    """

    def words(causes: Mapping[str, float]) -> str:
        return ", ".join(f"{round(n, 2):g} {cause.replace('_', ' ')}" for cause, n in causes.items() if n) or "none"

    return [
        f"mistakes, {kind}: " + "; ".join(f"{title} {words(parts[mistake])}" for mistake, title in TITLES.items())
        for kind, parts in mistakes.items()
    ]


def print_mistakes(counts: pd.DataFrame, title: str, mistakes: pd.DataFrame | None = None, note: str = "") -> None:
    """Print the counts of `count_mistakes` on standard output, a note, and the rows of `sort_mistakes` if given."""
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
    """Print, for each kind, the causes of false positives with the gain in F1 without them, and the missed truths.

    Args:
        why: from `explain_mistakes`.
    """
    columns = [Column("cause", ""), Column("n", right=True), Column("gain", "F1", right=True, text="+{:.3f}".format)]
    for kind, parts in why.items():
        rows = [
            ("all other misses found", "", gain)
            if word == "missed"
            else (word.replace("_", " "), count(parts["under"].get(word, 0.0), 2), gain)
            for word, gain in sorted(parts.get("gain", {}).items(), key=lambda item: -item[1])
        ]
        if rows:
            print_report(
                "",
                Table(columns, rows, f"{kind}: the main cause of each false positive, and the gain in F1 without it"),
                *(
                    f"missed by {name}: {shares_in_words(thirds)}"
                    for name, thirds in metrics.mistakes.miss_shares(parts).items()
                ),
            )


def distracted_line(counts: pd.DataFrame, astray: pd.DataFrame, tables: metrics.Tables) -> str:
    """A sentence with the number of false positives on blinks and other distractors.

    Args:
        counts: from `count_mistakes`.
        astray: from `count_distracted`.
        tables: of the run, with the videos that have annotated distractors.
    """
    assert tables.distractors is not None
    videos = tables.distractors.groupby("kind")["video"].nunique()
    fell = ", ".join(
        f"{count(astray[kind].sum(), 2)} on a {kind} (annotated in {videos[kind]} of {plural(len(tables.videos), 'video')})"
        for kind in astray.columns
    )
    total = count(counts["false_positive"].to_numpy().sum(), 2)
    return (
        f"of {total} false positives fall {fell}, which means that they share at least half of the frames "
        "of the shorter one; one that falls on several counts for each, and near misses and duplicates "
        "count, too"
    )


def mistakes_table(counts: pd.DataFrame, mistake: str) -> Table:
    """One row for each kind, subject or emotion, most mistakes first: their sum, and the share of each cause.

    Args:
        counts: from `count_mistakes`.
        mistake: false positives or misses.
    """
    causes, index = metrics.mistakes.CAUSES[mistake], str(counts.index.name)
    order = counts.index if index == "kind" else counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
    rows: list[list[float]] = counts.loc[order, [(mistake, cause) for cause in causes]].to_numpy().tolist()
    sums = [sum(column) for column in zip(*rows)]
    cells: list[Any] = [
        *([str(name) or "(none)", sum(row), *row] for name, row in zip(order, rows)),
        "",
        *([["all", sum(sums), *sums]] if len(counts) > 1 else []),
        ["share", "", *(f"{100 * n / sum(sums):.0f} %" if sum(sums) else "-" for n in sums)],
    ]
    numbers = (Column(name, text=partial(count, places=2), right=True) for name in ("all", *causes))
    return Table([Column(index, index), *numbers], cells, TITLES[mistake])


def plain(counts: pd.DataFrame) -> dict[str, Any]:
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
    """Print the scores of a finished run on standard output; nothing is cut or wrapped unless it is a terminal.

    Args:
        folder: the run.
        summary: its scores.
        tracked: how to see the run in the tracker, or None.
        verbose: all scores and remarks; otherwise the main ones, on at most `MOST_LINES` lines.
        announced: whether the run's warnings have just been printed.
        tracker: its name.
    """
    about, config = folder.read_json("folds.json"), folder.read_json("config.json")
    draws = 1
    if "spot" in about["tasks"] and len(predictions := folder.read_table("predictions.parquet")):
        draws = int(predictions["draw"].max()) + 1
    warnings = [] if announced else about.get("warnings", [])
    selection = about.get("selection", "inner" if about["selects"] else "fixed")
    how = f"selection: {selection} ({SELECTION[selection]})"
    # Most rows in the table of main scores, so that the output stays below `MOST_LINES`.
    tables = [
        *(score_tables(summary, None, _people(about)) if verbose else [main_table(summary, 14)]),
        *([leak_table(summary["leak"])] if "leak" in summary else []),
    ]
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
        first, *others = _intervals(summary, about, draws, ("f1", "precision", "recall", "strs", "uf1", "uar")) or [""]
        if len(others) > MOST_REASONS:
            others[MOST_REASONS:] = [f"and {len(others) - MOST_REASONS} more without an interval"]
        lines = [
            "; ".join(filter(None, [f"convention {summary['convention']}" if "spotting" in summary else "", first])),
            *others,
            how if selection == "test" else "",
            *summary.get("remarks", []),
            *warnings,
            about["remark"],
        ]
    lines += [f"run folder: {folder.path}", f"{tracker}: {tracked}" if tracked else ""]
    lines.append("" if verbose else f"all scores, with remarks: mebench runs show {folder.word} -v")
    print_report(title_of(config["config"]), *tables, *filter(None, lines))


MAIN = {
    "spotting": ("f1", "precision", "recall"),
    "analysis": ("strs", "uf1", "uar"),
    "recognition": ("unit_f1", "uf1", "uar"),
}
"""The main scores of each task; those of recognition if a run has them."""


def main_table(summary: Mapping[str, Any], most: int | None = None) -> Table:
    """The first `most` main scores of each task; those of spotting with their counts and the level of chance."""
    cells: list[tuple[str, Score, str]] = []
    for section, name, counted, part in (part for part in parts_of(summary) if part[1] != "all intervals"):
        chance = summary.get("chance", {}).get(name, {}) if section == "spotting" else {}
        best = max((row["f1"]["value"] or 0.0 for row in chance.values()), default=None)
        note = f"{count(part['n'], 2)} true positives" if section == "analysis" else counted
        random = "" if best is None else f"; F1 of random {number(best)}"
        title = section if section == "analysis" or not name else f"{section}, {name}"
        metrics = [metric for metric in MAIN[section] if section != "recognition" or metric in part["scores"]]
        for metric in metrics:
            score = {**part["scores"].get(metric, UNDEFINED), "digits": METRICS[metric].digits}
            cells.append((f"{title}: {METRICS[metric].label}", score, f"{note}{random}" * (metric == metrics[0])))
    return Table([Column("score"), Column("value", right=True, score=True), Column("note", "")], cells[:most])


def _intervals(
    summary: Mapping[str, Any], about: Mapping[str, Any], draws: int, metrics: Collection[str] = METRICS
) -> list[str]:
    if draws > 1 and "spotting" in summary:
        return [f"intervals of spotting: 95 % of the method's own {draws} random draws"]
    return [*interval_lines(summary["bootstrap"], len(_people(about))), *reason_lines(summary, metrics)]


def title_of(values: Mapping[str, Any]) -> str:
    """Title of a run: method, dataset, protocol, scheme and seed of a configuration, nested or flat."""
    flat = flatten(values)
    method = " with ".join(filter(None, [str(flat["method"]), flat.get("recognizer")]))
    where = f"{method} on {joined(flat['dataset'])} under {of_protocol(flat)}"
    return ", ".join(filter(None, [where, of_scheme(flat), f"seed {flat['seed']}"]))


def _people(about: Mapping[str, Any]) -> set[str]:
    return {s for f in about["folds"] for s in f["test"]}
