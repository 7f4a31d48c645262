"""Read the prediction files that authors published, score them again, and compare with the numbers in their papers.

`leaderboards/rescored/<source>.yaml` gives the place of the files, their content and how to read them; `<source>.json`,
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
from typing import Annotated, Any, Literal, TypeVar, cast

import numpy as np
import pandas as pd
import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mebench._installation import VERSION
from mebench.atomic import replace_file
from mebench.core import SpottingParams
from mebench.core.peaks import window_shift
from mebench.errors import DataError, check_known
from mebench.exchange import (
    IDS,
    Answers,
    Remarks,
    Role,
    Rules,
    is_log,
    parse,
    propose,
    read_against_truth,
    read_frame_scores,
    read_log,
    read_sheet,
    read_value,
    sheet_of_rows,
)
from mebench.files import file_hash, read_yaml
from mebench.grouping import grouped
from mebench.metrics import COLUMNS, SECTIONS, epoch_choices, flat_scores, named, summarize, summarize_mistakes
from mebench.records import CAVEATS, LARGEST, Hash, Published, Value, value_of
from mebench.terminal import plural

SCORED_ANEW = "rescored"
"""The folder of sources in `leaderboards`."""
DIGITS = 6
"""Digits after the point of stored scores."""
MORE = ("spotting", "mistakes", "curves")
"""The sections of a summary with an entry for each kind."""


T = TypeVar("T")
_STRICT = ConfigDict(extra="forbid")
Row = dict[str, str]


@dataclass(frozen=True, config=_STRICT)
class Reading:
    """Files of one form, and how to read them as a table.

    Attributes:
        files: path in the repository to the SHA-256 of the content, which identifies a file in any folder.
        folder: prefix of every path.
        repository: address and commit of another repository with these files, in words; empty for the source's own.
        sheet: for a workbook with several tables.
        columns: meaning of the cells of a line in a file without header; blanks, commas or semicolons separate the
            cells, a workbook has columns, and `_` is not read. None for files that `mebench score` reads by their
            shape.
        header: for such a file, from its column names to the suite's, or to `_`.
        section: meaning of the words of a line that applies to all lines below it; such a line has exactly as many
            words.
        name: pattern of the file name, with informative folders, and columns in braces: `{subject}_{video}.txt`,
            `subject_{subject}/test_{epoch}.txt`. A file that names a video shows that the video was processed, even if
            no row remains.
        always: columns with the same value in all rows.
        rename: by column, replacements of cells.
        pattern: by column, a regular expression whose one group replaces the cell.
        only: by column, a regular expression that a row must match to be read; for files that are read by their shape.
        counts: for a file with a row for each person and no clips: its columns of true clips and of right answers,
            lists with a number for each class (`[2, 0, 1]`), and the classes. A wrong answer is recorded as any other
            class, so only accuracy and recalls follow from such files.
        beside: files with equally many rows that name, in the same order, the clip of each row.
        series: for a file with only frame scores: by subject in the order of the file, by video, the number of
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
    beside: "tuple[Reading, ...]" = ()
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
class Choice:
    """Answers after several epochs, in rows with a column `epoch`; a rule chooses the epoch that counts.

    Attributes:
        rules: `epoch_choices.RULES`; the first is the authors'.
        thresholds: lowest and highest tried confidence threshold, and the step.
    """

    rules: Annotated[tuple[epoch_choices.Rule, ...], Field(min_length=1)]
    thresholds: tuple[float, float, float]


@dataclass(frozen=True, config=_STRICT)
class Set:
    """Answers on one dataset.

    Attributes:
        dataset: id as in `leaderboards/published.csv`.
        protocol: likewise.
        truth: files.
        predictions: files.
        scheme: the emotion scheme, or empty.
        clips: whether classes of given clips are scored, instead of spotted intervals.
        k_prime: length in frames of the window behind each frame's score, if intervals lie around peaks of such scores;
            else None.
        choice: of epochs and thresholds; None if all answers count.
        pooled: whether the rows do not distinguish kinds, so that their only part is `overall`.
    """

    dataset: str
    protocol: str
    truth: tuple[Reading, ...]
    predictions: tuple[Reading, ...]
    scheme: str = ""
    clips: bool = False
    k_prime: Annotated[int, Field(ge=1)] | None = None
    choice: Choice | None = None
    pooled: bool = False


@dataclass(frozen=True, config=_STRICT)
class Source:
    """Files published by authors.

    Attributes:
        id: name of its file.
        title: of the paper, with its authors.
        method: its name in the literature, as in `leaderboards/published.csv`.
        variant: likewise, distinguishes several settings or runs.
        repository: where the files are public.
        commit: of the repository.
        sets: one for each dataset.
        convention: the authors' rules of scoring.
        paper: key in `leaderboards/published.csv` of the paper with scores of these answers.
        tables: the tables of the paper with them.
        notes: what a reader must know, in sentences without a full stop.
        keeps: the epoch whose answers the program keeps, with file and line of its code.
        caveats: some of `CAVEATS`, which apply to all answers.
        selection: for answers that a team sent in, without repository and commit: what was selected and on which
            people, in words.
    """

    id: str
    title: str
    method: str
    sets: Annotated[tuple[Set, ...], Field(min_length=1)]
    repository: Annotated[str, Field(pattern="^(https://.*)?$")] = ""
    commit: Annotated[str, Field(pattern="^([0-9a-f]{40})?$")] = ""
    convention: str = "strict"
    paper: str = ""
    tables: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    variant: str = ""
    keeps: str = ""
    caveats: tuple[Annotated[str, Field(pattern=f"^({'|'.join(CAVEATS)})$")], ...] = ()
    selection: str = ""

    def __post_init__(self) -> None:
        """Check that answers are public under a commit, or sent in with a statement on selection."""
        if not self.selection and not (self.repository and self.commit):
            raise ValueError(
                "give repository and commit for public answers, and selection for answers that were sent in"
            )

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, and the epoch that the program keeps."""
        return (
            *self.notes,
            *([f"of its epochs the program keeps {self.keeps}"] if self.keeps else []),
            *([f"selection, as the senders say: {self.selection}"] if self.selection else []),
        )

    @property
    def conventions(self) -> tuple[str, ...]:
        """The authors' rules, then mebench's own, which need more than counts."""
        counted = any(reading.counts for reading in self.readings)
        return tuple(dict.fromkeys([self.convention, *([] if counted else ["strict"])]))

    @property
    def key(self) -> str:
        """Hash of everything that determines the scores: files, their reading, and rules."""
        sets = TypeAdapter(tuple[Set, ...]).dump_python(self.sets, exclude_defaults=True)
        return hashlib.sha256(json.dumps([self.convention, sets], sort_keys=True).encode()).hexdigest()

    @property
    def readings(self) -> list[Reading]:
        """The readings of all sets."""
        direct = [reading for one in self.sets for reading in (*one.truth, *one.predictions)]
        return direct + [other for reading in direct for other in reading.beside]

    @property
    def files(self) -> dict[str, str]:
        """From hash to path in the repository, for all sets."""
        return {hash_: f"{r.folder}/{name}".lstrip("/") for r in self.readings for name, hash_ in r.files.items()}

    def prints(self, one: Set, published: Sequence[Published]) -> list[Published]:
        """The values that the paper prints for a set."""
        key = (self.paper, self.method, self.variant, one.dataset, one.protocol)
        return [
            row
            for row in published
            if (row.source.partition(" ")[0], row.method, row.method_variant, row.dataset, row.protocol) == key
            and row.table in self.tables
        ]


def sources(folder: Path) -> list[str]:
    """Names of the sources of a folder."""
    return sorted(file.stem for file in folder.glob("*.yaml"))


def read_described(what: str, described: type[T], folder: Path, name: str) -> T:
    """The object that `<folder>/<name>.yaml` describes.

    Args:
        what: noun for messages.
        described: a dataclass of pydantic's, with the name as `id`.
        folder: of the files.
        name: without ending.

    Raises:
        ConfigError: there is no such file.
        DataError: it has another form.
    """
    file = folder / f"{name}.yaml"
    check_known(what, name, sources(folder), f"{what.capitalize()}s are searched in {folder}")
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


def read_source(folder: Path, name: str) -> Source:
    """The source of that name from `<folder>/<name>.yaml`.

    Raises:
        ConfigError: there is none, or its convention is unknown.
        DataError: its file has another form.
    """
    source = read_described("source", Source, folder, name)
    named(source.convention)
    return source


# -- files to tables ---------------------------------------------------------------------------------------------------


def find(source: Source, root: Path) -> dict[str, Path]:
    """The files of a source by their hash, in any folders below `root`.

    Raises:
        DataError: `root` is not a folder, or a file is missing or has other content.
    """
    hint = f"in a clone of {source.repository}: git checkout {source.commit}" if source.commit else "as it was sent"
    if not root.is_dir():
        raise DataError(f"--root {root} is not a folder: name the one with the files of {source.id}, {hint}")
    wanted = source.files
    paths: dict[str, Path] = {}
    every = (path for path in sorted(root.rglob("*")) if ".git" not in path.relative_to(root).parts)
    for file in chain((root / path for path in wanted.values()), every):
        if wanted.keys() <= paths.keys():
            break
        with suppress(OSError):  # an unreadable file; if it is one of the source's files, it counts as missing
            if file.is_file() and file.stat().st_size <= LARGEST:
                paths.setdefault(file_hash(file), file)
    lacking = [(hash_, path) for hash_, path in wanted.items() if hash_ not in paths]
    elsewhere = {hash_: r.repository for r in source.readings if r.repository for hash_ in r.files.values()}
    if lacking:
        hint = f"in {elsewhere[lacking[0][0]]}" if lacking[0][0] in elsewhere else hint
        (hash_, path), more = lacking[0], f" (and {plural(len(lacking) - 1, 'more file')})" if len(lacking) > 1 else ""
        for other, file in paths.items():
            if other not in wanted and file.name == Path(path).name:
                raise DataError(
                    f"{file} differs from the published {path}{more}: its SHA-256 begins with {other[:12]}, not with "
                    f"{hash_[:12]}; get it unchanged, {hint}"
                )
        raise DataError(f"no file in {root} is {path}{more}, SHA-256 {hash_[:12]}…: get it, {hint}")
    return paths


def answers(
    one: Set, found: Mapping[str, Path], convention: str
) -> tuple[dict[epoch_choices.Rule | None, Answers], int]:
    """The answers of a set with the truth, read like the files of any program: for each rule of its choice, if it has
    one, and the number of pairs of epoch and threshold to choose from.

    Args:
        one: the set.
        found: see `find`.
        convention: the rules whose F1 decides the choice.

    Raises:
        DataError: the files cannot be read as the source describes, or a person lacks an epoch.
    """
    roles: dict[Role, tuple[Reading, ...]] = {"truth": one.truth, "predictions": one.predictions}
    truth, predictions = (
        [row for reading in readings for row in rows_of(reading, found, role)] for role, readings in roles.items()
    )
    if one.choice is None:
        return {None: joined(one, truth, predictions)}, 1
    of_epoch = grouped(predictions, key=itemgetter("epoch"))
    low, high, step = one.choice.thresholds
    thresholds = [round(low + step * n, DIGITS) for n in range(round((high - low) / step) + 1)]
    every = {epoch: joined(one, truth, of_epoch[epoch]) for epoch in sorted(of_epoch)}
    kinds = next(iter(every.values())).kinds
    grid = epoch_choices.grid({epoch: read.tables for epoch, read in every.items()}, kinds, thresholds, convention)
    chosen, nothing_found = dict[epoch_choices.Rule | None, Answers](), silent(truth)
    for rule in one.choice.rules:
        picked = {person.rpartition("/")[2]: pair for person, pair in grid.picked(rule).items()}
        kept = [
            row
            for row in predictions
            if row["epoch"] == picked[row["subject"]][0] and float(row["confidence"]) >= picked[row["subject"]][1]
        ]
        chosen[rule] = joined(one, truth, kept + nothing_found)
    return chosen, len(every) * len(thresholds)


def silent(truth: Sequence[Row]) -> list[Row]:
    """Rows of the same videos and kinds without an interval."""
    return [
        {name: row[name] for name in ("subject", "video", "kind") if name in row} | {"onset": "", "offset": ""}
        for row in truth
    ]


def joined(one: Set, truth: Sequence[Row], predictions: Sequence[Row]) -> Answers:
    """Rows of truth and predictions for scoring. Without a single interval, each video is one in which nothing was found."""
    predictions = predictions or ([] if one.clips else silent(truth))
    true, predicted = (
        sheet_of_rows(role, rows) for role, rows in (("the truth", truth), ("the file of predictions", predictions))
    )
    # The notes contain the remarks on these files, which never change.
    return read_against_truth(true, [predicted], Rules(), Remarks(), clips=one.clips)[0]


def rows_of(reading: Reading, found: Mapping[str, Path], role: Role) -> list[Row]:
    """The rows of files, read as the source describes.

    A file that names its video also gives a row without onset and offset.

    Raises:
        DataError: the name or content of a file differs from the source's description.
    """
    rows: list[Row] = []
    for path, hash_ in reading.files.items():
        for cells in _of_file(reading, path, found[hash_], role):
            row = {reading.header.get(name, name): cell for name, cell in cells.items()}
            row |= {
                name: match[1]
                for name, pattern in reading.pattern.items()
                if (match := re.search(pattern, row.get(name, "")))
            }
            row = {name: reading.rename.get(name, {}).get(cell, cell) for name, cell in row.items() if name != "_"}
            if all(re.fullmatch(cell, row[name]) for name, cell in reading.only.items()):
                rows.append(row)
    if reading.beside:
        names = [row for other in reading.beside for row in rows_of(other, found, role)]
        pairs = enumerate(zip(names, rows), 1) if role == "truth" else ()
        wrong = [n for n, (name, row) in pairs if name["emotion"] != row["emotion"]]
        if len(names) != len(rows) or wrong:
            where = f"row {wrong[0]} has another class" if wrong else f"{len(rows)} rows, {len(names)} names"
            raise DataError(
                f"{next(iter(reading.files))} is not in the order of {next(iter(reading.beside[0].files))}: {where}"
            )
        rows = [{**name, **{key: row[key] for key in row if key != "video"}} for name, row in zip(names, rows)]
    low, high = reading.lengths
    kept: list[Row] = []
    seen: Counter[tuple[str | None, ...]] = Counter()
    for row in rows:
        if row.get("onset"):
            for end in filter(row.get, ("onset", "apex", "offset")):
                if not (frame := float(row[end])).is_integer() and reading.rounded is None:
                    raise DataError(
                        f"the {end} {row[end]} of {row['video']} is fractional: the source must state rounded: "
                        "down or nearest"
                    )
                row[end] = str(floor(frame + (0.5 if reading.rounded == "nearest" else 0)) + reading.shift)
            n = int(row["offset"]) - int(row["onset"]) + 1
            if reading.macro_above is not None:
                row["kind"] = "macro" if n > reading.macro_above + 1 else "micro"
            place = tuple(row.get(name) for name in ("dataset", "subject", "video", "epoch"))
            if not (
                (low or 0) <= n <= (high or n)
                and (reading.at_least is None or float(row["confidence"]) >= reading.at_least)
                and (reading.first is None or seen[place] < reading.first)
            ):
                continue
            seen[place] += 1
        kept.append(row)
    return kept


def _of_file(reading: Reading, path: str, file: Path, role: Role) -> Iterator[Row]:
    """The rows of a file under its own names of columns, with the columns from its name."""
    of_file = dict(reading.always)
    if reading.name:
        named_so = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^_/]+)", re.escape(reading.name))
        if (match := re.fullmatch(rf"(?:.*/)?{named_so}", path)) is None:
            raise DataError(f"{path} is not named as {reading.name}")
        of_file |= match.groupdict()
        if "video" in of_file:
            yield of_file
    forms = {reading.columns is not None: _of_lines, bool(reading.series): _of_series, bool(reading.counts): _of_counts}
    file = Path(f"{file}:{reading.sheet}") if reading.sheet else file
    yield from ({**row, **of_file} for row in forms.get(True, _by_shape)(reading, file, role))


def _of_lines(reading: Reading, file: Path, role: Role) -> Iterator[Row]:
    """The lines of a file without a header, whose columns the source names."""
    assert reading.columns is not None
    section: Row = {}
    rows = (
        [[" ".join(cell.split()) for cell in cells] for _, cells in read_sheet(file, Remarks(), role).rows]
        if reading.sheet
        else [re.split(r"[\s,;]+", line.strip()) for line in file.read_text(encoding="utf-8").splitlines()]
    )
    for number, words in enumerate(rows, 1):
        if reading.section and len(words) == len(reading.section):
            section = dict(zip(reading.section, words))
        elif len(words) == len(reading.columns):
            yield {**section, **dict(zip(reading.columns, words))}
        elif any(words):
            raise DataError(f"{file}, line {number}: {' '.join(words)!r} does not have the form that the source gives")


def _of_counts(reading: Reading, file: Path, role: Role) -> Iterator[Row]:
    """A row for each clip of each person; clips are named by numbers."""
    assert reading.counts is not None
    every, rightly, classes = reading.counts
    with file.open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            person = {name: row[name] for name in reading.header}
            counts = [json.loads(row[column]) for column in (every, rightly)]
            for number, (name, clips, right) in enumerate(zip(classes, *counts, strict=True)):
                for clip in range(clips):
                    answer = name if role == "truth" or clip < right else classes[number - 1]
                    yield {**person, "video": f"{name} {clip + 1}", "emotion": answer}


def _of_series(reading: Reading, file: Path, role: Role) -> Iterator[Row]:
    """The intervals from frame scores, and a row without an interval for each video."""
    scores, kind = read_value(file.read_bytes()), reading.always["kind"]
    lengths = [sum(videos.values()) for videos in reading.series.values()]
    if not isinstance(scores, list) or [len(values) for values in scores] != lengths:
        raise DataError(
            f"{next(iter(reading.files))} does not hold {', '.join(map(str, lengths))} scores, one list a subject"
        )
    half, rows = int(reading.spotted["k_prime"]) if reading.averaged else 0, list[dict[str, Any]]()
    for (subject, videos), values in zip(reading.series.items(), scores):
        parts = np.split(np.ravel(np.asarray(values, np.float64)), np.cumsum([*videos.values()])[:-1])
        for video, part in zip(videos, parts):
            mean = np.convolve(part, np.full(2 * half or 1, 1 / (2 * half or 1)), "valid")
            place = {"subject": subject, "video": video, "kind": kind}
            rows += [{**place, "frame": n, "score": score} for n, score in enumerate(mean.tolist(), half)]
            yield {"subject": subject, "video": video}
    params = SpottingParams(**{name: value for name, value in reading.spotted.items() if name != "k_prime"})
    frame_scores = read_frame_scores(sheet_of_rows("the scores", rows), Remarks())
    spotted = propose(frame_scores, {kind: int(reading.spotted["k_prime"])}, params, Remarks()).intervals
    columns = ["subject", "video", "onset", "offset", "confidence"]
    yield from cast(list[Row], spotted[columns].astype(str).to_dict("records"))


def _by_shape(reading: Reading, file: Path, role: Role) -> Iterator[Row]:
    """The rows of a file that `mebench score` reads, under the suite's column names where it knows them."""
    remarks = Remarks()
    sheet = read_sheet(file, remarks, role)
    if is_log(sheet):
        log = read_log(sheet, file, role, remarks)
        names = [*log.ids, "kind", "onset", "offset"]
        rows = pd.concat([log.intervals[names], log.videos[log.ids].drop_duplicates()]).astype(object)
        yield from cast(list[Row], rows.where(rows.notna(), "").astype(str).to_dict("records"))
        return
    wanted = (*IDS, "onset", "apex", "offset", "kind", "emotion", "confidence", "fps", "n_frames")
    table = parse(sheet, file, role, wanted, remarks, alone="emotion")
    columns = {**table.cells, **table.others}
    yield from (dict(zip(columns, row)) for row in zip(*columns.values()))


# -- scores ------------------------------------------------------------------------------------------------------------


def rescore(source: Source, root: Path, draws: int = 1000) -> dict[str, Any]:
    """The outcome: the scores of each set under each convention, with the intervals unchanged and k'/2 later.

    Args:
        source: what to score.
        root: a folder that contains the files, at any depth.
        draws: of the bootstrap.

    Returns:
        JSON: `source`, `key`, `mebench`, and `sets` of `dataset`, `protocol` and `results`, each with `convention`,
            `later` (frames), `choice` (if answers are chosen) and the `summary` without details, under the strict rules
            with mistakes and curves of spotting; for chosen answers also `selection`, see `epoch_choices.worth`.

    Raises:
        DataError: files are missing or changed, or differ from the source's description.
    """
    paths, sets = find(source, root), []
    for one in source.sets:
        try:
            chosen, tried = answers(one, paths, source.convention)
        except (DataError, KeyError, ValueError) as error:
            raise DataError(
                f"the answers of {source.id} on {one.dataset} cannot be read as it describes them: {error}"
            ) from error
        results, half = [], 0 if one.k_prime is None or one.clips else window_shift(one.k_prime - 1)
        for (choice, read), later, rule in product(chosen.items(), sorted({0, half}), source.conventions):
            tables = read.tables
            if later and (spotted := tables.predictions) is not None:
                moved = {name: spotted[name] + later for name in ("onset", "apex", "offset")}
                tables = replace(tables, predictions=spotted.assign(**moved))
            summary = summarize(tables, kinds=read.kinds, classes=read.classes, seed=0, convention=rule, draws=draws)
            if "spotting" in summary and rule == "strict":
                summary["mistakes"] = summarize_mistakes(tables, read.kinds)
                summary["curves"] = {}
                for part, section in summary["spotting"].items():
                    # About 40 points by falling confidence; none where a rate or a recall is unknown.
                    curve = section["details"].get("curve", {"fp_per_minute": [], "recall": []})
                    pairs = [*zip(curve["fp_per_minute"], curve["recall"])]
                    thinned = pairs[:: -max(len(pairs) // 40, 1)][::-1]
                    summary["curves"][part] = [] if np.isnan(pairs).any() else thinned
            if one.pooled:
                summary |= {name: {"overall": summary[name]["micro"]} for name in MORE if name in summary}
            kept = {section: _kept(summary[section]) for section in (*SECTIONS, *MORE) if section in summary}
            results.append(
                {"convention": rule, "later": later, **({"choice": choice} if choice else {}), "summary": kept}
            )
        scored = {"dataset": one.dataset, "protocol": one.protocol, "results": results}
        if one.choice is not None:
            rules = {rule: read.tables for rule, read in chosen.items() if rule is not None}
            scored["selection"] = _kept(epoch_choices.worth(rules, read.kinds, tried, source.convention, draws))
        sets.append(scored)
    return {"source": source.id, "key": source.key, "mebench": VERSION, "sets": sets}


def _kept(value: Any) -> Any:
    """Scores and counts without details."""
    return json.loads(
        json.dumps(value),
        parse_float=lambda digits: round(float(digits), DIGITS),
        object_hook=lambda mapping: {key: inner for key, inner in mapping.items() if key != "details"},
    )


def write_outcome(outcome: Mapping[str, Any], folder: Path) -> Path:
    """Write it as `<source>.json`; equal outcomes give equal bytes."""
    file = folder / f"{outcome['source']}.json"
    replace_file(file, json.dumps(outcome, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return file


Cell = tuple[str, str, Published | None, Mapping[tuple[str, int, str], Value | None]]
"""One score of a set: dataset, dotted name, the paper's value (None if it prints none), and value, low and high by convention,
frames later and rule of choice (may be empty); None if undefined."""


def cells(source: Source, outcome: Mapping[str, Any], published: Sequence[Published]) -> list[Cell]:
    """Printed and rescored values; for a set without printed values, the main score of each section."""
    listed: list[Cell] = []
    for one, scored in zip(source.sets, outcome["sets"], strict=True):
        by_reading = {(r["convention"], r["later"], r.get("choice", "")): r["summary"] for r in scored["results"]}
        printed = source.prints(one, published)
        for row in printed:
            name = ".".join(key for key in row.path if key != "scores")
            listed.append((one.dataset, name, row, {k: value_of(s, row) for k, s in by_reading.items()}))
        flat = {} if printed else {key: flat_scores(summary) for key, summary in by_reading.items()}
        for name in dict.fromkeys(name for scores in flat.values() for name in scores):
            section = name.partition(".")[0]
            if section in SECTIONS and name.rpartition(".")[2] == COLUMNS[section][0]:
                values = {
                    k: (s[name], s.get(f"{name}.low"), s.get(f"{name}.high")) for k, s in flat.items() if name in s
                }
                listed.append((one.dataset, name, None, values))
    return listed
