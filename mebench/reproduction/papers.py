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
from mebench.output.progress import Progress
from mebench.output.terminal import shell_command
from mebench.records.matching_published import Value, count_scored, gap_in_words, measured_value, section_keys
from mebench.records.published import PublishedValue
from mebench.reproduction.rescore import read_described
from mebench.runner import make_plan
from mebench.runner.selection_worth import score_differences, worth_of
from mebench.runs import RunFolder
from mebench.runs.scoring import current_summary, score_run

with lazy_imports():
    from mebench.runner import execute, session

Words = tuple[str, ...]


_FORM = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
_Words = Annotated[Words, BeforeValidator(lambda words: words.split() if isinstance(words, str) else words)]


@checked(frozen=True, config=_FORM)
class PrintedRow:
    """A row of a paper's table: how to run it here, and how the method's own program selects on the tested subjects.

    Attributes:
        method: name of the method in `leaderboards/published.csv`.
        variant: `method_variant` there.
        run: words of `mebench run`, without those of the dataset.
        absent: reason why the row is not run; a row with `run` and a reason takes too long to run with the others.
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
    def words_of_settings(self) -> list[Words]:
        """The words of each combination of `settings`."""
        if not self.settings:
            return []
        words_by_setting = []
        for name, options in self.settings.items():
            words_by_setting.append([f"{name}={value}" for value in options])
        return list(product(*words_by_setting))


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
    """A paper with the tables that can be run again.

    Attributes:
        id: name of its file, such as `mean2022`.
        title: its citation.
        source: its key in `leaderboards/published.csv`.
        datasets: words that choose its videos and classes, by dataset.
        tables: tables by their number.
        convention: rules that its own scores follow.
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
        sentence: reason as a sentence for the user, with the remedy.
        stands_in: whether the run used another dataset than the words name.
        failed: whether a run was tried.
    """

    folder: RunFolder | None
    reason: str = ""
    sentence: str = ""
    stands_in: bool = False
    failed: bool = False

    @property
    def selection_gain(self) -> dict[str, Any] | None:
        """The gain of selecting on tested subjects, see `mebench.runner.selection_worth`; None if the run does not."""
        return None if self.folder is None else worth_of(self.folder)

    @property
    def honest_run(self) -> RunFolder | None:
        """The honest run of the same training, for a run that leaks."""
        gain = self.selection_gain
        if gain is None or self.folder is None:
            return None
        return RunFolder(self.folder.path.with_name(gain["honest"]))


class RunSummaries(NamedTuple):
    """The summaries of one run, under the paper's convention and under `strict`."""

    by_paper: Mapping[str, Any]
    strict: Mapping[str, Any]


@dataclass(frozen=True)
class CellResult:
    """One cell, measured or not.

    Attributes:
        cell: the published value.
        measured: score under the paper's rules, with its interval; None without a run.
        strict: the same score under `strict`, or None.
        run_id: id of the run, or empty.
        why: explanation of the gap, or why there is no measured value.
        sentence: the remedy for a missing value; may be empty.
        failed: whether its run failed.
        leaking: if one training gave both, the score of the leaking run; else None.
        honest: score of the honest run of the same training; else None.
        worth: gain from the selection, see `mebench.runner.selection_worth`.
        best_of: gain from choosing settings on the tested subjects, see `_gain_of_choosing`.
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
        plugins: folders of plugins.
        stand_in: id of a dataset that replaces absent ones, followed by words of its own; None for no replacement.
        dry_run: whether nothing is run.
        settings: whether the settings are run, too, from which a selection on the tested subjects would choose.
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
            combinations = cell.row.words_of_settings if request.settings else ()
            other_settings[cell.words] = [(*cell.words, *combination) for combination in combinations]
    lines = [*other_settings, *chain.from_iterable(other_settings.values())]
    runs = run_lines(lines, request, progress)
    gains: dict[Words | None, dict[str, Any] | None] = {}
    for line, others in other_settings.items():
        gains[line] = _gain_of_choosing(runs[line], [runs[other] for other in others])
    summaries = _summaries_of_runs(runs.values(), paper.convention)
    of_paper = [row for row in published if row.source.partition(" ")[0] == paper.source]
    counts = {(row.dataset, section_keys(row)): row for row in of_paper if row.metric == "n"}
    return [_result_of_cell(cell, runs, summaries, counts, gains.get(cell.words), request) for cell in cells]


def _summaries_of_runs(runs: Iterable[PaperRun], convention: str) -> dict[str, RunSummaries]:
    """The summaries of runs and of their honest runs, by id."""
    folders = [folder for run in runs for folder in (run.folder, run.honest_run)]
    by_id = {folder.id: folder for folder in folders if folder is not None}
    summaries = {}
    for run_id, folder in by_id.items():
        summaries[run_id] = RunSummaries(_summary_under(folder, convention), _summary_under(folder, "strict"))
    return summaries


def _summary_under(folder: RunFolder, convention: str) -> Mapping[str, Any]:
    """The summary of a run under a convention: its own, if it has that one, else computed."""
    own = current_summary(folder)
    if own["convention"] == convention:
        return own
    config = folder.read_json("config.json")["config"]
    return score_run(folder, int(config["seed"]), int(config["bootstrap"]), convention)


def _gain_of_choosing(default: PaperRun, others: Sequence[PaperRun]) -> dict[str, Any] | None:
    """The gain of choosing among settings on tested subjects, and the chosen honest run.

    None unless all of them and the default have been run.
    """
    found = [run.honest_run or run.folder for run in (default, *others)]
    folders = [folder for folder in found if folder is not None]
    if not others or len(folders) < len(found):
        return None
    default_folder, *other_folders = folders
    default_uf1, *other_uf1 = [_uf1_of(folder) for folder in folders]
    best_uf1 = max(other_uf1)
    best_folder = other_folders[other_uf1.index(best_uf1)]
    return {
        "of": len(others),
        "run_id": best_folder.id,
        "uf1": best_uf1,
        "default": default_uf1,
        "difference": score_differences(default_folder, best_folder, "strict")["recognition.uf1"],
    }


def _uf1_of(folder: RunFolder) -> float:
    """The UF1 of recognition of a run; 0 if it is undefined."""
    return current_summary(folder)["recognition"]["scores"]["uf1"]["value"] or 0.0


@dataclass
class WaitingRun:
    """A configuration that is not run yet, and the lines that lead to it.

    Attributes:
        config: configuration of the run.
        lines: for each line, whether a stand-in replaces its dataset.
    """

    config: RunConfig
    lines: dict[Words, bool] = field(default_factory=dict)


def run_lines(lines: Sequence[Words], request: PaperRequest, progress: Progress) -> dict[Words, PaperRun]:
    """For each line of words its run; missing runs are computed together, equal ones once."""
    runs: dict[Words, PaperRun] = {}
    waiting: dict[str, WaitingRun] = {}
    methods = {_method_of(line) for line in lines}
    for line in lines:
        words = [*line, *_words_of_method(request.words, _method_of(line), methods)]
        try:
            config = resolve(words, request.files, request.plugins)
        except ConfigError as error:
            raise ConfigError(_with_method(str(error), line, request.words, methods)) from None
        stands_in = False
        try:
            plan = make_plan(config)
        except DataError as error:
            if request.stand_in is None:
                runs[line] = PaperRun(None, f"{config.dataset} is not here", str(error))
                continue
            stands_in = True
            words = _words_of_stand_in(words, request.stand_in)
            config = resolve(words, request.files, request.plugins)
            plan = make_plan(config)
        finished = PaperRun(session.finished_run(plan), stands_in=stands_in)
        lacks_honest_run = finished.honest_run is not None and not finished.honest_run.done
        if finished.folder is not None and not lacks_honest_run:
            runs[line] = finished
        elif request.dry_run:
            command = shell_command("run", words, request.files, request.plugins)
            runs[line] = PaperRun(None, "not run yet", f"it would be: {command}")
        else:
            key = json.dumps(config.values, sort_keys=True, default=str)
            waiting.setdefault(key, WaitingRun(config)).lines[line] = stands_in
    return runs | _run_together([*waiting.values()], progress)


def _run_together(waiting: Sequence[WaitingRun], progress: Progress) -> dict[Words, PaperRun]:
    """Run configurations in one sweep; the run of each line of words that leads to one of them."""
    if not waiting:
        return {}
    runs = {}
    outcomes = execute.execute_sweep([entry.config for entry in waiting], progress)
    for entry, outcome in zip(waiting, outcomes):
        for line, stands_in in entry.lines.items():
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
    gain: Mapping[str, Any] | None,
    request: PaperRequest,
) -> CellResult:
    """A cell with its measured value, and what explains the gap to the published one."""
    if cell.words is None:
        return CellResult(cell, why=f"absent: {cell.absent}")
    run = runs[cell.words]
    row = cell.published
    if run.folder is None:
        return CellResult(cell, why=f"absent: {run.reason}", sentence=run.sentence, failed=run.failed)
    honest = run.honest_run
    compared = run.folder if honest is None or cell.row.leaks else honest  # the run that does as the paper did
    measured = measured_value(summaries[compared.id].by_paper, row)
    strict = measured_value(summaries[compared.id].strict, row)
    if measured is None:
        return CellResult(cell, why="absent: undefined here (0/0), or not scored by this run", run_id=compared.id)
    reasons = []
    if run.stands_in:
        reasons.append(f"{str(request.stand_in).split()[0]} replaces {row.dataset}, so this is not a comparison")
    reasons += [f"published value {caveat.replace('_', ' ')}" for caveat in row.caveats]
    reasons.append(row.note)
    if not run.stands_in:
        n_scored = count_scored(summaries[compared.id].by_paper, row)
        reasons.append(_other_count_in_words(counts.get((row.dataset, section_keys(row))), n_scored))
        reasons.append(gap_in_words(row, *measured))
    result = CellResult(cell, measured, strict[0] if strict else None, compared.id, "; ".join(filter(None, reasons)))
    if honest is None:
        return result
    leaking = measured_value(summaries[run.folder.id].by_paper, row)
    clean = measured_value(summaries[honest.id].by_paper, row)
    return replace(
        result,
        leaking=leaking[0] if leaking else None,
        honest=clean[0] if clean else None,
        worth=run.selection_gain,
        best_of=gain,
    )


def _other_count_in_words(printed: PublishedValue | None, n_scored: float | None) -> str:
    """The printed and the measured number of scored items, if they differ; else empty."""
    if printed is None or n_scored is None or round(n_scored) == round(printed.value):
        return ""
    return f"{printed.value:.0f} scored there, {n_scored:g} here"
