"""Files that authors published of their own programs' answers, read and scored anew, beside what their papers print.

`leaderboards/rescored/<source>.yaml` says where the files lie, what they are and how they are read; `<source>.json`, which
`mebench rescore` writes, holds scores and intervals, facts and never the files. Tables are made of the two.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, field, replace
from itertools import chain, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NamedTuple

import pandas as pd
import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mebench._checkout import VERSION
from mebench.atomic import replace_file
from mebench.console import plural
from mebench.core.peaks import window_shift
from mebench.errors import ConfigError, DataError, unknown
from mebench.exchange.answers import Answers, of_clips, of_intervals
from mebench.exchange.clips import read_clips
from mebench.exchange.intervals import read_intervals
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks
from mebench.files import file_hash, read_yaml
from mebench.metrics import named, summarize
from mebench.metrics.catalogue import COLUMNS, SECTIONS
from mebench.metrics.summary import flat_scores
from mebench.records.matching_published import Value, value_of
from mebench.records.published import Published
from mebench.records.schema import LARGEST, Hash

SCORED_ANEW = "rescored"
"""The folder of sources in `leaderboards`."""
DIGITS = 6
"""After the point, of scores that are kept."""


_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Reading:
    """Files of one form and how they become a table.

    Attributes:
        files: path in the repository to the SHA-256 of the content, by which a file is found in whatever folder it lies.
        folder: stands before every path.
        columns: what the cells of a line are, where the file has no header; cells are parted by blanks, commas or semicolons,
            and `_` is not read. None where it is a table with a header, which is read as it is.
        section: what the words of a line say for all lines below it: a line of so many words.
        name: the file's name with columns in braces, `{subject}_{video}.txt`. Such a file says that its video was looked
            through, whatever of it is kept.
        always: columns that are the same in all rows.
        rename: by column, what cells become.
        lengths: shortest and longest interval in frames, both ends counted, that is kept; None sets no limit.
    """

    files: Annotated[dict[str, Hash], Field(min_length=1)]
    folder: str = ""
    columns: tuple[str, ...] | None = None
    section: tuple[str, ...] = ()
    name: str = ""
    always: dict[str, str] = field(default_factory=dict)
    rename: dict[str, dict[str, str]] = field(default_factory=dict)
    lengths: tuple[int | None, int | None] = (None, None)


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
        k_prime: length in frames of the window that the score of a frame stands for, where intervals lie around a peak of such
            scores; None otherwise.
    """

    dataset: str
    protocol: str
    truth: tuple[Reading, ...]
    predictions: tuple[Reading, ...]
    scheme: str = ""
    clips: bool = False
    k_prime: Annotated[int, Field(ge=1)] | None = None

    @property
    def shifts(self) -> tuple[int, ...]:
        """By how many frames intervals are put later: not at all, and, of window scores, as `anchor=middle` does."""
        return (0,) if self.k_prime is None or self.clips else (0, window_shift(self.k_prime - 1))


@dataclass(frozen=True, config=_STRICT)
class Source:
    """What authors published.

    Attributes:
        id: name of its file.
        title: of the paper, with its authors.
        method: its name in the literature, as in `leaderboards/published.csv`.
        repository: where the files are public.
        commit: of the repository.
        sets: one for each dataset.
        convention: the rules that the authors score by.
        paper: key in `leaderboards/published.csv` of what prints scores of these answers.
        tables: of the paper, that print them.
        notes: what a reader must know, in sentences without end.
    """

    id: str
    title: str
    method: str
    repository: Annotated[str, Field(pattern="^https://")]
    commit: Annotated[str, Field(pattern="^[0-9a-f]{40}$")]
    sets: Annotated[tuple[Set, ...], Field(min_length=1)]
    convention: str = "strict"
    paper: str = ""
    tables: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def conventions(self) -> tuple[str, ...]:
        """The authors' rules, then the suite's own."""
        return tuple(dict.fromkeys([self.convention, "strict"]))

    @property
    def key(self) -> str:
        """Hash of all that decides the scores: files, how they are read, and rules."""
        text = json.dumps([self.convention, [asdict(one) for one in self.sets]], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def files(self) -> dict[str, str]:
        """Hash to path in the repository, of all sets."""
        readings = (reading for one in self.sets for reading in (*one.truth, *one.predictions))
        return {hash_: f"{r.folder}/{name}".lstrip("/") for r in readings for name, hash_ in r.files.items()}

    def prints(self, one: Set, published: Sequence[Published]) -> list[Published]:
        """What the paper prints of a set."""
        mine = (self.paper, self.method, "", one.dataset, one.protocol)
        return [
            row
            for row in published
            if (row.source.partition(" ")[0], row.method, row.method_variant, row.dataset, row.protocol) == mine
            and row.table in self.tables
        ]


def sources(folder: Path) -> list[str]:
    """Names of the sources of a folder."""
    return sorted(file.stem for file in folder.glob("*.yaml"))


def read_source(folder: Path, name: str) -> Source:
    """The source of that name from `<folder>/<name>.yaml`.

    Raises:
        ConfigError: there is none, or no convention of the name that it gives.
        DataError: its file has another form.
    """
    file = folder / f"{name}.yaml"
    if name not in sources(folder):
        raise ConfigError(unknown("source", name, sources(folder), f"Sources are looked for in {folder}"))
    try:
        content = read_yaml(file)
        source = TypeAdapter(Source).validate_python({"id": name, **content})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{file}, {where}: {first['msg']}; compare it with its neighbours") from error
    except (OSError, UnicodeError, yaml.YAMLError, TypeError) as error:
        raise DataError(
            f"{file} cannot be read ({type(error).__name__}: {error}): compare it with its neighbours"
        ) from error
    named(source.convention)
    return source


# -- files to tables ---------------------------------------------------------------------------------------------------


def find(source: Source, root: Path) -> dict[str, Path]:
    """The files of a source by their hash, in whatever folders below `root` they lie.

    Raises:
        DataError: `root` is no folder, or lacks a file, or holds another under its name.
    """
    hint = f"in a clone of {source.repository}: git checkout {source.commit}"
    if not root.is_dir():
        raise DataError(f"--root {root} is no folder: name the one that holds the files of {source.id}, {hint}")
    wanted = source.files
    found: dict[str, Path] = {}
    others: dict[str, tuple[Path, str]] = {}
    there = [root / path for path in wanted.values()]
    for file in chain(there, (path for path in sorted(root.rglob("*")) if ".git" not in path.relative_to(root).parts)):
        if len(found) == len(wanted):
            break
        try:
            if not file.is_file() or file.stat().st_size > LARGEST:
                continue
            hash_ = file_hash(file)
        except OSError:  # of a file that nobody may read; if it is one of ours, it is missing
            continue
        if hash_ in wanted:
            found.setdefault(hash_, file)
        else:
            others.setdefault(file.name, (file, hash_))
    lacking = [(hash_, path) for hash_, path in wanted.items() if hash_ not in found]
    if lacking:
        (hash_, path), more = lacking[0], f" (and {plural(len(lacking) - 1, 'more file')})" if len(lacking) > 1 else ""
        if changed := others.get(Path(path).name):
            raise DataError(
                f"{changed[0]} is not {path} as it was published{more}: its SHA-256 begins with {changed[1][:12]}, not with "
                f"{hash_[:12]}; take it unchanged, {hint}"
            )
        raise DataError(f"no file in {root} is {path}{more}, SHA-256 {hash_[:12]}…: get it, {hint}")
    return found


def answers(one: Set, found: Mapping[str, Path]) -> Answers:
    """The answers of a set beside what is true, through what reads the files of any program.

    Raises:
        DataError: the files cannot be read as the source says.
    """
    with TemporaryDirectory() as place:
        files = []
        for role, readings in (("truth", one.truth), ("predictions", one.predictions)):
            if readings[0].columns is None:
                if len(readings) > 1 or len(readings[0].files) > 1:
                    raise DataError("of files with a header there is one for the truth and one for the predictions")
                files.append(found[next(iter(readings[0].files.values()))])
            else:  # what the readers know is made of them
                files.append(Path(place) / f"{role}.csv")
                rows = [row for reading in readings for row in _rows(reading, found)]
                pd.DataFrame(rows).to_csv(files[-1], index=False)
        remarks, rules = Remarks(), Rules()  # what there is to remark on files that never change stands in the notes
        if one.clips:
            return of_clips(read_clips(files[0], "truth", remarks), files[1], rules, remarks)
        true, said = read_intervals(files[0], "truth", remarks), read_intervals(files[1], "predictions", remarks)
        return of_intervals(true, said, rules, remarks)


def _rows(reading: Reading, found: Mapping[str, Path]) -> Iterator[dict[str, str]]:
    """The rows of files without a header; one without onset and offset for each file that names its video."""
    low, high = reading.lengths
    named_so = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^_/]+)", re.escape(reading.name))
    for path, hash_ in reading.files.items():
        of_file = dict(reading.always)
        if reading.name:
            if (match := re.fullmatch(named_so, path.rpartition("/")[2])) is None:
                raise DataError(f"{path} is not named as {reading.name}")
            of_file |= match.groupdict()
            yield _renamed(of_file, reading)
        section: dict[str, str] = {}
        for number, line in enumerate(found[hash_].read_text(encoding="utf-8").splitlines(), 1):
            words = re.split(r"[\s,;]+", line.strip())
            if reading.section and len(words) == len(reading.section):
                section = dict(zip(reading.section, words))
            elif reading.columns is not None and len(words) == len(reading.columns):
                row = {**of_file, **section, **dict(zip(reading.columns, words))}
                row.pop("_", None)
                if (low, high) != (None, None):
                    length = int(float(row["offset"])) - int(float(row["onset"])) + 1
                    if length < (low or 0) or (high is not None and length > high):
                        continue
                yield _renamed(row, reading)
            elif line.strip():
                raise DataError(f"{path}, line {number}: {line.strip()!r} is not of the form that the source gives")


def _renamed(row: Mapping[str, str], reading: Reading) -> dict[str, str]:
    return {column: reading.rename.get(column, {}).get(cell, cell) for column, cell in row.items()}


# -- scores ------------------------------------------------------------------------------------------------------------


def rescore(source: Source, root: Path, draws: int = 1000) -> dict[str, Any]:
    """The outcome: of each set the scores under each convention, as the intervals are and k'/2 later.

    Args:
        source: what to score.
        root: a folder that holds the files somewhere.
        draws: of the bootstrap.

    Returns:
        JSON: `source`, `key`, `mebench`, and `sets` of `dataset`, `protocol` and `results`, each with `convention`, `later` (frames)
        and the `summary`, its details left out.

    Raises:
        DataError: files are missing or changed, or are not as the source says.
    """
    found, sets = find(source, root), []
    for one in source.sets:
        try:
            read = answers(one, found)
        except (DataError, KeyError, ValueError) as error:
            raise DataError(f"{source.id}.yaml does not say how {one.dataset} is read: {error}") from error
        results = []
        for later, rule in product(one.shifts, source.conventions):
            tables = read.tables
            if later and (spotted := tables.predictions) is not None:
                moved = {name: spotted[name] + later for name in ("onset", "apex", "offset")}
                tables = replace(tables, predictions=spotted.assign(**moved))
            summary = summarize(tables, kinds=read.kinds, classes=read.classes, seed=0, convention=rule, draws=draws)
            kept = {section: _kept(summary[section]) for section in SECTIONS if section in summary}
            results.append({"convention": rule, "later": later, "summary": kept})
        sets.append({"dataset": one.dataset, "protocol": one.protocol, "results": results})
    return {"source": source.id, "key": source.key, "mebench": VERSION, "sets": sets}


def _kept(value: Any) -> Any:
    """Scores and counts without details."""
    if isinstance(value, Mapping):
        return {key: _kept(inner) for key, inner in value.items() if key != "details"}
    return round(value, DIGITS) if isinstance(value, float) else value


def write_outcome(outcome: Mapping[str, Any], folder: Path) -> Path:
    """Write it as `<source>.json`; equal ones give equal bytes."""
    file = folder / f"{outcome['source']}.json"
    replace_file(file, json.dumps(outcome, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return file


class Cell(NamedTuple):
    """One score of a set.

    Attributes:
        dataset: id.
        name: of the score, dotted.
        printed: by the paper; None where it does not print it.
        values: value, low and high by convention and frames later, None where undefined.
    """

    dataset: str
    name: str
    printed: Published | None
    values: Mapping[tuple[str, int], Value | None]


def cells(source: Source, outcome: Mapping[str, Any], published: Sequence[Published]) -> list[Cell]:
    """What the paper prints beside what the files score to; of a set that nobody printed, the main score of each section."""
    found = []
    for one, scored in zip(source.sets, outcome["sets"], strict=True):
        by_reading = {(r["convention"], r["later"]): r["summary"] for r in scored["results"]}
        printed = source.prints(one, published)
        for row in printed:
            name = ".".join(key for key in row.path if key != "scores")
            found.append(Cell(one.dataset, name, row, {k: value_of(s, row) for k, s in by_reading.items()}))
        flat = {} if printed else {key: flat_scores(summary) for key, summary in by_reading.items()}
        for name in dict.fromkeys(name for scores in flat.values() for name in scores):
            if name.rpartition(".")[2] == COLUMNS[name.partition(".")[0]][0]:
                values = {
                    k: (s[name], s.get(f"{name}.low"), s.get(f"{name}.high")) for k, s in flat.items() if name in s
                }
                found.append(Cell(one.dataset, name, None, values))
    return found
