"""Run a paper's tables again, and explain each difference from the printed values."""

import json
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, product
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, ConfigDict
from pydantic.dataclasses import dataclass as checked

from mebench.config import RunConfig, resolve
from mebench.errors import ConfigError, DataError, MebenchError, check_known
from mebench.lazy_imports import lazy_imports
from mebench.progress import Progress
from mebench.records.matching_published import Value, count_of, gap_in_words, section_of, value_of
from mebench.records.published import PublishedValue
from mebench.reproduction.rescore import read_described
from mebench.runner import make_plan
from mebench.runner.leak import score_differences, worth_of
from mebench.runs import RunFolder
from mebench.runs.scoring import current_summary, score_run
from mebench.terminal import shell_command

with lazy_imports():
    from mebench.runner import execute, session

Words = tuple[str, ...]


_FORM = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
_Words = Annotated[Words, BeforeValidator(lambda words: words.split() if isinstance(words, str) else words)]


@checked(frozen=True, config=_FORM)
class PrintedRow:
    """A row of a paper's table: how to run it here, and how the method's own program selects on the tested subjects.

    Attributes:
        method: as in `leaderboards/published.csv`.
        variant: `method_variant` there.
        run: words of `mebench run`, without those of the dataset.
        absent: the reason why the row is not run; one with words too takes too long to run with the others.
        program: the selection in words, according to the program's code or text; may be empty.
        leaks: whether the published value was selected so.
        settings: values of settings; a selection of settings on the tested subjects would take the best of them.
    """

    method: str
    variant: str = ""
    run: _Words = ()
    absent: str = ""
    program: str = ""
    leaks: bool = False
    settings: dict[str, Words] = field(default_factory=dict)

    @property
    def plugin(self) -> str:
        """Id of the corresponding method here; empty if there is none."""
        return self.run[0].removeprefix("method=") if self.run else ""

    @property
    def choices(self) -> list[Words]:
        """Words of the run of each combination of `settings`."""
        values = [[f"{name}={value}" for value in options] for name, options in self.settings.items()]
        return list(product(*values)) if values else []


UNKNOWN = PrintedRow("", absent="no file says how to measure it here")


@checked(frozen=True, config=_FORM)
class PrintedTable:
    """A table of a paper.

    Attributes:
        title: its title.
        rows: its methods.
        source: its key in `leaderboards/published.csv`, if it is not printed in the paper itself.
    """

    title: str
    rows: tuple[PrintedRow, ...]
    source: str = ""


@checked(frozen=True, config=_FORM)
class Paper:
    """A paper.

    Attributes:
        id: such as `mean2022`.
        title: its citation.
        source: its key in `leaderboards/published.csv`.
        datasets: words that choose its videos and classes, by dataset.
        tables: by number.
        convention: the rules that its own scores follow.
        differs: deviations of this reproduction from the paper, in sentences without a full stop.
    """

    id: str
    title: str
    source: str
    datasets: dict[str, _Words]
    tables: dict[str, PrintedTable]
    convention: str = "strict"
    differs: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaperCell:
    """One published value and how to measure it.

    Attributes:
        published: the value.
        words: words of `mebench run`; None if it cannot be run.
        absent: the reason, or empty.
        row: row of the paper's table.
    """

    published: PublishedValue
    words: tuple[str, ...] | None
    absent: str
    row: PrintedRow = UNKNOWN


def read_paper(folder: Path, name: str) -> Paper:
    """The paper of that name from `<folder>/<name>.yaml`.

    Raises:
        ConfigError: there is none.
        DataError: its file has another form.
    """
    return read_described("paper", Paper, folder, name)


def paper_cells(paper: Paper, table: str, published: Iterable[PublishedValue]) -> list[PaperCell]:
    """The cells of a table, in the order of the paper.

    Raises:
        ConfigError: the paper has no such table here.
    """
    check_known("table", table, paper.tables, f"{paper.id} has no other table that can be run")
    printed = paper.tables[table]
    collected = []
    rows = {(row.method, row.variant): row for row in printed.rows}
    for value in published:
        source = value.source.partition(" ")[0]
        if source != (printed.source or paper.source) or value.table not in (table, f"Table {table}"):
            continue
        row = rows.get((value.method, value.method_variant), UNKNOWN)
        dataset = paper.datasets.get(value.dataset)
        if row.absent or dataset is None:
            collected.append(PaperCell(value, None, row.absent or f"no file says how to use {value.dataset} here", row))
        else:
            collected.append(PaperCell(value, (*row.run, *dataset), "", row))
    if not collected:
        raise DataError(
            f"published.csv holds no value of {paper.source}, Table {table}: restore it from the repository"
        )
    return collected


@dataclass(frozen=True)
class PaperRun:
    """The result of one line of settings.

    Attributes:
        folder: folder of the finished run, or None.
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
        worth = self.worth
        return None if worth is None or self.folder is None else RunFolder(self.folder.path.with_name(worth["honest"]))


class RunSummaries(NamedTuple):
    """The summaries of one run, under the paper's convention and under `strict`."""

    by_paper: Mapping[str, Any]
    strict: Mapping[str, Any]


@dataclass(frozen=True)
class CellResult:
    """One cell, measured or not.

    Attributes:
        cell: the published value.
        measured: under the paper's rules, with its interval; None without a run.
        strict: the same score under `strict`, or None.
        run_id: id of the run, or empty.
        why: explanation of the gap, or why there is no measured value.
        sentence: the remedy for a missing value; may be empty.
        failed: whether its run failed.
        leaking: if one training gave both, the score of the leaking run; else None.
        honest: score of the honest run of the same training; else None.
        worth: gain from the selection, see `mebench.runner.leak`.
        best_of: gain from choosing settings on the tested subjects, see `_best`.
    """

    cell: PaperCell
    measured: Value | None = None
    strict: float | None = None
    run_id: str = ""
    why: str = ""
    sentence: str = ""
    failed: bool = False
    leaking: float | None = None
    honest: float | None = None
    worth: Mapping[str, Any] | None = None
    best_of: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class PaperRequest:
    """The user's options besides the table.

    Attributes:
        words: words for every run, after those of the paper.
        files: files of settings.
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


def reproduce_cells(
    paper: Paper,
    cells: Sequence[PaperCell],
    published: Sequence[PublishedValue],
    request: PaperRequest,
    progress: Progress,
) -> list[CellResult]:
    """Measure cells; finished runs of the same key are reused, and one sweep runs the rest.

    Cells of a missing dataset are absent, each with the reason; the others continue.

    Raises:
        ConfigError: the user's words are wrong.
        MebenchError: an error that stops all runs, such as a full disk or Ctrl-C.
    """
    other_settings: dict[Words, list[Words]] = {}
    for cell in cells:
        if cell.words:
            choices = cell.row.choices if request.settings else ()
            other_settings[cell.words] = [(*cell.words, *choice) for choice in choices]
    lines = [*other_settings, *chain.from_iterable(other_settings.values())]
    runs = run_lines(lines, request, progress)
    best: dict[Words | None, Any] = {}
    for line, others in other_settings.items():
        best[line] = _best(runs[line], [runs[other] for other in others])
    summaries = _summaries_of_runs(runs.values(), paper.convention)
    of_paper = [row for row in published if row.source.partition(" ")[0] == paper.source]
    counts = {(row.dataset, section_of(row)): row for row in of_paper if row.metric == "n"}
    return [_result_of_cell(cell, runs, summaries, counts, best.get(cell.words), request) for cell in cells]


def _summaries_of_runs(runs: Iterable[PaperRun], convention: str) -> dict[str, RunSummaries]:
    """The summaries of runs and of their honest runs, by id."""
    folders = [folder for run in runs for folder in (run.folder, run.honest)]
    by_id = {folder.id: folder for folder in folders if folder is not None}
    return {
        id_: RunSummaries(_summary_under(folder, convention), _summary_under(folder, "strict"))
        for id_, folder in by_id.items()
    }


def _summary_under(folder: RunFolder, convention: str) -> Mapping[str, Any]:
    """The summary of a run under a convention: its own, if it has that one, else computed."""
    own = current_summary(folder)
    if own["convention"] == convention:
        return own
    config = folder.read_json("config.json")["config"]
    return score_run(folder, int(config["seed"]), int(config["bootstrap"]), convention)


def _best(default: PaperRun, others: Sequence[PaperRun]) -> dict[str, Any] | None:
    """Selection among several settings on tested subjects: their number, the best honest run, its UF1 and the gain.

    None unless all of them and the default have been run.
    """
    found = [run.honest or run.folder for run in (default, *others)]
    folders = [folder for folder in found if folder is not None]
    if not others or len(folders) <= len(others):
        return None
    scored = [current_summary(folder)["recognition"]["scores"]["uf1"]["value"] or 0.0 for folder in folders]
    best = 1 + max(range(len(others)), key=lambda number: scored[number + 1])
    return {
        "of": len(others),
        "run_id": folders[best].id,
        "uf1": scored[best],
        "default": scored[0],
        "difference": score_differences(folders[0], folders[best], "strict")["recognition.uf1"],
    }


def run_lines(lines: Sequence[Words], request: PaperRequest, progress: Progress) -> dict[Words, PaperRun]:
    """For each line of words its run; missing runs are computed together, equal ones once."""
    runs: dict[Words, PaperRun] = {}
    to_run: dict[str, tuple[RunConfig, list[tuple[Words, bool]]]] = {}
    methods = {_method_of(line) for line in lines}
    for line in lines:
        words = [*line, *_words_of_method(request.words, _method_of(line), methods)]
        stands_in = False
        try:
            config = resolve(words, request.files, request.plugins)
        except ConfigError as error:
            raise ConfigError(_with_method(str(error), line, request.words, methods)) from None
        try:
            plan = make_plan(config)
        except DataError as error:
            if request.stand_in is None:
                runs[line] = PaperRun(None, f"{config.dataset} is not here", str(error))
                continue
            words = _words_of_stand_in(words, request.stand_in)
            stands_in = True
            config = resolve(words, request.files, request.plugins)
            plan = make_plan(config)
        finished = PaperRun(session.finished_run(plan), stands_in=stands_in)
        if finished.folder is not None and (finished.honest is None or finished.honest.done):
            runs[line] = finished
        elif request.dry_run:
            dry = shell_command("run", words, request.files, request.plugins)
            runs[line] = PaperRun(None, "not run yet", f"it would be: {dry}")
        else:
            key = json.dumps(config.values, sort_keys=True, default=str)
            to_run.setdefault(key, (config, []))[1].append((line, stands_in))
    return runs | _run_together([*to_run.values()], progress)


def _run_together(
    to_run: Sequence[tuple[RunConfig, Sequence[tuple[Words, bool]]]], progress: Progress
) -> dict[Words, PaperRun]:
    """Run configurations in one sweep; the run of each line of words that leads to one of them.

    Args:
        to_run: configurations, each with its lines and whether a stand-in replaces the dataset.
        progress: reports the progress.
    """
    if not to_run:
        return {}
    runs = {}
    outcomes = execute.execute_sweep([config for config, _ in to_run], progress)
    for (_, lines), outcome in zip(to_run, outcomes):
        for line, stands_in in lines:
            if isinstance(outcome, MebenchError):
                runs[line] = PaperRun(None, "its run failed", str(outcome), failed=True)
            else:
                runs[line] = PaperRun(outcome.folder, stands_in=stands_in)
    return runs


def _method_of(line: Words) -> str:
    """The method that the words of a run name."""
    return next((word.removeprefix("method=") for word in line if word.startswith("method=")), "")


def _words_of_method(words: Words, method: str, methods: Collection[str]) -> list[str]:
    """The user's words for one method of several, as in a sweep.

    >>> _words_of_method(("seed=1", "mean.lr=0.1", "softnet.lr=0.2"), "mean", {"mean", "softnet"})
    ['seed=1', 'method.lr=0.1']
    """
    chosen = []
    for word in words:
        head, dot, rest = word.partition(".")
        belongs_to_method = bool(dot) and head in methods
        if not belongs_to_method:
            chosen.append(word)
        elif head == method:
            chosen.append(f"method.{rest}")
    return chosen


def _with_method(reason: str, line: Words, words: Words, methods: Collection[str]) -> str:
    """A reason that stops a run, with the method that it concerns."""
    for_all = [word for word in words if word.startswith("method.")]
    if len(methods) < 2 or not for_all:
        return f"in the runs of {_method_of(line)}: {reason}"
    setting = for_all[0].removeprefix("method.")
    return (
        f"in the runs of {_method_of(line)}: {reason}; a setting of one method is written with its name, such as "
        f"{min(set(methods) - {_method_of(line)})}.{setting}"
    )


def _words_of_stand_in(words: Sequence[str], stand_in: str) -> list[str]:
    """The words of a run, with a stand-in for the dataset and its scheme."""
    dataset, *more = shlex.split(stand_in)
    kept = [word for word in words if not word.startswith(("dataset", "scheme="))]
    return [*kept, f"dataset={dataset}", *more]


def _result_of_cell(
    cell: PaperCell,
    runs: Mapping[Words, PaperRun],
    summaries: Mapping[str, RunSummaries],
    counts: Mapping[tuple[str, Words], PublishedValue],
    best: Mapping[str, Any] | None,
    request: PaperRequest,
) -> CellResult:
    """A cell with its measured value, and what explains the gap to the published one."""
    if cell.words is None:
        return CellResult(cell, why=f"absent: {cell.absent}")
    run = runs[cell.words]
    row = cell.published
    if run.folder is None:
        return CellResult(cell, why=f"absent: {run.reason}", sentence=run.sentence, failed=run.failed)
    honest = run.honest
    like = run.folder if honest is None or cell.row.leaks else honest  # the run that does as the paper did
    measured = value_of(summaries[like.id].by_paper, row)
    strict = value_of(summaries[like.id].strict, row)
    if measured is None:
        return CellResult(cell, why="absent: undefined here (0/0), or not scored by this run", run_id=like.id)
    reasons = []
    if run.stands_in:
        reasons.append(f"{str(request.stand_in).split()[0]} replaces {row.dataset}, so this is not a comparison")
    reasons += [f"published value {caveat.replace('_', ' ')}" for caveat in row.caveats]
    reasons.append(row.note)
    if not run.stands_in:
        n_scored = count_of(summaries[like.id].by_paper, row)
        reasons.append(_other_count_in_words(counts.get((row.dataset, section_of(row))), n_scored))
        reasons.append(gap_in_words(row, *measured))
    result = CellResult(cell, measured, strict[0] if strict else None, like.id, "; ".join(filter(None, reasons)))
    if honest is None:
        return result
    leaking = value_of(summaries[run.folder.id].by_paper, row)
    clean = value_of(summaries[honest.id].by_paper, row)
    return replace(
        result,
        leaking=leaking[0] if leaking else None,
        honest=clean[0] if clean else None,
        worth=run.worth,
        best_of=best,
    )


def _other_count_in_words(printed: PublishedValue | None, n_scored: float | None) -> str:
    """The printed and the measured number of scored items, if they differ; else empty."""
    if printed is None or n_scored is None or round(n_scored) == round(printed.value):
        return ""
    return f"{printed.value:.0f} scored there, {n_scored:g} here"
