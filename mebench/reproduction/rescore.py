"""Score the prediction files that authors published, and compare with their papers.

`leaderboards/rescored/<source>.yaml` gives the address of the files, their content and how to read them; `<source>.json`,
which `mebench rescore` writes, has scores, intervals and facts, but never the files. Tables are made from the two.
"""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from itertools import chain, product
from math import floor
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, cast

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mebench._installation import VERSION
from mebench.atomic import replace_file
from mebench.config.spellings import usual_name
from mebench.core import SpottingParams
from mebench.core.peaks import window_shift
from mebench.errors import DataError, check_known
from mebench.exchange.answers import Answers, read_against_truth
from mebench.exchange.frame_scores import propose_intervals, read_frame_scores
from mebench.exchange.join import Rules
from mebench.exchange.megc import is_log, read_log
from mebench.exchange.plain_values import read_value
from mebench.exchange.text_table import Remarks, parse_columns, read_sheet
from mebench.exchange.value_sheets import sheet_of_rows
from mebench.exchange.values import IDS, Role
from mebench.files import file_hash, read_yaml
from mebench.grouping import group_by, thin_from_last
from mebench.limits import RECORD_FILE_BYTES
from mebench.metrics import epoch_choices, find_convention
from mebench.metrics.catalogue import COLUMNS, SECTIONS
from mebench.metrics.mistakes import summarize_mistakes
from mebench.metrics.score_table import ScoreTable
from mebench.metrics.summary import summarize
from mebench.output.terminal import format_count
from mebench.records.matching_published import Value, measured_value
from mebench.records.published import CAVEATS, PublishedValue
from mebench.records.schema import Hash

RESCORED_FOLDER = "rescored"
"""The folder of sources in `leaderboards`."""
DIGITS = 6
"""Digits after the point of stored scores."""
SECTIONS_BY_KIND = ("spotting", "mistakes", "curves")
"""The sections of a summary with an entry for each kind."""


T = TypeVar("T")
_STRICT = ConfigDict(extra="forbid")
TextRow = dict[str, str]


@dataclass(frozen=True, config=_STRICT)
class FileReading:
    """Files of one form, and how to read them as a table.

    Attributes:
        files: path in the repository to the SHA-256 of the content, which identifies a file in any folder.
        folder: prefix of every path.
        repository: address and commit of another repository with these files, in words; empty for the source's own.
        sheet: name of the table in a workbook with several.
        columns: meaning of the cells of a line in a file without header; blanks, commas or semicolons separate the
            cells, a workbook has columns, and `_` is not read. None for files that `mebench score` reads by their
            shape.
        header: for files with a header, mebench's name of each column that has another there, or `_`.
        section: meaning of the words of a line that applies to all lines below it; such a line has exactly as many
            words.
        name: pattern of the file name, with informative folders, and columns in braces: `{subject}_{video}.txt`,
            `subject_{subject}/test_{epoch}.txt`. A file that names a video shows that the video was processed, even if
            no row remains.
        always: columns with the same value in all rows.
        rename: by column, replacements of cells.
        pattern: by column, a regular expression whose one group replaces the cell.
        only: by column, a regular expression that a row must match to be read; for files that are read by their shape.
        counts: for a file with a row for each person and no clips, its columns of true clips and of right answers,
            lists with a number for each class (`[2, 0, 1]`), and the classes. A wrong answer is recorded as any other
            class, so only accuracy and recalls follow from such files.
        beside: files with equally many rows that name, in the same order, the clip of each row.
        series: for a file with only frame scores, by subject in the order of the file and by video, the number of
            consecutive scores.
        spotted: how to derive intervals from such scores: `k_prime`, one number, and `p`, `rule`, `anchor`, `smoothing`
            of `SpottingParams`.
        averaged: whether each score becomes the mean over the k' frames before it and the k' frames beginning with it,
            if all are in the video; the others are left out (`spotted` then has `smoothing: none`).
        shift: frames that are added to onsets, apexes and offsets.
        rounded: rounding of fractional frames: `down`, or to the `nearest`, halves up.
        macro_above: intervals whose offset is more than this many frames after their onset are macro, the others micro.
        lengths: shortest and longest kept interval in frames, both ends counted; None sets no limit.
        at_least: least confidence of a kept interval.
        first: number of kept intervals of each video, in the order of the file.
    """

    files: Annotated[dict[str, Hash], Field(min_length=1)]
    folder: str = ""
    repository: str = ""
    sheet: str = ""
    columns: tuple[str, ...] | None = None
    header: dict[str, str] = field(default_factory=dict)
    section: tuple[str, ...] = ()
    name: str = ""
    always: dict[str, str] = field(default_factory=dict)
    rename: dict[str, dict[str, str]] = field(default_factory=dict)
    pattern: dict[str, str] = field(default_factory=dict)
    only: dict[str, str] = field(default_factory=dict)
    counts: tuple[str, str, tuple[str, ...]] | None = None
    beside: "tuple[FileReading, ...]" = ()
    series: dict[str, dict[str, int]] = field(default_factory=dict)
    spotted: dict[str, Any] = field(default_factory=dict)
    averaged: bool = False
    shift: int = 0
    rounded: Literal["down", "nearest"] | None = None
    macro_above: Annotated[int, Field(ge=1)] | None = None
    lengths: tuple[int | None, int | None] = (None, None)
    at_least: float | None = None
    first: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True, config=_STRICT)
class EpochChoice:
    """Answers after several epochs, in rows with a column `epoch`; a rule chooses the epoch that counts.

    Attributes:
        rules: `epoch_choices.RULES`; the first is the authors'.
        thresholds: lowest and highest tried confidence threshold, and the step.
    """

    rules: Annotated[tuple[epoch_choices.Rule, ...], Field(min_length=1)]
    thresholds: tuple[float, float, float]


@dataclass(frozen=True, config=_STRICT)
class AnswerSet:
    """Answers on one dataset.

    Attributes:
        dataset: id as in `leaderboards/published.csv`.
        protocol: protocol as there.
        truth: files of the annotations.
        predictions: files of the answers.
        scheme: the emotion scheme, or empty.
        clips: whether classes of given clips are scored, instead of spotted intervals.
        k_prime: length in frames of the window behind each frame's score, if intervals lie around peaks of such scores;
            else None.
        choice: choice of epochs and thresholds; None if all answers count.
        pooled: whether the rows do not distinguish kinds, so that their only part is `overall`.
    """

    dataset: str
    protocol: str
    truth: tuple[FileReading, ...]
    predictions: tuple[FileReading, ...]
    scheme: str = ""
    clips: bool = False
    k_prime: Annotated[int, Field(ge=1)] | None = None
    choice: EpochChoice | None = None
    pooled: bool = False


@dataclass(frozen=True, config=_STRICT)
class RescoredSource:
    """Files published by authors.

    Attributes:
        id: name of its file.
        title: title of the paper, with its authors.
        method: its name in the literature, as in `leaderboards/published.csv`.
        variant: its `method_variant` there, which distinguishes several settings or runs.
        repository: where the files are public.
        commit: commit of the repository.
        licence: licence that the repository states, by its short name, or "none stated".
        sets: answers, one set for each dataset.
        convention: the authors' rules of scoring.
        paper: key in `leaderboards/published.csv` of the paper with scores of these answers.
        tables: the tables of the paper with them.
        notes: facts that a reader must know, in sentences without a full stop.
        keeps: the epoch whose answers the program keeps, with file and line of its code.
        caveats: some of `CAVEATS`, which apply to all answers.
        not_own: paths of scores, such as `spotting.micro.f1`, that the paper's tables print for these answers but that belong to others.
        selection: for answers that a team sent in, without repository and commit: what was selected and on which
            people, in words.
    """

    id: str
    title: str
    method: str
    sets: Annotated[tuple[AnswerSet, ...], Field(min_length=1)]
    repository: Annotated[str, Field(pattern="^(https://.*)?$")] = ""
    commit: Annotated[str, Field(pattern="^([0-9a-f]{40})?$")] = ""
    licence: str = ""
    convention: str = "strict"
    paper: str = ""
    tables: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    variant: str = ""
    keeps: str = ""
    caveats: tuple[Annotated[str, Field(pattern=f"^({'|'.join(CAVEATS)})$")], ...] = ()
    not_own: tuple[str, ...] = ()
    selection: str = ""

    def __post_init__(self) -> None:
        """Check that answers are public, or sent in with a statement on selection."""
        if not self.selection and not (self.repository and self.commit):
            raise ValueError(
                "give repository and commit for public answers, and selection for answers that were sent in"
            )

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, and the epoch that the program keeps."""
        remarks = [*self.notes]
        if self.keeps:
            remarks.append(f"of its epochs the program keeps {self.keeps}")
        if self.selection:
            remarks.append(f"selection, as the senders say: {self.selection}")
        return tuple(remarks)

    @property
    def conventions(self) -> tuple[str, ...]:
        """The authors' rules, then mebench's own, which need more than counts."""
        has_only_counts = any(reading.counts for reading in self.readings)
        if has_only_counts or self.convention == "strict":
            return (self.convention,)
        return (self.convention, "strict")

    @property
    def key(self) -> str:
        """Hash of everything that determines the scores: files, their reading, and rules."""
        sets = TypeAdapter(tuple[AnswerSet, ...]).dump_python(self.sets, exclude_defaults=True)
        return hashlib.sha256(json.dumps([self.convention, sets], sort_keys=True).encode()).hexdigest()

    @property
    def readings(self) -> list[FileReading]:
        """The readings of all sets."""
        direct = [reading for answer_set in self.sets for reading in (*answer_set.truth, *answer_set.predictions)]
        return direct + [other for reading in direct for other in reading.beside]

    @property
    def files(self) -> dict[str, str]:
        """The path in the repository of each file of all sets, by its hash."""
        published_paths = {}
        for reading in self.readings:
            for name, hash_ in reading.files.items():
                published_paths[hash_] = f"{reading.folder}/{name}".lstrip("/")
        return published_paths

    def printed_values(self, answer_set: AnswerSet, published: Sequence[PublishedValue]) -> list[PublishedValue]:
        """The values that the paper prints for a set."""
        key = (self.paper, self.method, self.variant, answer_set.dataset, answer_set.protocol)
        printed = []
        for row in published:
            paper, _, _ = row.source.partition(" ")
            is_of_set = (paper, row.method, row.method_variant, row.dataset, row.protocol) == key
            is_own = f"{row.task}.{row.kind}.{row.metric}" not in self.not_own
            if is_of_set and row.table in self.tables and is_own:
                printed.append(row)
        return printed


def list_sources(folder: Path) -> list[str]:
    """Names of the sources of a folder."""
    return sorted(file.stem for file in folder.glob("*.yaml"))


def read_described(what: str, described: type[T], folder: Path, name: str) -> T:
    """The object that `<folder>/<name>.yaml` describes.

    Args:
        what: noun for messages.
        described: a dataclass of pydantic's, with the name as `id`.
        folder: folder of the files.
        name: name of the file without ending.

    Raises:
        ConfigError: there is no such file.
        DataError: it has another form.
    """
    name = _source_of_spelling(name, list_sources(folder))
    file = folder / f"{name}.yaml"
    check_known(what, name, list_sources(folder), f"{what.capitalize()}s are searched in {folder}")
    try:
        return TypeAdapter(described).validate_python({"id": name, **read_yaml(file)})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise DataError(
            f"{file}, {'.'.join(map(str, first['loc']))}: {first['msg']}; compare it with its neighbours"
        ) from error
    except (OSError, UnicodeError, yaml.YAMLError, TypeError) as error:
        raise DataError(
            f"{file} cannot be read ({type(error).__name__}: {error}): compare it with its neighbours"
        ) from error


def _source_of_spelling(word: str, sources: Sequence[str]) -> str:
    """The source that a word spells, with or without its year; the word itself if it spells none, or several."""
    usual = usual_name(word, sources)
    if usual is not None:
        return usual
    of_any_year = [source for source in sources if usual_name(word, [re.sub(r"\d{4}$", "", source)]) is not None]
    return of_any_year[0] if len(of_any_year) == 1 else word


def read_source(folder: Path, name: str) -> RescoredSource:
    """The source of that name from `<folder>/<name>.yaml`.

    Raises:
        ConfigError: there is none, or its convention is unknown.
        DataError: its file has another form.
    """
    source = read_described("source", RescoredSource, folder, name)
    find_convention(source.convention)
    return source


# -- files to tables ---------------------------------------------------------------------------------------------------


def find_files(source: RescoredSource, root: Path) -> dict[str, Path]:
    """The files of a source by their hash, in any folders below `root`.

    Raises:
        DataError: `root` is not a folder, or a file is missing or has other content.
    """
    if not root.is_dir():
        raise DataError(
            f"--root {root} is not a folder: name the one with the files of {source.id}, {_way_to_get(source)}"
        )
    wanted = source.files
    paths: dict[str, Path] = {}
    published_places = (root / path for path in wanted.values())
    all_places = (path for path in sorted(root.rglob("*")) if ".git" not in path.relative_to(root).parts)
    for file in chain(published_places, all_places):
        if wanted.keys() <= paths.keys():
            break
        with suppress(OSError):  # an unreadable file; if it is one of the source's files, it counts as missing
            if file.is_file() and file.stat().st_size <= RECORD_FILE_BYTES:
                paths.setdefault(file_hash(file), file)
    lacking = {hash_: path for hash_, path in wanted.items() if hash_ not in paths}
    if lacking:
        raise _missing_file(source, root, lacking, paths)
    return paths


def _way_to_get(source: RescoredSource, hash_: str = "") -> str:
    """How to get the files of a source, or one of them by its hash."""
    for reading in source.readings:
        if reading.repository and hash_ in reading.files.values():
            return f"in {reading.repository}"
    return f"in a clone of {source.repository}: git checkout {source.commit}" if source.commit else "as it was sent"


def _missing_file(
    source: RescoredSource, root: Path, lacking: Mapping[str, str], paths: Mapping[str, Path]
) -> DataError:
    """The error about the first missing file, which may have other content.

    Args:
        source: source of the files.
        root: folder in which they were searched for.
        lacking: published path of each missing file by its hash.
        paths: found files by their hash.
    """
    hash_, path = next(iter(lacking.items()))
    more = f" (and {format_count(len(lacking) - 1, 'more file')})" if len(lacking) > 1 else ""
    hint = _way_to_get(source, hash_)
    for other, file in paths.items():
        if other not in source.files and file.name == Path(path).name:
            return DataError(
                f"{file} differs from the published {path}{more}: its SHA-256 begins with {other[:12]}, not with "
                f"{hash_[:12]}; get it unchanged, {hint}"
            )
    return DataError(f"no file in {root} is {path}{more}, SHA-256 {hash_[:12]}…: get it, {hint}")


def read_answers_of_set(
    answer_set: AnswerSet, found: Mapping[str, Path], convention: str
) -> tuple[dict[epoch_choices.Rule | None, Answers], int]:
    """The answers of a set with the truth, for each rule of its choice.

    They are read like the files of any program. A set without a choice has one entry, under None.

    Args:
        answer_set: set whose files are read.
        found: files by their hash, see `find_files`.
        convention: rules whose F1 decides the choice.

    Returns:
        The answers by rule, and the number of pairs of epoch and threshold to choose from.

    Raises:
        DataError: the files cannot be read as the source describes, or a person lacks an epoch.
    """
    truth = _rows_of_readings(answer_set.truth, found, "truth")
    predictions = _rows_of_readings(answer_set.predictions, found, "predictions")
    if answer_set.choice is None:
        return {None: join_rows(answer_set, truth, predictions)}, 1
    rows_by_epoch = group_by(predictions, key=itemgetter("epoch"))
    by_epoch = {epoch: join_rows(answer_set, truth, rows_by_epoch[epoch]) for epoch in sorted(rows_by_epoch)}
    tables_by_epoch = {epoch: answers.tables for epoch, answers in by_epoch.items()}
    kinds = next(iter(by_epoch.values())).kinds
    thresholds = _thresholds(answer_set.choice)
    grid = epoch_choices.count_grid(tables_by_epoch, kinds, thresholds, convention)
    without_intervals = rows_without_intervals(truth)
    chosen = dict[epoch_choices.Rule | None, Answers]()
    for rule in answer_set.choice.rules:
        # Persons of the grid are called `<dataset>/<subject>`; rows have the subject alone.
        picked = {person.rpartition("/")[2]: pair for person, pair in grid.pick_epochs(rule).items()}
        kept = [row for row in predictions if _is_picked(row, *picked[row["subject"]])]
        chosen[rule] = join_rows(answer_set, truth, kept + without_intervals)
    return chosen, len(by_epoch) * len(thresholds)


def _rows_of_readings(readings: Sequence[FileReading], found: Mapping[str, Path], role: Role) -> list[TextRow]:
    """The rows of all files of a side, in the order of their readings."""
    return [row for reading in readings for row in read_described_rows(reading, found, role)]


def _thresholds(choice: EpochChoice) -> list[float]:
    """The thresholds to choose from, both ends included."""
    low, high, step = choice.thresholds
    return [round(low + step * n, DIGITS) for n in range(round((high - low) / step) + 1)]


def _is_picked(row: TextRow, epoch: str, threshold: float) -> bool:
    """Whether a row is of the chosen epoch and reaches the chosen threshold."""
    return row["epoch"] == epoch and float(row["confidence"]) >= threshold


def rows_without_intervals(truth: Sequence[TextRow]) -> list[TextRow]:
    """Rows of the same videos and kinds without an interval."""
    rows = []
    for row in truth:
        place = {name: row[name] for name in ("subject", "video", "kind") if name in row}
        rows.append(place | {"onset": "", "offset": ""})
    return rows


def join_rows(answer_set: AnswerSet, truth: Sequence[TextRow], predictions: Sequence[TextRow]) -> Answers:
    """Rows of truth and predictions for scoring.

    Without a single interval, each video is one in which nothing was found.
    """
    if not predictions and not answer_set.clips:
        predictions = rows_without_intervals(truth)
    true = sheet_of_rows("the truth", truth)
    predicted = sheet_of_rows("the file of predictions", predictions)
    # Remarks on these files are not shown: they never change, and the notes of the source contain them.
    answers, *_ = read_against_truth(true, [predicted], Rules(), Remarks(), clips=answer_set.clips)
    return answers


def read_described_rows(reading: FileReading, found: Mapping[str, Path], role: Role) -> list[TextRow]:
    """The rows of files, read as the source describes.

    A file that names its video also gives a row without onset and offset.

    Raises:
        DataError: the name or content of a file differs from the source's description.
    """
    rows: list[TextRow] = []
    for path, hash_ in reading.files.items():
        for cells in _rows_of_file(reading, path, found[hash_], role):
            row = _described_row(reading, cells)
            if all(re.fullmatch(pattern, row[name]) for name, pattern in reading.only.items()):
                rows.append(row)
    if reading.beside:
        names = _rows_of_readings(reading.beside, found, role)
        rows = _with_names_beside(reading, names, rows, role)
    return _correct_and_select(reading, rows)


def _correct_and_select(reading: FileReading, rows: Sequence[TextRow]) -> list[TextRow]:
    """Rows with corrected intervals, without those that the description leaves out."""
    kept: list[TextRow] = []
    n_intervals: Counter[tuple[str | None, ...]] = Counter()
    for row in rows:
        if not row.get("onset"):
            kept.append(row)
            continue
        _correct_ends(reading, row)
        place = tuple(row.get(name) for name in ("dataset", "subject", "video", "epoch"))
        is_first = reading.first is None or n_intervals[place] < reading.first
        if _is_scored(reading, row) and is_first:
            n_intervals[place] += 1
            kept.append(row)
    return kept


def _described_row(reading: FileReading, cells: TextRow) -> TextRow:
    """Cells under mebench's names of columns, parted and renamed as described."""
    row = {reading.header.get(name, name): cell for name, cell in cells.items()}
    parts: TextRow = {}
    for name, pattern in reading.pattern.items():
        match = re.search(pattern, row.get(name, ""))
        if match:
            parts[name] = match[1]
    row |= parts
    return {name: reading.rename.get(name, {}).get(cell, cell) for name, cell in row.items() if name != "_"}


def _with_names_beside(
    reading: FileReading, names: Sequence[TextRow], rows: Sequence[TextRow], role: Role
) -> list[TextRow]:
    """Rows with the names of their clips from other files in the same order.

    Raises:
        DataError: the order is another one: the numbers of rows differ, or the classes of the truth.
    """
    wrong = []
    if role == "truth":
        pairs = enumerate(zip(names, rows), 1)
        wrong = [number for number, (name, row) in pairs if name["emotion"] != row["emotion"]]
    if len(names) != len(rows) or wrong:
        where = f"row {wrong[0]} has another class" if wrong else f"{len(rows)} rows, {len(names)} names"
        raise DataError(
            f"{next(iter(reading.files))} is not in the order of {next(iter(reading.beside[0].files))}: {where}"
        )
    named = []
    for name, row in zip(names, rows):
        without_video = {column: cell for column, cell in row.items() if column != "video"}
        named.append({**name, **without_video})
    return named


def _correct_ends(reading: FileReading, row: TextRow) -> None:
    """Round and shift the ends of an interval, and set its kind by its length.

    Raises:
        DataError: an end is fractional, and the source does not say how it is rounded.
    """
    for end in ("onset", "apex", "offset"):
        if not row.get(end):
            continue
        frame = float(row[end])
        if not frame.is_integer() and reading.rounded is None:
            raise DataError(
                f"the {end} {row[end]} of {row['video']} is fractional: the source must state rounded: down or nearest"
            )
        whole = floor(frame + 0.5) if reading.rounded == "nearest" else floor(frame)
        row[end] = str(whole + reading.shift)
    if reading.macro_above is not None:
        row["kind"] = "macro" if _length(row) > reading.macro_above + 1 else "micro"


def _is_scored(reading: FileReading, row: TextRow) -> bool:
    """Whether an interval has one of the described lengths and reaches the described confidence."""
    shortest, longest = reading.lengths
    if _length(row) < (shortest or 0):
        return False
    if longest and _length(row) > longest:
        return False
    return reading.at_least is None or float(row["confidence"]) >= reading.at_least


def _length(row: TextRow) -> int:
    """Number of frames of an interval, both ends included."""
    return int(row["offset"]) - int(row["onset"]) + 1


def _rows_of_file(reading: FileReading, path: str, file: Path, role: Role) -> Iterator[TextRow]:
    """The rows of a file under its own columns, and those of its name."""
    of_file = dict(reading.always)
    if reading.name:
        of_file |= _columns_of_name(reading.name, path)
        if "video" in of_file:
            yield of_file
    if reading.sheet:
        file = Path(f"{file}:{reading.sheet}")
    if reading.counts:
        rows = _rows_of_counts(reading, file, role)
    elif reading.series:
        rows = _rows_of_series(reading, file)
    elif reading.columns is not None:
        rows = _rows_of_lines(reading, file, role)
    else:
        rows = _rows_by_shape(file, role)
    for row in rows:
        yield {**row, **of_file}


def _columns_of_name(pattern: str, path: str) -> TextRow:
    """The columns that a file name gives, by its pattern.

    A part in braces becomes a column; it ends at an underscore or a slash.

    >>> _columns_of_name("s{subject}_{video}.txt", "out/s3_a-1.txt")
    {'subject': '3', 'video': 'a-1'}

    Raises:
        DataError: the file has another name.
    """
    expression = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^_/]+)", re.escape(pattern))
    match = re.fullmatch(rf"(?:.*/)?{expression}", path)
    if match is None:
        raise DataError(f"{path} is not named as {pattern}")
    return match.groupdict()


def _rows_of_lines(reading: FileReading, file: Path, role: Role) -> Iterator[TextRow]:
    """The lines of a file without a header, whose columns the source names."""
    assert reading.columns is not None
    section: TextRow = {}
    lines = _cells_of_sheet(file, role) if reading.sheet else _words_of_lines(file)
    for number, words in enumerate(lines, 1):
        if reading.section and len(words) == len(reading.section):
            section = dict(zip(reading.section, words))
        elif len(words) == len(reading.columns):
            yield {**section, **dict(zip(reading.columns, words))}
        elif any(words):
            raise DataError(f"{file}, line {number}: {' '.join(words)!r} does not have the form that the source gives")


def _cells_of_sheet(file: Path, role: Role) -> list[list[str]]:
    """The cells of each row of a workbook's sheet, with single blanks within."""
    rows = read_sheet(file, Remarks(), role).rows
    return [[" ".join(cell.split()) for cell in cells] for _, cells in rows]


def _words_of_lines(file: Path) -> list[list[str]]:
    """The words of each line of a text, which blanks, commas or semicolons separate."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [re.split(r"[\s,;]+", line.strip()) for line in lines]


def _rows_of_counts(reading: FileReading, file: Path, role: Role) -> Iterator[TextRow]:
    """A row for each clip of each person; clips are named by numbers."""
    assert reading.counts is not None
    column_of_clips, column_of_right, classes = reading.counts
    with file.open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            person = {name: row[name] for name in reading.header}
            n_clips = json.loads(row[column_of_clips])
            n_right = json.loads(row[column_of_right])
            for number, (name, clips, right) in enumerate(zip(classes, n_clips, n_right, strict=True)):
                another_class = classes[number - 1]  # of the first class the last; which one changes no recall
                for clip in range(clips):
                    is_right = role == "truth" or clip < right
                    answer = name if is_right else another_class
                    yield {**person, "video": f"{name} {clip + 1}", "emotion": answer}


def _rows_of_series(reading: FileReading, file: Path) -> Iterator[TextRow]:
    """The intervals from frame scores, and a row without an interval for each video."""
    scores = read_value(file.read_bytes())
    kind = reading.always["kind"]
    n_scores = [sum(videos.values()) for videos in reading.series.values()]
    if not isinstance(scores, list) or [len(values) for values in scores] != n_scores:
        raise DataError(
            f"{next(iter(reading.files))} does not hold {', '.join(map(str, n_scores))} scores, one list a subject"
        )
    k_prime = int(reading.spotted["k_prime"])
    half_window = k_prime if reading.averaged else 0
    rows = list[dict[str, Any]]()
    for (subject, videos), values in zip(reading.series.items(), scores):
        ends = np.cumsum([*videos.values()])[:-1]
        parts = np.split(np.ravel(np.asarray(values, np.float64)), ends)
        for video, part in zip(videos, parts):
            place = {"subject": subject, "video": video, "kind": kind}
            averaged = _mean_around_frames(part, half_window) if half_window else part
            for frame, score in enumerate(averaged.tolist(), half_window):
                rows.append({**place, "frame": frame, "score": score})
            yield {"subject": subject, "video": video}
    params = SpottingParams(**{name: value for name, value in reading.spotted.items() if name != "k_prime"})
    frame_scores = read_frame_scores(sheet_of_rows("the scores", rows), Remarks())
    spotted = propose_intervals(frame_scores, {kind: k_prime}, params, Remarks()).intervals
    columns = ["subject", "video", "onset", "offset", "confidence"]
    yield from cast(list[TextRow], spotted[columns].astype(str).to_dict("records"))


def _mean_around_frames(scores: NDArray[np.float64], half_window: int) -> NDArray[np.float64]:
    """The mean over the frames of a window around each frame, where all exist.

    The window has `half_window` frames before the frame, and as many from it on.
    """
    length = 2 * half_window
    return np.convolve(scores, np.full(length, 1 / length), "valid")


def _rows_by_shape(file: Path, role: Role) -> Iterator[TextRow]:
    """The rows of a file that `mebench score` reads, under known column names."""
    remarks = Remarks()
    sheet = read_sheet(file, remarks, role)
    if is_log(sheet):
        log = read_log(sheet, file, role, remarks)
        names = [*log.ids, "kind", "onset", "offset"]
        every_video = log.videos[log.ids].drop_duplicates()
        rows = pd.concat([log.intervals[names], every_video]).astype(object)
        yield from cast(list[TextRow], rows.where(rows.notna(), "").astype(str).to_dict("records"))
        return
    wanted = (*IDS, "onset", "apex", "offset", "kind", "emotion", "confidence", "fps", "n_frames")
    table = parse_columns(sheet, file, role, wanted, remarks, may_stand_alone="emotion")
    columns = {**table.cells, **table.others}
    yield from (dict(zip(columns, row)) for row in zip(*columns.values()))


# -- scores ------------------------------------------------------------------------------------------------------------


def rescore_source(source: RescoredSource, root: Path, draws: int = 1000) -> dict[str, Any]:
    """The outcome: the scores of each set under each convention, with the intervals unchanged and k'/2 later.

    Args:
        source: source to score.
        root: a folder that contains the files, at any depth.
        draws: number of bootstrap draws.

    Returns:
        JSON: `source`, `key`, `mebench`, and `sets` of `dataset`, `protocol` and `results`, each with `convention`,
            `later` (frames), `choice` (if answers are chosen) and the `summary` without details, under the strict rules
            with mistakes and curves of spotting; for chosen answers also `selection`, see `epoch_choices.gains_of_rules`.

    Raises:
        DataError: files are missing or changed, or differ from the source's description.
    """
    paths = find_files(source, root)
    sets = [_rescore_set(source, answer_set, paths, draws) for answer_set in source.sets]
    return {"source": source.id, "key": source.key, "mebench": VERSION, "sets": sets}


def _rescore_set(
    source: RescoredSource, answer_set: AnswerSet, paths: Mapping[str, Path], draws: int
) -> dict[str, Any]:
    """The scores of a set for each rule of choice, shift and convention."""
    try:
        chosen, n_tried = read_answers_of_set(answer_set, paths, source.convention)
    except (DataError, KeyError, ValueError) as error:
        raise DataError(
            f"the answers of {source.id} on {answer_set.dataset} cannot be read as it describes them: {error}"
        ) from error
    scores_windows = answer_set.k_prime is not None and not answer_set.clips
    later_by = window_shift(answer_set.k_prime - 1) if answer_set.k_prime is not None and scores_windows else 0
    results = []
    for (choice, answers), later, convention in product(chosen.items(), sorted({0, later_by}), source.conventions):
        result: dict[str, Any] = {"convention": convention, "later": later}
        if choice:
            result["choice"] = choice
        result["summary"] = _summary_of(answer_set, answers, later, convention, draws)
        results.append(result)
    scored = {"dataset": answer_set.dataset, "protocol": answer_set.protocol, "results": results}
    if answer_set.choice is not None:
        by_rule = {rule: answers.tables for rule, answers in chosen.items() if rule is not None}
        *_, last_answers = chosen.values()
        gains = epoch_choices.gains_of_rules(by_rule, last_answers.kinds, n_tried, source.convention, draws)
        scored["selection"] = _rounded_without_details(gains)
    return scored


def _summary_of(answer_set: AnswerSet, answers: Answers, later: int, convention: str, draws: int) -> dict[str, Any]:
    """The summary of answers whose intervals are some frames later, without details."""
    tables = answers.tables
    spotted = tables.predictions
    if later and spotted is not None:
        moved = {name: spotted[name] + later for name in ("onset", "apex", "offset")}
        tables = replace(tables, predictions=spotted.assign(**moved))
    summary = summarize(
        tables, kinds=answers.kinds, classes=answers.classes, seed=0, convention=convention, draws=draws
    )
    if "spotting" in summary and convention == "strict":
        summary["mistakes"] = summarize_mistakes(tables, answers.kinds)
        summary["curves"] = {part: _thin_curve(section) for part, section in summary["spotting"].items()}
    if answer_set.pooled:
        for name in SECTIONS_BY_KIND:
            if name in summary:
                summary[name] = {"overall": summary[name]["micro"]}
    names = dict.fromkeys((*SECTIONS, *SECTIONS_BY_KIND))
    return {name: _rounded_without_details(summary[name]) for name in names if name in summary}


N_POINTS = 40
"""Number of points of a curve that are kept, about."""


def _thin_curve(section: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Points of a curve by falling confidence, with its last; none where a rate or a recall is unknown."""
    curve = section["details"].get("curve", {"fp_per_minute": [], "recall": []})
    points = [*zip(curve["fp_per_minute"], curve["recall"])]
    if np.isnan(points).any():
        return []
    step = max(len(points) // N_POINTS, 1)
    return thin_from_last(points, step)


def _rounded_without_details(value: Any) -> Any:
    """Scores to `DIGITS` digits and counts, without details at any depth."""
    return json.loads(
        json.dumps(value),
        parse_float=lambda digits: round(float(digits), DIGITS),
        object_hook=lambda mapping: {key: inner for key, inner in mapping.items() if key != "details"},
    )


def write_outcome(outcome: Mapping[str, Any], folder: Path) -> Path:
    """Write an outcome as `<source>.json`; equal outcomes give equal bytes."""
    file = folder / f"{outcome['source']}.json"
    replace_file(file, json.dumps(outcome, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return file


class Counting(NamedTuple):
    """A way to count the answers of a set.

    Attributes:
        convention: name of the rules.
        frames_later: number of frames by which intervals are moved.
        choice: rule of choice; may be empty.
    """

    convention: str
    frames_later: int
    choice: str


class RescoredCell(NamedTuple):
    """One score of a set.

    Attributes:
        dataset: name of the set's dataset.
        score: dotted name.
        printed: value in the paper; None if it prints none.
        rescored: value, low and high for each way to count; None if undefined.
    """

    dataset: str
    score: str
    printed: PublishedValue | None
    rescored: Mapping[Counting, Value | None]


def rescored_cells(
    source: RescoredSource, outcome: Mapping[str, Any], published: Sequence[PublishedValue]
) -> list[RescoredCell]:
    """Printed and rescored values; for a set without printed values, the main score of each section."""
    listed: list[RescoredCell] = []
    for answer_set, scored in zip(source.sets, outcome["sets"], strict=True):
        summaries: dict[Counting, Any] = {}
        for result in scored["results"]:
            counting = Counting(result["convention"], result["later"], result.get("choice", ""))
            summaries[counting] = result["summary"]
        printed = source.printed_values(answer_set, published)
        for row in printed:
            name = ".".join(key for key in row.path if key != "scores")
            values = {counting: measured_value(summary, row) for counting, summary in summaries.items()}
            listed.append(RescoredCell(answer_set.dataset, name, row, values))
        if not printed:
            main = _main_values(summaries)
            listed += [RescoredCell(answer_set.dataset, name, None, values) for name, values in main.items()]
    return listed


def _main_values(summaries: Mapping[Counting, Any]) -> dict[str, dict[Counting, Value | None]]:
    """The main score of each section, with its interval, for each way to count."""
    flat = {counting: ScoreTable.read(summary).numbers() for counting, summary in summaries.items()}
    found: dict[str, dict[Counting, Value | None]] = {}
    for name in dict.fromkeys(name for scores in flat.values() for name in scores):
        section, _, _ = name.partition(".")
        _, _, metric = name.rpartition(".")
        is_main = section in SECTIONS and metric == COLUMNS[section][0]
        if not is_main:
            continue
        found[name] = {}
        for counting, scores in flat.items():
            if name in scores:
                found[name][counting] = (scores[name], scores.get(f"{name}.low"), scores.get(f"{name}.high"))
    return found
