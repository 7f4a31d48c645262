"""Files that authors published of their own programs' answers, read and scored anew, beside what their papers print.

`leaderboards/rescored/<source>.yaml` says where the files lie, what they are and how they are read; `<source>.json`, which
`mebench rescore` writes, holds scores and intervals, facts and never the files. Tables are made of the two.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd
import yaml

from mebench import __version__
from mebench.console import plural
from mebench.errors import ConfigError, DataError, unknown
from mebench.exchange.clips import read_clips
from mebench.exchange.files import Answers, of_clips, of_intervals
from mebench.exchange.intervals import read_intervals
from mebench.exchange.join import Rules
from mebench.exchange.table import Remarks
from mebench.metrics import named, summarize
from mebench.metrics.catalogue import COLUMNS, SECTIONS
from mebench.metrics.summary import flat_scores
from mebench.results.collect import Say
from mebench.results.published import COUNTS, Published
from mebench.results.published_tables import Placed, part_of
from mebench.results.render.scores import parts_of
from mebench.results.reproduce import Value, value_of
from mebench.results.rows import Rescored
from mebench.results.schema import LARGEST
from mebench.results.tables import n_of, over_seeds
from mebench.results.write import replace_file

SCORED_ANEW = "rescored"
"""The folder of sources in `leaderboards`."""
IGNORED = "_"
"""Stands for a column that is not read."""
DIGITS = 6
"""After the point, of scores that are kept."""


@dataclass(frozen=True)
class Reading:
    """Files of one form and how they become a table.

    Attributes:
        files: path in the repository to the SHA-256 of the content, by which a file is found in whatever folder it lies.
        columns: what the cells of a line are, where the file has no header; cells are parted by blanks, commas or semicolons.
            None where it is a table with a header, which is read as it is.
        section: what the words of a line above others are that says so for all of them: a line of so many words.
        name: the file's name with columns in braces, `{subject}_{video}.txt`.
        always: columns that are the same in all rows.
        rename: by column, what cells become.
        lengths: shortest and longest interval in frames, both ends counted, that is kept; None sets no limit. A file all of
            whose intervals are left out still says that its video was looked through.
    """

    files: Mapping[str, str]
    columns: tuple[str, ...] | None = None
    section: tuple[str, ...] = ()
    name: str = ""
    always: Mapping[str, str] | None = None
    rename: Mapping[str, Mapping[str, str]] | None = None
    lengths: tuple[int | None, int | None] = (None, None)


@dataclass(frozen=True)
class Set:
    """Answers on one dataset.

    Attributes:
        dataset, protocol: ids as in `leaderboards/published.csv`.
        scheme: the emotion scheme, or empty.
        clips: whether classes of given clips are scored, instead of spotted intervals.
        k_prime: half the window in frames that the label of a frame stands for, where intervals are put around a peak of such
            scores; None otherwise.
        truth, predictions: files.
    """

    dataset: str
    protocol: str
    scheme: str
    clips: bool
    k_prime: int | None
    truth: tuple[Reading, ...]
    predictions: tuple[Reading, ...]

    @property
    def shifts(self) -> tuple[int, ...]:
        """By how many frames intervals are put later: as they are, and, of window scores, k'/2 (rounded down).

        The label of frame i stands for the frames from i to i + k' - 1, whose middle lies (k' - 1) / 2 later, but the interval
        lies around the peak i. It follows from the labels and is not tuned.
        """
        return (0,) if self.k_prime is None else (0, self.k_prime // 2)


@dataclass(frozen=True)
class Source:
    """What authors published.

    Attributes:
        id: name of its file.
        title: whose answers, and of which paper.
        method: its name in the literature, as in `leaderboards/published.csv`.
        repository, commit: where the files are public.
        convention: the rules that the authors score by.
        paper: key of the paper in `leaderboards/published.csv`.
        tables: of the paper, that print scores of these answers.
        notes: what a reader must know, in sentences without end.
        sets: one for each dataset.
    """

    id: str
    title: str
    method: str
    repository: str
    commit: str
    convention: str
    paper: str
    tables: tuple[str, ...]
    notes: tuple[str, ...]
    sets: tuple[Set, ...]

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
    def place(self) -> str:
        """Where the files are public."""
        return f"{self.repository.removeprefix('https://')} at {self.commit[:7]}"

    def prints(self, one: Set, published: Sequence[Published]) -> list[Published]:
        """What the paper prints of a set."""
        return [
            row
            for row in published
            if (row.source.partition(" ")[0], row.method, row.method_variant) == (self.paper, self.method, "")
            and (row.dataset, row.protocol) == (one.dataset, one.protocol)
            and row.table in self.tables
        ]


# -- what there is -----------------------------------------------------------------------------------------------------


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
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        texts = {key: str(content[key]) for key in ("title", "method", "repository", "commit")}
        prints = content.get("prints", {})
        source = Source(
            id=name,
            convention=named(str(content.get("convention", "strict"))).name,
            paper=str(prints.get("paper", "")),
            tables=tuple(map(str, prints.get("tables", ()))),
            notes=tuple(map(str, content.get("notes", ()))),
            sets=tuple(map(_set, content["sets"])),
            **texts,
        )
        for reading in (r for one in source.sets for r in (*one.truth, *one.predictions)):
            if not reading.files or not all(re.fullmatch("[0-9a-f]{64}", h) for h in reading.files.values()):
                raise ValueError("every file has a SHA-256 of 64 digits")
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{file} cannot be read ({type(error).__name__}: {error}): compare it with its neighbours"
        ) from error
    return source


def _set(content: Mapping[str, Any]) -> Set:
    truth, predictions = (tuple(map(_reading, content[role])) for role in ("truth", "predictions"))
    k_prime = None if content.get("k_prime") is None else int(content["k_prime"])
    ids = {name: str(content[name]) for name in ("dataset", "protocol")}
    return Set(
        **ids,
        scheme=str(content.get("scheme", "")),
        clips=bool(content.get("clips", False)),
        k_prime=k_prime,
        truth=truth,
        predictions=predictions,
    )


def _reading(content: Mapping[str, Any]) -> Reading:
    folder, columns = content.get("folder"), content.get("columns")
    low, high = content.get("lengths", (None, None))
    return Reading(
        files={f"{folder}/{name}" if folder else str(name): str(hash_) for name, hash_ in content["files"].items()},
        columns=None if columns is None else tuple(map(str, columns)),
        section=tuple(map(str, content.get("section", ()))),
        name=str(content.get("name", "")),
        always={str(name): str(value) for name, value in content.get("always", {}).items()},
        rename={
            str(column): {str(old): str(new) for old, new in names.items()}
            for column, names in content.get("rename", {}).items()
        },
        lengths=(low, high),
    )


# -- files to tables ---------------------------------------------------------------------------------------------------


def find(source: Source, root: Path) -> dict[str, Path]:
    """The files of a source by their hash, in whatever folders below `root` they lie.

    Raises:
        DataError: `root` is no folder, or lacks a file, or holds another under its name.
    """
    hint = f"in a clone of {source.repository}: git checkout {source.commit}"
    if not root.is_dir():
        raise DataError(f"--root {root} is no folder: name the one that holds the files of {source.id}, {hint}")
    wanted = {
        hash_: path for one in source.sets for r in (*one.truth, *one.predictions) for path, hash_ in r.files.items()
    }
    found: dict[str, Path] = {}
    others: dict[str, tuple[Path, str]] = {}
    there = (root / path for path in wanted.values())
    for file in (*there, *_walk(root)):
        if len(found) == len(wanted):
            break
        try:
            if not file.is_file() or file.stat().st_size > LARGEST:
                continue
            hash_ = hashlib.sha256(file.read_bytes()).hexdigest()
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


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name != ".git")
        yield from (Path(folder) / name for name in sorted(names))


def answers(one: Set, found: Mapping[str, Path]) -> Answers:
    """The answers of a set beside what is true, through what reads the files of any program.

    Raises:
        DataError: the files cannot be read as the source says.
    """
    with TemporaryDirectory() as place:
        truth, predictions = (
            _file(Path(place) / f"{role}.csv", readings, found)
            for role, readings in (("truth", one.truth), ("predictions", one.predictions))
        )
        remarks, rules = Remarks(), Rules()  # what there is to remark on files that never change stands in the notes
        if one.clips:
            return of_clips(read_clips(truth, "truth", remarks), predictions, rules, remarks)
        true, said = read_intervals(truth, "truth", remarks), read_intervals(predictions, "predictions", remarks)
        return of_intervals(true, said, rules, remarks)


def _file(place: Path, readings: Sequence[Reading], found: Mapping[str, Path]) -> Path:
    """One file that the readers know: what was published where that is a table with a header, else one that is made of it."""
    first, *others = readings
    if first.columns is None:
        if others or len(first.files) > 1:
            raise DataError("of files with a header there is one for the truth and one for the predictions")
        return found[next(iter(first.files.values()))]
    rows = [row for reading in readings for row in _rows(reading, found)]
    pd.DataFrame(rows).to_csv(place, index=False)
    return place


def _rows(reading: Reading, found: Mapping[str, Path]) -> Iterator[dict[str, str]]:
    """The rows of files without a header; one without onset and offset for each file that names its video."""
    low, high = reading.lengths
    named_so = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^_/]+)", re.escape(reading.name))
    for path, hash_ in reading.files.items():
        of_file = dict(reading.always or {})
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
                row.pop(IGNORED, None)
                if (low, high) != (None, None):
                    length = int(float(row["offset"])) - int(float(row["onset"])) + 1
                    if length < (low or 0) or (high is not None and length > high):
                        continue
                yield _renamed(row, reading)
            elif line.strip():
                raise DataError(f"{path}, line {number}: {line.strip()!r} is not of the form that the source gives")


def _renamed(row: Mapping[str, str], reading: Reading) -> dict[str, str]:
    rename = reading.rename or {}
    return {column: rename.get(column, {}).get(cell, cell) for column, cell in row.items()}


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
        except DataError as error:
            raise DataError(f"{source.id}.yaml does not say how {one.dataset} is read: {error}") from error
        results = [
            {"convention": rule, "later": later, "summary": _scores(_later(read, later), rule, draws)}
            for later in one.shifts
            for rule in source.conventions
        ]
        sets.append({"dataset": one.dataset, "protocol": one.protocol, "results": results})
    return {"source": source.id, "key": source.key, "mebench": __version__, "sets": sets}


def _later(read: Answers, frames: int) -> Answers:
    """The same with every spotted interval so many frames later."""
    if not frames or (spotted := read.tables.predictions) is None:
        return read
    moved = {name: spotted[name] + frames for name in ("onset", "apex", "offset")}
    return replace(read, tables=replace(read.tables, predictions=spotted.assign(**moved)))


def _scores(read: Answers, rule: str, draws: int) -> dict[str, Any]:
    summary = summarize(read.tables, kinds=read.kinds, classes=read.classes, seed=0, convention=rule, draws=draws)
    return {section: _kept(summary[section]) for section in SECTIONS if section in summary}


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


@dataclass(frozen=True)
class Cell:
    """One score of a set.

    Attributes:
        dataset: id.
        name: of the score, dotted as in MLflow.
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


# -- rows of tables ----------------------------------------------------------------------------------------------------


class Known(NamedTuple):
    """A source and what came of it."""

    source: Source
    outcome: Mapping[str, Any]


def collect_rescored(folder: Path, say: Say) -> list[Known]:
    """The sources of a folder that were scored, sorted by name; of each that cannot enter `say` is told in one sentence."""
    known = []
    for name in sources(folder):
        again = f"mebench rescore {name} --root CLONE"
        try:
            source, file = read_source(folder, name), folder / f"{name}.json"
            outcome: Any = json.loads(file.read_text(encoding="utf-8"))
            if outcome["key"] != source.key:
                say(f"{name} is left out: it was scored before {name}.yaml changed; score it again by {again}")
                continue
            list(placed([Known(source, outcome)], []))
        except FileNotFoundError:
            say(f"{name} is left out: it was not scored yet, {again}")
        except (ConfigError, DataError) as error:
            say(f"{name} is left out: {error}")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            say(f"{name} is left out: {file} is damaged ({type(error).__name__}: {error}); write it again by {again}")
        else:
            known.append(Known(source, outcome))
    return known


def placed(known: Sequence[Known], published: Sequence[Published]) -> Iterator[Placed]:
    """Each scored result of each source as a row, and where it stands."""
    for source, outcome in known:
        for one, scored in zip(source.sets, outcome["sets"], strict=True):
            printed = [row for row in source.prints(one, published) if row.metric not in COUNTS]
            for result in scored["results"]:
                prints = printed if _as_printed(source, result) else []
                for task, part, member, section in _sections(result["summary"]):
                    own = (row for row in prints if (row.task, part_of(row), row.member) == (task, part, member))
                    row = Rescored(
                        method=source.method,
                        reading=reading_of(source, result),
                        convention=result["convention"],
                        member=member,
                        n=n_of(section),
                        scores={name: over_seeds([score]) for name, score in section["scores"].items()},
                        printed={row.metric: f"{row.value:.{row.digits}f}" for row in own},
                        source=source.id,
                        repository=source.repository,
                        commit=source.commit,
                        note="; ".join(source.notes),
                    )
                    yield Placed(task, one.dataset, one.protocol, one.scheme, part, row)


def _as_printed(source: Source, result: Mapping[str, Any]) -> bool:
    """Whether a result should be what the paper prints."""
    return result["convention"] == source.convention and not result["later"]


def reading_of(source: Source, result: Mapping[str, Any]) -> str:
    """By whose rules a result is scored, and where its intervals lie, in words."""
    rule, later = result["convention"], result["later"]
    whose = f"{rule}, the authors' rules" if rule == source.convention else rule
    return f"{whose}; intervals {later} frames (k'/2) later" if later else whose


def _sections(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    """Task, part of its table, member and content of each section."""
    for task, part, _, section in parts_of(summary):
        yield task, part, "", section
    if recognition := summary.get("recognition"):
        yield "recognition", "all clips", "", recognition
        for member, section in recognition.get("members", {}).items():
            yield "recognition", "members", member, section
