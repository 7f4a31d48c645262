"""Run a paper's tables again, and explain for each cell why the measured value differs from the printed one."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from mebench import runner
from mebench.config import RunConfig, resolve
from mebench.console import command
from mebench.errors import DataError, MebenchError, check_known
from mebench.files import read_yaml
from mebench.progress import Progress
from mebench.records import Published, count_of, gap_in_words, section_of, value_of
from mebench.runner import differences, make_plan, worth_of
from mebench.runs import RunFolder, score, scores_of

Words = tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """The selection on tested subjects in a method's program, according to its code or text.

    Attributes:
        says: the selection in words.
        leaks: whether the published value was selected so.
        settings: words of several runs; a selection of settings on the tested subjects would take the best of them.
        method: id of the corresponding plugin here; may be empty.
    """

    says: str
    leaks: bool
    settings: tuple[Words, ...] = ()
    method: str = ""


@dataclass(frozen=True)
class Paper:
    """A paper.

    Attributes:
        id: such as `mean2022`.
        title: its citation.
        source: its key in `leaderboards/published.csv`.
        convention: the rules that its own scores follow.
        datasets: words that choose its videos and classes, by dataset.
        differs: deviations of this reproduction from the paper, in sentences without a full stop.
        titles: of its tables, by number.
        tables: for each number, by `method` and `method_variant` as in `leaderboards/published.csv`, the words of
            `mebench run` without those of the dataset, or the reason why the row cannot be run.
        sources: sources of tables that are not printed in the paper itself, by number.
        programs: selection on the tested subjects in the programs of methods, by `method` and `method_variant`.
    """

    id: str
    title: str
    source: str
    convention: str
    datasets: Mapping[str, Words]
    differs: tuple[str, ...]
    titles: Mapping[str, str]
    tables: Mapping[str, Mapping[tuple[str, str], Words | str]]
    sources: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[tuple[str, str], Program] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One published value and how to measure it.

    Attributes:
        published: the value.
        words: of `mebench run`; None if it cannot be run.
        absent: the reason, or empty.
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
    check_known("paper", name, {place.stem for place in folder.glob("*.yaml")}, f"Papers are searched in {folder}")
    try:
        content: Any = read_yaml(file)
        tables = {str(number): table for number, table in content["tables"].items()}
        rows: dict[str, dict[tuple[str, str], Words | str]] = {number: {} for number in tables}
        programs: dict[tuple[str, str], Program] = {}
        for number, table in tables.items():
            for row in table["rows"]:
                key = (str(row["method"]), str(row.get("variant", "")))
                # A row with both `run` and `absent` takes too long to run with the others.
                run = "run" in row and "absent" not in row
                rows[number][key] = tuple(str(row["run"]).split()) if run else str(row.get("absent", ""))
                if "program" in row:
                    named = row.get("settings", {})
                    chosen = product(*([f"{name}={value}" for value in values] for name, values in named.items()))
                    method = str(row.get("run", "")).partition(" ")[0].removeprefix("method=")
                    says, leaks = str(row["program"]), bool(row.get("leaks"))
                    programs[key] = Program(says, leaks, tuple(chosen) if named else (), method)
        return Paper(
            id=name,
            title=str(content["title"]),
            source=str(content["source"]),
            convention=str(content.get("convention", "strict")),
            datasets={str(id_): tuple(str(words).split()) for id_, words in content["datasets"].items()},
            differs=tuple(map(str, content.get("differs", ()))),
            titles={number: str(table["title"]) for number, table in tables.items()},
            tables=rows,
            sources={number: str(table["source"]) for number, table in tables.items() if "source" in table},
            programs=programs,
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
    check_known("table", table, paper.tables, f"{paper.id} has no other table that can be run")
    found = []
    for value in published:
        source = paper.sources.get(table, paper.source)
        if value.source.partition(" ")[0] != source or value.table not in (table, f"Table {table}"):
            continue
        words = paper.tables[table].get((value.method, value.method_variant), "no file says how to measure it here")
        dataset = paper.datasets.get(value.dataset, f"no file says how to use {value.dataset} here")
        absent = next((reason for reason in (words, dataset) if isinstance(reason, str)), None)
        found.append(Cell(value, None if absent is not None else (*words, *dataset), absent or ""))
    if not found:
        raise DataError(
            f"published.csv holds no value of {paper.source}, Table {table}: restore it from the repository"
        )
    return found


@dataclass(frozen=True)
class Run:
    """The result of one line of settings.

    Attributes:
        folder: of the finished run, or None.
        reason: why there is none, in a few words.
        sentence: the same as a sentence for the user, with the remedy.
        stands_in: whether the run used another dataset than the words name.
        failed: whether a run was tried.
    """

    folder: RunFolder | None
    reason: str = ""
    sentence: str = ""
    stands_in: bool = False
    failed: bool = False

    @property
    def worth(self) -> dict[str, Any] | None:
        """The gain of selecting on tested subjects, see `mebench.runner.leak`; None if the run does not."""
        return None if self.folder is None else worth_of(self.folder)

    @property
    def honest(self) -> RunFolder | None:
        """The honest run of the same training, for a run that leaks."""
        found = self.worth
        return None if found is None or self.folder is None else RunFolder(self.folder.path.with_name(found["honest"]))


@dataclass(frozen=True)
class Result:
    """One cell, measured or not.

    Attributes:
        cell: the published value.
        value: measured under the paper's rules; None without a run.
        low: lower end of its interval, or None.
        high: upper end of its interval, or None.
        strict: the same score under `strict`, or None.
        run_id: of the run, or empty.
        why: explanation of the gap, or why there is no measured value.
        sentence: the remedy for a missing value; may be empty.
        failed: whether its run failed.
        leaking: if one training gave both, the score of the leaking run; else None.
        honest: likewise, the score of the honest run.
        worth: gain from the selection, see `mebench.runner.leak`.
        program: the selection in the method's program; may be empty.
        best_of: gain from choosing settings on the tested subjects, see `_best`.
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
    leaking: float | None = None
    honest: float | None = None
    worth: Mapping[str, Any] | None = None
    program: str = ""
    best_of: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Request:
    """The user's options besides the table.

    Attributes:
        words: for every run, after those of the paper.
        files: of settings.
        plugins: folders.
        stand_in: id of a dataset that replaces absent ones, followed by words of its own; None for no replacement.
        dry_run: run nothing.
        settings: also run the settings from which a selection on the tested subjects would choose.
    """

    words: Words = ()
    files: Words = ()
    plugins: Words = ()
    stand_in: str | None = None
    dry_run: bool = False
    settings: bool = False


def reproduce(
    paper: Paper, cells: Sequence[Cell], published: Sequence[Published], request: Request, progress: Progress
) -> list[Result]:
    """Measure cells; finished runs of the same key are reused, and one sweep runs the rest.

    Cells of a missing dataset are absent, each with the reason; the others continue.

    Raises:
        ConfigError: the user's words are wrong.
        MebenchError: an error that stops all runs, such as a full disk or Ctrl-C.
    """
    lines = list(dict.fromkeys(cell.words for cell in cells if cell.words))
    others: dict[Words, list[Words]] = {line: [] for line in lines}
    for line in lines if request.settings else ():
        names = {(cell.published.method, cell.published.method_variant) for cell in cells if cell.words == line}
        for name in names & paper.programs.keys():
            others[line] += [(*line, *setting) for setting in paper.programs[name].settings]
    runs = _runs([*lines, *(other for several in others.values() for other in several)], request, progress)
    best = {line: _best(runs[line], [runs[other] for other in several]) for line, several in others.items()}
    summaries: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
    folders = (folder for run in runs.values() for folder in (run.folder, run.honest) if folder is not None)
    for folder in {folder.id: folder for folder in folders}.values():
        config, own = folder.read_json("config.json")["config"], scores_of(folder)
        by_paper, strict = (
            own if own["convention"] == name else score(folder, int(config["seed"]), int(config["bootstrap"]), name)
            for name in (paper.convention, "strict")
        )
        summaries[folder.id] = by_paper, strict
    counts = {
        (row.dataset, section_of(row)): row
        for row in published
        if row.metric == "n" and row.source.partition(" ")[0] == paper.source
    }
    results = [_result(paper, cell, runs, summaries, counts, request) for cell in cells]
    return [replace(r, best_of=best.get(r.cell.words) if r.cell.words else None) for r in results]


def _best(default: Run, others: Sequence[Run]) -> dict[str, Any] | None:
    """Selection among several settings on tested subjects: their number, the best honest run, its UF1 and the gain.

    None unless all of them and the default have been run.
    """
    there = [folder for run in (default, *others) if (folder := run.honest or run.folder) is not None]
    if not others or len(there) <= len(others):
        return None
    scored = [scores_of(folder)["recognition"]["scores"]["uf1"]["value"] or 0.0 for folder in there]
    place = 1 + max(range(len(others)), key=lambda number: scored[number + 1])
    gain = differences(there[0], there[place], "strict")["recognition.uf1"]
    about = {"of": len(others), "run_id": there[place].id, "uf1": scored[place]}
    return {**about, "default": scored[0], "difference": gain}


def _runs(lines: Sequence[Words], request: Request, progress: Progress) -> dict[Words, Run]:
    """For each line of words its run; missing runs are computed together, equal ones once."""
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
        folder = runner.session.finished_run(plan)
        there = Run(folder, stands_in=stands_in)
        if folder is not None and ((honest := there.honest) is None or honest.done):
            found[line] = there
        elif request.dry_run:
            words = _standing_in(line, request) if stands_in else [*line, *request.words]
            would = f"it would be: {command('run', words, request.files, request.plugins)}"
            found[line] = Run(None, "not run yet", would)
        else:
            key = json.dumps(config.values, sort_keys=True, default=str)
            to_run.setdefault(key, (config, []))[1].append((line, stands_in))
    if to_run:
        outcomes = runner.sweep.sweep([config for config, _ in to_run.values()], progress)
        for (_, waiting), outcome in zip(to_run.values(), outcomes):
            failed = Run(None, "its run failed", str(outcome), failed=True)
            for line, stands_in in waiting:
                found[line] = failed if isinstance(outcome, MebenchError) else Run(outcome.folder, stands_in=stands_in)
    return found


def _standing_in(line: Words, request: Request) -> list[str]:
    """The words with another dataset, without the settings of the original one."""
    own = [word for word in (*line, *request.words) if not word.startswith(("dataset", "scheme="))]
    dataset, *words = shlex.split(request.stand_in or "")
    return [*own, f"dataset={dataset}", *words]


def _result(
    paper: Paper,
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
    program, honest = paper.programs.get((row.method, row.method_variant)), run.honest
    like = run.folder if honest is None or (program and program.leaks) else honest  # caveats of the published value
    by_paper, strict = (value_of(summary, row) for summary in summaries[like.id])
    if by_paper is None:
        return replace(nothing, why="absent: undefined here (0/0), or not scored by this run", run_id=like.id)
    value, low, high = by_paper
    there, here = counts.get((row.dataset, section_of(row))), count_of(summaries[like.id][0], row)
    other = (request.stand_in or "").partition(" ")[0]
    differ = there is not None and here is not None and round(here) != round(there.value)
    why = [
        f"{other} replaces {row.dataset}, so this is not a comparison" if run.stands_in else "",
        *(f"published value {caveat.replace('_', ' ')}" for caveat in row.caveats),
        row.note,
        f"{there.value:.0f} scored there, {here:g} here" if there and differ and not run.stands_in else "",
        "" if run.stands_in else gap_in_words(row, value, low, high),
    ]
    found = Result(cell, value, low, high, strict[0] if strict else None, like.id, "; ".join(filter(None, why)))
    if honest is None:
        return found
    sides = [value_of(summaries[folder.id][0], row) for folder in (run.folder, honest)]
    leaking, clean = (None if side is None else side[0] for side in sides)
    return replace(found, leaking=leaking, honest=clean, worth=run.worth, program=program.says if program else "")
