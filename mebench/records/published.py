"""Results printed by others: values and their terms, a check that they agree with each other, and
`leaderboards/published.csv`.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import permutations
from math import nan, sqrt
from pathlib import Path
from typing import Any, NamedTuple

from mebench._installation import shipped_folder
from mebench.errors import ConfigError, DataError, check_known, refuse_if
from mebench.files import read_plain
from mebench.grouping import group_by
from mebench.limits import TEXT_TABLE_BYTES
from mebench.metrics.catalogue import JOINT, METRICS

PUBLISHED = "published.csv"
CAVEATS: dict[str, str] = {
    "test_selected": "something, such as the epoch, was chosen on the test subjects",
    "different_protocol": "other clips, videos, classes or folds than the rows around it: not comparable with them",
    "reproduction": "run again by somebody, or by the authors in another program, with another outcome than the paper's",
    "impossible": "contradicts the values printed beside it",
    "misassigned": "belongs to another dataset, metric, kind or part than printed, or contradicts another table",
    "unranked": "an average precision over intervals without confidence",
}
KINDS: dict[str, tuple[str, ...]] = {
    "spotting": ("micro", "macro", "overall"),
    "analysis": ("micro",),
    "recognition": ("micro",),
}
"""Tasks, each with its kinds of expressions."""
ANALYSIS_PARTS = ("true_positives", "all_intervals")
"""The intervals over which an analysis is scored; a score over spotting and recognition, such as `strs`, has no part.
"""
COUNTS = frozenset({"n", "tp", "fp", "fn"})


@dataclass(frozen=True)
class PublishedValue:
    """One printed value. An empty text means that the source gives none, or that the column does not apply.

    Attributes:
        method: its name in the literature.
        method_variant: distinguishes several settings or runs.
        year: year of the method.
        dataset: id of the dataset, or of the composite.
        member: id of the member dataset that the value is restricted to.
        task: `spotting`, `analysis` or `recognition`.
        kind: `micro`, `macro` or `overall`.
        part: `true_positives` or `all_intervals` in an analysis.
        protocol: name of the protocol; `none` for a method that learns nothing.
        classes: number of emotion classes.
        metric: one of `METRICS` except curves, or of `COUNTS`.
        value: a share from 0 to 1, or a count.
        digits: number of printed digits after the decimal point; the value is exact to half a unit of the last one.
        source: citation key, then DOI, arXiv number or address.
        table: table or section of the source.
        caveats: some of `CAVEATS`.
        note: other facts that a reader must know.
        line: line of the file; the header is line 1.
    """

    method: str
    method_variant: str
    year: int | None
    dataset: str
    member: str
    task: str
    kind: str
    part: str
    protocol: str
    classes: int | None
    metric: str
    value: float
    digits: int
    source: str
    table: str
    caveats: tuple[str, ...]
    note: str
    line: int

    @property
    def path(self) -> tuple[str, ...]:
        """The keys of the same value in a run's summary. Its sections hold the scores next to the counts."""
        if self.metric in JOINT:
            return self.task, self.metric
        section = {"spotting": self.kind, "analysis": self.part, "recognition": ""}[self.task]
        members = ("members", self.member) if self.member else ()
        scores = () if self.metric in COUNTS else ("scores",)
        return (self.task, *filter(None, [section]), *members, *scores, self.metric)

    @property
    def key(self) -> tuple[object, ...]:
        """The unique key of a row: everything except the value and its remarks."""
        return tuple(
            value
            for name, value in vars(self).items()
            if name not in {"year", "value", "digits", "caveats", "note", "line"}
        )


BARELY = 1e-9
"""Tolerance for the rounding of binary fractions."""
CLIPS = {
    ("megc2019", ""): (250, 109, 83),
    ("megc2019", "casme2"): (88, 32, 25),
    ("megc2019", "samm"): (92, 26, 15),
    ("megc2019", "smic_hs"): (70, 51, 43),
}
"""Clips of each class, by dataset and member, if every source scores the same clips (MEGC 2019, doi
10.1109/FG.2019.8756611).
"""


def find_published(word: str, rows: Iterable[PublishedValue]) -> list[PublishedValue]:
    """The published values that a word such as `htnet2024` names. It consists of letters and digits of the method, and
    the year; the year of the paper's first version will do, too. A plain variant goes before others.

    Raises:
        ConfigError: no result has that name.
    """
    rows = list(rows)
    by_name = group_by(rows, key=_name_with_year)
    if word not in by_name:
        by_name |= group_by(rows, key=_name_of_first_version)
    check_known("published result", word, by_name, "A name consists of method and year")
    plain = [row for row in by_name[word] if not row.method_variant]
    return plain or by_name[word]


def _plain_name(row: PublishedValue) -> str:
    """Letters and digits of a method's name."""
    return re.sub(r"[^a-z0-9]", "", row.method.lower())


def _name_with_year(row: PublishedValue) -> str:
    """Letters and digits of a method's name, and its year."""
    return f"{_plain_name(row)}{row.year or ''}"


def _name_of_first_version(row: PublishedValue) -> str:
    """The same name with the year of the paper's first version. It stands in the key of the source, if that is the
    method's own paper: `htnet2023` of `wang2023htnet`.
    """
    name = _plain_name(row)
    key = row.source.partition(" ")[0]
    own_paper = re.fullmatch(rf"[a-z]+(\d{{4}}){name}", key)
    return f"{name}{own_paper[1]}" if own_paper else _name_with_year(row)


def _ratio(part: float, whole: float) -> float:
    """NaN for 0/0, which is neither above nor below any value."""
    return part / whole if whole else nan


def _harmonic_mean(precision: float, recall: float) -> float:
    """F1 of precision and recall; 0 if both are 0."""
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


class _Identity(NamedTuple):
    """A metric that other values of its section determine.

    Attributes:
        tasks: tasks in which it does.
        metric: name of the metric.
        names: metrics that determine it, in the order of the function's arguments.
        given: these in words.
        rule: the function; counts are exact, and a larger share never makes its result smaller.
    """

    tasks: tuple[str, ...]
    metric: str
    names: tuple[str, ...]
    given: str
    rule: Callable[..., float]


IDENTITIES = (
    _Identity(("spotting",), "precision", ("tp", "fp"), "the counts", lambda tp, fp: _ratio(tp, tp + fp)),
    _Identity(("spotting",), "recall", ("tp", "fn"), "the counts", lambda tp, fn: _ratio(tp, tp + fn)),
    _Identity(("spotting",), "n", ("tp", "fn"), "tp and fn", lambda tp, fn: tp + fn),
    _Identity(
        ("spotting",), "f1", ("tp", "fp", "fn"), "the counts", lambda tp, fp, fn: _ratio(2 * tp, 2 * tp + fp + fn)
    ),
    _Identity(("analysis",), "accuracy", ("tp", "n"), "the counts", _ratio),
    _Identity(("analysis",), "uar", ("recall",), "the recall", lambda recall: recall),
    _Identity(("spotting", "analysis"), "f1", ("precision", "recall"), "precision and recall", _harmonic_mean),
)
Finding = tuple[PublishedValue, str]


def find_contradictions(rows: Iterable[PublishedValue]) -> Iterator[Finding]:
    """The rows that contradict other values of their source, with the reason in words.

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
    for table, sections in _sections_of_tables(rows).items():
        clips = CLIPS.get((table.dataset, table.member), ())
        for key, section in sections.items():
            yield from _odd_identities(key.task, section)
            yield from _odd_uf1(key.task, section, clips)
        yield from _odd_overall(sections)
        yield from _odd_strs(sections)


class _TableKey(NamedTuple):
    """What the values of one table, method and dataset have in common."""

    source: str
    table: str
    method: str
    method_variant: str
    dataset: str
    member: str
    protocol: str


class _SectionKey(NamedTuple):
    """What the values of one section of a table have in common."""

    task: str
    kind: str
    part: str
    classes: int | None


Section = dict[str, PublishedValue]
"""The values of one task, kind, part and number of classes, by metric."""
Sections = dict[_SectionKey, Section]
"""The sections of one table, method and dataset."""


def _sections_of_tables(rows: Iterable[PublishedValue]) -> dict[_TableKey, Sections]:
    """The comparable values, by table and section."""
    tables: dict[_TableKey, Sections] = {}
    for row in rows:
        # Rows with one of these caveats are compared with nothing.
        if {"impossible", "misassigned"} & set(row.caveats):
            continue
        table = _TableKey(row.source, row.table, row.method, row.method_variant, row.dataset, row.member, row.protocol)
        sections = tables.setdefault(table, {})
        section = sections.setdefault(_SectionKey(row.task, row.kind, row.part, row.classes), {})
        section[row.metric] = row
    return tables


def _odd_identities(task: str, section: Section) -> Iterator[Finding]:
    """Values that others of the section determine otherwise."""
    for identity in IDENTITIES:
        if task in identity.tasks and {identity.metric, *identity.names} <= section.keys():
            lows, highs = zip(*(_range(section[name]) for name in identity.names), strict=True)
            yield from _expect(section[identity.metric], identity.rule(*lows), identity.rule(*highs), identity.given)


def _odd_uf1(task: str, section: Section, clips: Sequence[int]) -> Iterator[Finding]:
    """A UF1 out of the bounds by F1 and UAR.

    Args:
        task: task of the section.
        section: its values.
        clips: clips of each class, if they are known.
    """
    if "uf1" not in section:
        return
    if task == "analysis" and "f1" in section:
        yield from _expect(section["uf1"], 0, _range(section["f1"])[1], "the f1, its upper bound,")
    if "uar" in section:
        low, high = _range(section["uar"])
        # With the recall r of a class, its F1 is at most 2 r / (1 + r), reached without false answers; this is concave in r
        yield from _expect(section["uf1"], least_uf1(low, clips), 2 * high / (1 + high), "the uar")


def _odd_overall(sections: Sections) -> Iterator[Finding]:
    """Overall values of spotting that do not lie between those of micro and macro."""
    micro, macro, overall = (sections.get(_SectionKey("spotting", kind, "", None), {}) for kind in KINDS["spotting"])
    for metric in {"precision", "recall", "f1"} & micro.keys() & macro.keys() & overall.keys():
        lows, highs = zip(_range(micro[metric]), _range(macro[metric]), strict=True)
        yield from _expect(overall[metric], min(lows), max(highs), "micro and macro")


def _odd_strs(sections: Sections) -> Iterator[Finding]:
    """Values of STRS that are not the product of their two F1."""
    spotted = sections.get(_SectionKey("spotting", "micro", "", None), {})
    for key, section in sections.items():
        analysed = sections.get(_SectionKey("analysis", key.kind, "true_positives", key.classes), {})
        if "strs" in section and "f1" in spotted and "f1" in analysed:
            low, high = (a * b for a, b in zip(_range(spotted["f1"]), _range(analysed["f1"]), strict=True))
            yield from _expect(section["strs"], low, high, "the f1 of spotting and analysis")


def least_uf1(uar: float, clips: Sequence[int]) -> float:
    """The lowest UF1 that is possible with this UAR, for any confusions.

    Of N clips, n_c belong to class c, p_c are predicted as c, and the share r_c of the n_c is right: F1_c = 2 r_c n_c /
    (n_c + p_c). All n_c + p_c sum to 2 N, so by Cauchy's inequality the F1 of C classes sum to at least (sum_c sqrt(r_c
    n_c))^2 / N. That is concave in the r_c, so it is least where all of them but one are 0 or 1.

    >>> round(least_uf1(0.528, (70, 51, 43)), 3), least_uf1(0.528, ())
    (0.293, 0.0)
    """
    if not clips:
        return 0.0
    total_recall = uar * len(clips)
    # As many recalls of 1 as fit into their sum, one with the rest, and 0 for the others.
    recalls = [min(max(total_recall - place, 0.0), 1.0) for place in range(len(clips))]
    sums = [sum(sqrt(r * n) for r, n in zip(recalls, order, strict=True)) for order in permutations(clips)]
    return min(sums) ** 2 / (len(clips) * sum(clips))


def _expect(row: PublishedValue, low: float, high: float, origin: str) -> Iterator[Finding]:
    """A finding if a printed value lies outside what other values of its table allow."""
    own_low, own_high = _range(row)
    if own_high < low - BARELY or own_low > high + BARELY:
        allowed = f"{low:.{row.digits}f}" if high - low < BARELY else f"{low:.{row.digits}f} to {high:.{row.digits}f}"
        yield (
            row,
            f"{row.metric} of {row.method} is {row.value:.{row.digits}f}, but {origin} of the same table give "
            f"{allowed}: correct it, or add the caveat impossible or misassigned",
        )


def _range(row: PublishedValue) -> tuple[float, float]:
    """The range that the printed digits allow; a count is exact."""
    half = 0.5 * 10.0**-row.digits if row.digits else 0.0
    return max(row.value - half, 0.0), row.value + half


COLUMNS = tuple(column.name for column in fields(PublishedValue) if column.name not in {"digits", "line"})
"""Columns of the file, in order."""
REQUIRED = ("method", "dataset", "task", "kind", "metric", "value", "source", "table")

_ID = (r"[a-z0-9_]*", "an id of lower-case letters, digits and underscores")
_FORMS = {
    **dict.fromkeys(("dataset", "member", "protocol"), _ID),
    "source": (
        r"[a-z]\w* (doi:10\.\d{4,}/\S+|arXiv:\d{4}\.\d{4,5}|https://\S+)",
        "a key, a blank, and doi:10.…, arXiv:… or https://…",
    ),
    "year": (r"(19\d\d|20\d\d|2100)?", "nothing or a whole number from 1900 to 2100"),
    "classes": (r"([2-9]|[1-4]\d|50)?", "nothing or a whole number from 2 to 50"),
}
"""The pattern of a cell, and a description of it."""


def find_published_folder(named: str | None) -> Path:
    """The folder of published results: the named one, else `leaderboards` here, else mebench's own.

    Raises:
        ConfigError: none of them holds published results.
    """
    folders = [named] if named is not None else ["leaderboards", *shipped_folder("leaderboards")]
    for folder in map(Path, folders):
        if (folder / PUBLISHED).is_file():
            return folder
    raise ConfigError(f"there is no {PUBLISHED} in {folders[0]}: name the folder with --leaderboards FOLDER")


def read_published(path: Path) -> list[PublishedValue]:
    """The published rows in the order of the file, after all checks.

    Raises:
        DataError: the file is missing or not a UTF-8 table with these columns; a row lacks a field, has an unknown name
            or a value out of range, or repeats another; values contradict each other without a caveat.
    """
    rows: dict[tuple[object, ...], PublishedValue] = {}
    try:
        reader = csv.DictReader(
            io.StringIO(read_plain(path, TEXT_TABLE_BYTES).decode("utf-8-sig"), newline=""), strict=True
        )
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise DataError(f"{path}, line 1: expected the columns {','.join(COLUMNS)}")
        for cells in reader:
            try:
                row = _row(cells, reader.line_num)
                first = rows.setdefault(row.key, row)
                if first is not row:
                    raise DataError(
                        f"repeats line {first.line} ({row.method}, {row.dataset}, {row.metric}, {row.table}): "
                        "remove one, or distinguish them with method_variant"
                    )
            except DataError as error:
                raise DataError(f"{path}, line {reader.line_num}: {error}") from None
    except FileNotFoundError:
        raise DataError(f"there is no file {path}: give the path of a table of published results") from None
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a UTF-8 table of comma-separated values: {error}") from error

    for row, words in find_contradictions(rows.values()):
        raise DataError(f"{path}, line {row.line}: {words}")
    return list(rows.values())


def _row(cells: Mapping[str | None, str | None], line: int) -> PublishedValue:
    """A row after checks: all fields present and well-formed, known names, and a value in its range."""
    if None in cells or None in cells.values():
        raise DataError(f"expected {len(COLUMNS)} columns: quote a text with a comma, and do not end lines early")
    text = {str(name): str(cell) for name, cell in cells.items()}
    caveats = tuple(text["caveats"].split(";")) if text["caveats"] else ()
    for name, cell in text.items():
        _check_form(name, cell)
    _check_names(text, caveats)
    _check_value(text, caveats)
    value = text["value"]
    typed: dict[str, Any] = {
        "year": int(text["year"]) if text["year"] else None,
        "classes": int(text["classes"]) if text["classes"] else None,
        "value": float(value),
        "digits": len(value.partition(".")[2]),
        "caveats": caveats,
        "line": line,
    }
    return PublishedValue(**text | typed)


@lru_cache(maxsize=10_000)  # most cells repeat another one
def _check_form(name: str, cell: str) -> None:
    """Check the signs of a cell."""
    pattern, words = _FORMS.get(name, (".*", ""))
    refuse_if(
        (
            cell != cell.strip() or not cell.isprintable(),
            f"{name} is {cell!r}: remove blanks at its ends, tabs and line breaks",
        ),
        (name in REQUIRED and not cell, f"{name} is empty: every row needs {', '.join(REQUIRED)}"),
        (not re.fullmatch(pattern, cell, re.ASCII), f"{name} is {cell!r}: expected {words}"),
        error=DataError,
    )


def _check_names(text: Mapping[str, str], caveats: Sequence[str]) -> None:
    """Check that task, kind, metric and caveats are known."""
    task = text["task"]
    metrics = {name for name, known in METRICS.items() if known.direction} | COUNTS
    check_known("task", task, KINDS, error=DataError)
    check_known(f"kind of {task}", text["kind"], KINDS.get(task, ()), error=DataError)
    check_known("metric", text["metric"], metrics, error=DataError)
    for caveat in caveats:
        check_known("caveat", caveat, CAVEATS, "Several are separated by semicolons without blanks", error=DataError)


def _check_value(text: Mapping[str, str], caveats: Sequence[str]) -> None:
    """Check the value, the part that it is scored on, and its caveats."""
    metric = text["metric"]
    value = text["value"]
    part = text["part"]
    is_count = metric in COUNTS
    pattern, words = r"\d{1,9}\.\d{1,9}", "digits, a point, digits"
    if is_count:
        pattern, words = r"\d{1,9}", "a whole number"
    needs_part = text["task"] == "analysis" and metric not in JOINT
    refuse_if(
        (len(set(caveats)) < len(caveats), f"caveats are {text['caveats']!r}: name each once"),
        (
            part not in (ANALYSIS_PARTS if needs_part else ("",)),
            f"part is {part!r}: an analysis needs {' or '.join(ANALYSIS_PARTS)} (except for "
            f"{' and '.join(sorted(JOINT))}); otherwise leave it empty",
        ),
        (not re.fullmatch(pattern, value, re.ASCII), f"{metric} is {value!r}: expected {words}"),
        error=DataError,
    )
    if not is_count and METRICS[metric].scale == "share" and float(value) > 1 and "impossible" not in caveats:
        raise DataError(f"{metric} is {value}: expected 0 to 1, so divide percentages by 100")
