"""A paper's tables run again, and for each cell why the measured value is not the printed one."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from mebench.config import RunConfig, resolve
from mebench.errors import ConfigError, DataError, MebenchError, unknown
from mebench.progress import Progress
from mebench.results.published import Published
from mebench.runner.folder import RunFolder

Words = tuple[str, ...]


@dataclass(frozen=True)
class Paper:
    """A paper.

    Attributes:
        id: such as `mean2022`.
        title: its citation.
        source: its key in `leaderboards/published.csv`.
        convention: the rules that its own scores follow.
        datasets: words that choose its videos and classes, by dataset.
        differs: where this reproduction departs from the paper, in sentences without end.
        titles: of its tables, by number.
        tables: by number how their rows are measured: by `method` and `method_variant` as in `leaderboards/published.csv`
            the words of `mebench run` without the dataset's, or why it cannot be run.
    """

    id: str
    title: str
    source: str
    convention: str
    datasets: Mapping[str, Words]
    differs: tuple[str, ...]
    titles: Mapping[str, str]
    tables: Mapping[str, Mapping[tuple[str, str], Words | str]]


@dataclass(frozen=True)
class Cell:
    """One published value and how to measure it.

    Attributes:
        published: the value.
        words: of `mebench run`; None where it cannot be run.
        absent: why it cannot, or empty.
    """

    published: Published
    words: tuple[str, ...] | None
    absent: str


def read_paper(folder: Path, name: str) -> Paper:
    """The paper of that name from `<folder>/<name>.yaml`.

    Raises:
        ConfigError: there is none.
        DataError: its file has another form.
    """
    file = folder / f"{name}.yaml"
    known = {place.stem for place in folder.glob("*.yaml")}
    if name not in known:
        raise ConfigError(unknown("paper", name, known, f"Papers are looked for in {folder}"))
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        tables = {str(number): table for number, table in content["tables"].items()}
        return Paper(
            id=name,
            title=str(content["title"]),
            source=str(content["source"]),
            convention=str(content.get("convention", "strict")),
            datasets={str(id_): tuple(str(words).split()) for id_, words in content["datasets"].items()},
            differs=tuple(map(str, content.get("differs", ()))),
            titles={number: str(table["title"]) for number, table in tables.items()},
            tables={number: dict(map(_row, table["rows"])) for number, table in tables.items()},
        )
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{file} cannot be read ({type(error).__name__}: {error}): compare it with its neighbours"
        ) from error


def cells(paper: Paper, table: str, published: Iterable[Published]) -> list[Cell]:
    """The cells of a table, in the order of the paper.

    Raises:
        ConfigError: the paper has no such table here.
    """
    if table not in paper.tables:
        raise ConfigError(unknown("table", table, paper.tables, f"{paper.id} has no other that can be run"))
    found = []
    for value in published:
        if value.source.partition(" ")[0] != paper.source or value.table != f"Table {table}":
            continue
        words = paper.tables[table].get((value.method, value.method_variant), "nobody said how to measure it here")
        dataset = paper.datasets.get(value.dataset, f"nobody said how to take {value.dataset} here")
        absent = next((reason for reason in (words, dataset) if isinstance(reason, str)), None)
        found.append(Cell(value, None if absent is not None else (*words, *dataset), absent or ""))
    if not found:
        raise DataError(
            f"published.csv holds no value of {paper.source}, Table {table}: restore it from the repository"
        )
    return found


def _row(row: Mapping[str, Any]) -> tuple[tuple[str, str], Words | str]:
    words = tuple(str(row["run"]).split()) if "run" in row else str(row.get("absent", ""))
    return (str(row["method"]), str(row.get("variant", ""))), words


@dataclass(frozen=True)
class Run:
    """What one line of words gave.

    Attributes:
        folder: of the finished run, or None.
        reason: why there is none, in a few words.
        sentence: the same as the user may be told once, with what to do.
        stands_in: whether another dataset was run than the words name.
        failed: whether it was tried.
    """

    folder: RunFolder | None
    reason: str = ""
    sentence: str = ""
    stands_in: bool = False
    failed: bool = False


@dataclass(frozen=True)
class Result:
    """One cell, measured or not.

    Attributes:
        cell: the published value.
        value: measured under the paper's rules; None where there is nothing.
        low: lower end of its interval, or None.
        high: upper end of its interval, or None.
        strict: the same score under `strict`, or None.
        run_id: of the run, or empty.
        why: explanation of the gap, or why there is no measured value.
        sentence: what to do where there is none; empty where there is nothing to do.
        failed: whether its run failed.
    """

    cell: Cell
    value: float | None
    low: float | None
    high: float | None
    strict: float | None
    run_id: str
    why: str
    sentence: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Request:
    """What the user asks for beside the table.

    Attributes:
        words: for every run, after those of the paper.
        files: of settings.
        plugins: folders.
        stand_in: id of a dataset to run where one is absent, with words of its own after it; None for none.
        dry_run: run nothing.
    """

    words: Words = ()
    files: Words = ()
    plugins: Words = ()
    stand_in: str | None = None
    dry_run: bool = False


def reproduce(
    paper: Paper, cells: Sequence[Cell], published: Sequence[Published], request: Request, progress: Progress
) -> list[Result]:
    """Measure cells; finished runs of the same key count, everything else is run in one sweep.

    A dataset that is not here makes its cells absent, each with the reason, and stops nothing.

    Raises:
        ConfigError: the user's words are wrong.
        MebenchError: what stops all runs: a full disk, Ctrl-C.
    """
    lines = list(dict.fromkeys(cell.words for cell in cells if cell.words))
    runs = _runs(paper, lines, request, progress)

    folders = {run.folder.id: run.folder for run in runs.values() if run.folder is not None}
    summaries = {run_id: _scored(folder, paper.convention) for run_id, folder in folders.items()}
    counts = {
        (row.dataset, _section(row)): row
        for row in published
        if row.metric == "n" and row.source.partition(" ")[0] == paper.source
    }
    return [_result(cell, runs, summaries, counts, request) for cell in cells]


def _runs(paper: Paper, lines: Sequence[Words], request: Request, progress: Progress) -> dict[Words, Run]:
    """For each line of words its run; those that have to be run are run together, and equal ones once."""
    from mebench.runner.plan import make_plan
    from mebench.runner.session import finished_run
    from mebench.runner.sweep import sweep

    found: dict[Words, Run] = {}
    to_run: dict[str, tuple[RunConfig, list[tuple[Words, bool]]]] = {}
    for line in lines:
        config, stands_in = resolve([*line, *request.words], request.files, request.plugins), False
        try:
            plan = make_plan(config)
        except DataError as error:
            if request.stand_in is None:
                found[line] = Run(None, f"{config.dataset} is not here", str(error))
                continue
            config, stands_in = resolve(_standing_in(line, request), request.files, request.plugins), True
            plan = make_plan(config)
        folder = finished_run(plan)
        if folder is not None:
            found[line] = Run(folder, stands_in=stands_in)
        elif request.dry_run:
            words = _standing_in(line, request) if stands_in else [*line, *request.words]
            found[line] = Run(None, "not run yet", f"it would be: mebench run {shlex.join(words)}")
        else:
            key = json.dumps(config.values, sort_keys=True, default=str)
            to_run.setdefault(key, (config, []))[1].append((line, stands_in))
    if to_run:
        outcomes = sweep([config for config, _ in to_run.values()], progress)
        for (_, waiting), outcome in zip(to_run.values(), outcomes):
            for line, stands_in in waiting:
                if isinstance(outcome, MebenchError):
                    found[line] = Run(None, "its run failed", str(outcome), failed=True)
                else:
                    found[line] = Run(outcome.folder, stands_in=stands_in)
    return found


def _standing_in(line: Words, request: Request) -> list[str]:
    """The words with another dataset, without what belongs to the one they name."""
    own = [word for word in (*line, *request.words) if not word.startswith(("dataset", "scheme="))]
    dataset, *words = shlex.split(request.stand_in or "")
    return [*own, f"dataset={dataset}", *words]


def _scored(folder: RunFolder, convention: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The summaries of a run under the paper's rules and under `strict`."""
    from mebench.runner.scoring import score

    config = folder.read_json("config.json")["config"]
    own = folder.read_json("summary.json")
    by_paper, strict = (
        own if own["convention"] == name else score(folder, int(config["seed"]), int(config["bootstrap"]), name)
        for name in (convention, "strict")
    )
    return by_paper, strict


def _result(
    cell: Cell,
    runs: Mapping[Words, Run],
    summaries: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]],
    counts: Mapping[tuple[str, Words], Published],
    request: Request,
) -> Result:
    nothing = Result(cell, None, None, None, None, "", "")
    if cell.words is None:
        return replace(nothing, why=f"absent: {cell.absent}")
    run, row = runs[cell.words], cell.published
    if run.folder is None:
        return replace(nothing, why=f"absent: {run.reason}", sentence=run.sentence, failed=run.failed)
    by_paper, strict = (value_of(summary, row) for summary in summaries[run.folder.id])
    if by_paper is None:
        return replace(nothing, why="absent: undefined here (0/0), or not scored by this run", run_id=run.folder.id)
    value, low, high = by_paper
    there, here = counts.get((row.dataset, _section(row))), _count(summaries[run.folder.id][0], row)
    other = (request.stand_in or "").partition(" ")[0]
    differ = there is not None and here is not None and round(here) != round(there.value)
    words = [
        f"{other} stands in for {row.dataset}, so this is no comparison" if run.stands_in else "",
        *(f"published value {caveat.replace('_', ' ')}" for caveat in row.caveats),
        row.note,
        f"{there.value:.0f} scored there, {here:g} here" if there and differ and not run.stands_in else "",
        "" if run.stands_in else gap_in_words(row, value, low, high),
    ]
    why = "; ".join(filter(None, words))
    return Result(cell, value, low, high, strict[0] if strict else None, run.folder.id, why)


def gap_in_words(row: Published, value: float, low: float | None, high: float | None) -> str:
    """The gap in a few words; a printed value is known to half a unit of its last digit."""
    slack, gap = 0.5 * 10.0**-row.digits, f"{value - row.value:+.{row.digits}f}"
    if abs(value - row.value) <= slack:
        return "equal to the printed digits"
    if low is None or high is None:
        return gap
    inside = low - slack <= row.value <= high + slack
    return f"{gap}, {'inside the interval: may be chance' if inside else 'outside the interval: more than chance'}"


def value_of(summary: Mapping[str, Any], row: Published) -> tuple[float, float | None, float | None] | None:
    """The score that a published value stands for, with its interval; None where the run lacks it or it is undefined."""
    section: Any = summary
    for key in row.path[:-1]:
        section = section.get(key, {})
    found: Any = _count(summary, row) if row.metric == "n" else section.get(row.metric)
    if found is None and row.task == "analysis":
        found = _counted(section, row.metric)
    if isinstance(found, Mapping):
        return None if found["value"] is None else (found["value"], found["low"], found["high"])
    return None if found is None else (float(found), None, None)


def _section(row: Published) -> Words:
    """The keys of the part of a summary that a value belongs to."""
    return tuple(key for key in row.path[:-1] if key != "scores")


def _counted(section: Mapping[str, Any], metric: str) -> float | None:
    """Right and wrong answers of an analysis, which a summary holds as a share: each wrong one is both FP and FN."""
    accuracy = section.get("scores", {}).get("accuracy", {}).get("value")
    if accuracy is None or metric not in ("tp", "fp", "fn"):
        return None
    right = round(accuracy * section["n"])
    return float(right if metric == "tp" else section["n"] - right)


def _count(summary: Mapping[str, Any], row: Published) -> float | None:
    """How many were scored: truths of spotting, samples of analysis."""
    part: Any = summary
    for key in _section(row):
        part = part.get(key, {})
    return float(part["n"]) if "n" in part else float(part["tp"] + part["fn"]) if "tp" in part else None
