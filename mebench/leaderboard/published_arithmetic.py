"""Do printed values agree with each other? Identities and bounds of the metrics, each up to rounding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from math import nan, sqrt

from mebench.leaderboard.published_row import Published

EXCUSED = frozenset({"impossible", "misassigned"})
"""Rows with one of these caveats are compared with nothing."""
BARELY = 1e-9
"""Room for the rounding of binary fractions."""
CLIPS = {
    ("megc2019", ""): (250, 109, 83),
    ("megc2019", "casme2"): (88, 32, 25),
    ("megc2019", "samm"): (92, 26, 15),
    ("megc2019", "smic_hs"): (70, 51, 43),
}
"""Clips of each class, by dataset and member, where every source scores the same (MEGC 2019, doi 10.1109/FG.2019.8756611)."""

Section = Mapping[str, Published]
"""The values of one task, kind and part, by metric."""


def _ratio(part: float, whole: float) -> float:
    """NaN for 0/0, which is neither above nor below anything."""
    return part / whole if whole else nan


IDENTITIES: tuple[tuple[tuple[str, ...], str, tuple[str, ...], str, Callable[..., float]], ...] = (
    (("spotting",), "precision", ("tp", "fp"), "the counts", lambda tp, fp: _ratio(tp, tp + fp)),
    (("spotting",), "recall", ("tp", "fn"), "the counts", lambda tp, fn: _ratio(tp, tp + fn)),
    (("spotting",), "n", ("tp", "fn"), "tp and fn", lambda tp, fn: tp + fn),
    (("spotting",), "f1", ("tp", "fp", "fn"), "the counts", lambda tp, fp, fn: _ratio(2 * tp, 2 * tp + fp + fn)),
    (("analysis",), "accuracy", ("tp", "n"), "the counts", _ratio),
    (("analysis",), "uar", ("recall",), "the recall", lambda recall: recall),
    (
        ("spotting", "analysis"),
        "f1",
        ("precision", "recall"),
        "precision and recall",
        lambda precision, recall: 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
    ),
)
"""For some tasks a metric, what it follows from, that in words, and how. Counts are exact; a larger share never makes it smaller."""
Finding = tuple[Published, str]


def contradictions(rows: Iterable[Published]) -> Iterator[Finding]:
    """Each row that the values beside it rule out, with the reason in words.

    Only values of one table, method and dataset are compared. With `tp`, `fp` and `fn` the counts of spotted intervals
    (Liong, See and Chan 2023, doi:10.1016/j.image.2022.116875, equations 15, 16, 21 and 24):

    - spotting: precision = tp / (tp + fp), recall = tp / (tp + fn), f1 = 2 tp / (2 tp + fp + fn), n = tp + fn;
    - spotting and analysis: f1 is the harmonic mean of precision and recall;
    - spotting: overall precision, recall and f1 lie between those of micro and macro, for they pool the counts;
    - analysis: accuracy = tp / n, uar = recall, and uf1 is at most f1 (Opitz and Burst 2019, arXiv:1911.03347);
    - analysis and recognition: uf1 lies between what `least_uf1` says and 2 uar / (1 + uar);
    - strs = spotting f1 x analysis f1 of the true positives.

    What is 0/0 is not compared.
    """
    tables: dict[tuple[object, ...], dict[tuple[object, ...], dict[str, Published]]] = {}
    for row in rows:
        if not EXCUSED & set(row.caveats):
            table = (row.source, row.table, row.method, row.method_variant, row.dataset, row.member, row.protocol)
            where = (row.task, row.kind, row.part, row.classes)
            tables.setdefault(table, defaultdict(dict))[where][row.metric] = row
    for (*_, dataset, member, _), sections in tables.items():
        for (task, *_), section in sections.items():
            for tasks, metric, names, given, rule in IDENTITIES:
                if task in tasks and {metric, *names} <= section.keys():
                    lows, highs = zip(*(_range(section[name]) for name in names), strict=True)
                    yield from _expect(section[metric], rule(*lows), rule(*highs), given)
            if task == "analysis" and {"uf1", "f1"} <= section.keys():
                yield from _expect(section["uf1"], 0, _range(section["f1"])[1], "the f1, its upper bound,")
            yield from _classified(section, CLIPS.get((str(dataset), str(member)), ()))
        yield from _pooled(sections)
        yield from _multiplied(sections)


def least_uf1(uar: float, clips: Sequence[int]) -> float:
    """No UF1 below this goes with that UAR, whatever the confusions.

    With N clips, n_c of class c of which p_c are named so and the share r_c rightly, F1_c = 2 r_c n_c / (n_c + p_c). All
    n_c + p_c sum to 2 N, so by Cauchy's inequality the F1 of C classes sum to at least (sum_c sqrt(r_c n_c))^2 / N. That
    is concave in the r_c, so it is least where all of them but one are 0 or 1.

    >>> round(least_uf1(0.528, (70, 51, 43)), 3), least_uf1(0.528, ())
    (0.293, 0.0)
    """
    least = float("inf")
    for order in permutations(clips):
        recalls = [min(max(uar * len(clips) - place, 0.0), 1.0) for place in range(len(clips))]
        least = min(least, sum(sqrt(recall * n) for recall, n in zip(recalls, order, strict=True)) ** 2)
    return least / (len(clips) * sum(clips)) if clips else 0.0


def _classified(section: Section, clips: Sequence[int]) -> Iterator[Finding]:
    """F1 is at most 2 r / (1 + r) with the recall r of a class, where nothing is named wrongly so; that is concave."""
    if "uf1" in section and "uar" in section:
        low, high = _range(section["uar"])
        yield from _expect(section["uf1"], least_uf1(low, clips), 2 * high / (1 + high), "the uar")


def _pooled(sections: Mapping[tuple[object, ...], Section]) -> Iterator[Finding]:
    micro, macro, overall = (sections.get(("spotting", kind, "", None), {}) for kind in ("micro", "macro", "overall"))
    for metric in {"precision", "recall", "f1"} & micro.keys() & macro.keys() & overall.keys():
        lows, highs = zip(_range(micro[metric]), _range(macro[metric]), strict=True)
        yield from _expect(overall[metric], min(lows), max(highs), "micro and macro")


def _multiplied(sections: Mapping[tuple[object, ...], Section]) -> Iterator[Finding]:
    spotted = sections.get(("spotting", "micro", "", None), {}).get("f1")
    for (_, kind, _, classes), section in sections.items():
        analysed = sections.get(("analysis", kind, "true_positives", classes), {}).get("f1")
        if spotted and analysed and "strs" in section:
            low, high = (a * b for a, b in zip(_range(spotted), _range(analysed), strict=True))
            yield from _expect(section["strs"], low, high, "the f1 of spotting and analysis")


def _expect(row: Published, low: float, high: float, given: str) -> Iterator[Finding]:
    own_low, own_high = _range(row)
    if own_high < low - BARELY or own_low > high + BARELY:
        allowed = f"{low:.{row.digits}f}" if high - low < BARELY else f"{low:.{row.digits}f} to {high:.{row.digits}f}"
        yield (
            row,
            f"{row.metric} of {row.method} is {row.value:.{row.digits}f}, but {given} beside it give {allowed}: "
            "correct it, or add the caveat impossible or misassigned",
        )


def _range(row: Published) -> tuple[float, float]:
    """What the printed digits leave open; a count is exact."""
    half = 0.5 * 10.0**-row.digits if row.digits else 0.0
    return max(row.value - half, 0.0), row.value + half
