"""The gain from selection on tested people, of runs and public answers, as a table."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, Self

from mebench.boards.row_scores import SCORING, single_score
from mebench.grouping import group_by
from mebench.metrics.compared_tables import compare_tables, with_one_score
from mebench.metrics.conventions import find_convention
from mebench.metrics.score_table import ScoreTable
from mebench.metrics.seed_means import exact_mean, over_seeds
from mebench.output.number_format import NONE, format_ends, format_span, format_table_number
from mebench.output.table import Column, Table
from mebench.records.matching_published import Alias, is_same_dataset
from mebench.records.published import PublishedValue
from mebench.records.record import Record
from mebench.records.recorded_settings import protocol_in_words
from mebench.result_cache import cached_result
from mebench.runner.selection_worth import worth_in_audit
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables
from mebench.score_type import UNDEFINED, Score
from mebench.shared_work import results_in_order

OF_GAINS = (*SCORING, "boards/selection_gains.py")
"""The code of the stored gains over seeds."""

SELECTED_SCORES = {
    "spotting.overall.f1": "F1 of intervals, overall",
    "spotting.micro.f1": "F1 of intervals, micro",
    "spotting.macro.f1": "F1 of intervals, macro",
    "recognition.uf1": "UF1 of clips",
}
"""Scores whose gain is shown, in words: for each run the first available one."""
COLUMNS = (
    "method",
    "dataset",
    "score",
    "year",
    "published",
    "leaking",
    "honest",
    "gain",
    "candidates",
    "seeds",
    "the paper's program",
)


@dataclass(frozen=True)
class SelectedRun:
    """A run with selection on the tested subjects.

    Attributes:
        record: the run.
        audited: the gains of its scores from the selection, and the number of candidates.
    """

    record: Record
    audited: Mapping[str, Any]

    @property
    def path(self) -> str | None:
        """The score whose gain is shown; None if there is none."""
        differences = self.audited["differences"]
        return next((path for path in SELECTED_SCORES if differences.get(path)), None)


@dataclass(frozen=True)
class Gain:
    """The gain in score from a choice on the tested people. It is that of one method, or of public answers under two
    rules.

    Attributes:
        method_id: id of the method, or the name of the system.
        method: its name with what distinguishes it.
        settings: its settings.
        place: dataset and protocol.
        dataset: the same in words, without a usual protocol.
        measure: the score, in words.
        year: year of the paper, or empty.
        published: the score that the paper prints.
        leaking: the score with the choice.
        honest: the score without it.
        score: their difference with its interval.
        candidates: number of epochs, times thresholds, to choose from.
        seeds: seeds, in words.
        program: the rule of the paper's own program.
    """

    method_id: str
    method: str
    settings: str
    place: tuple[str, str]
    dataset: str
    measure: str
    year: str
    published: str
    leaking: float
    honest: float
    score: Score
    candidates: str
    seeds: str
    program: str

    def make_cells(self) -> dict[str, str]:
        """The cells in the table of gains, by the names of `COLUMNS`."""
        return {
            "method": self.method,
            "dataset": self.dataset,
            "score": self.measure,
            "year": self.year,
            "published": self.published,
            "leaking": format_table_number(self.leaking),
            "honest": format_table_number(self.honest),
            "gain": f"{self.score.value:+.3f} {format_ends(self.score)}",
            "candidates": self.candidates,
            "seeds": self.seeds,
            "the paper's program": self.program,
        }

    def plain(self) -> dict[str, Any]:
        """The gain as JSON values."""
        values = {name: value for name, value in vars(self).items() if name not in ("place", "score", "method_id")}
        dataset, protocol = self.place
        gain = Score(self.score.value, *(self.score.ends or (None, None))).plain()
        places = {"dataset": dataset, "protocol": protocol, "in_words": self.dataset}
        return {"id": self.method_id, **values, **places, "gain": gain}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        """A gain from its JSON values."""
        others = ("id", "dataset", "protocol", "in_words", "gain")
        fields = {name: value for name, value in values.items() if name not in others}
        place = (values["dataset"], values["protocol"])
        return cls(
            method_id=values["id"],
            place=place,
            dataset=values["in_words"],
            score=Score.from_plain(values["gain"]),
            **fields,
        )


@dataclass(frozen=True)
class PrintedProgram:
    """What a paper prints for a method, and how its own program selects.

    Attributes:
        published: the printed UF1 over all clips.
        program: the selection of the program, in words.
    """

    published: PublishedValue
    program: str


Programs = Mapping[str, PrintedProgram]
"""The programs of papers by the ids of their methods here."""


def table_of_gains(gains: Iterable[Gain]) -> Table:
    """Gains as a table for people."""
    return Table.from_items(
        [Column(name) for name in COLUMNS], [gain.make_cells() for gain in gains], "What selection is worth"
    )


def selection_gains(
    records: Iterable[Record], programs: Programs, aliases: Sequence[Alias], given: Iterable[Gain] = ()
) -> list[Gain]:
    """The gains from selection on tested subjects, of runs and of public answers. Each belongs to a method with its
    settings on a dataset.

    Scores are UF1 over all clips, or F1 of spotted intervals; the leaking one belongs to the epoch that the run's rule
    keeps, the honest one to the last epoch of the same trainings. Over seeds each is a mean, and the interval of the
    mean gain is paired over subjects. Published values accompany runs of their
    dataset and protocol; protocols other than `loso` are named.

    Args:
        records: runs, among which those with selection on tested subjects count.
        programs: programs of papers.
        aliases: published datasets and protocols with the measured ones that match them.
        given: gains that others measured, such as those of public answers.
    """
    gains = [*_gains_of_runs(list(records), programs, aliases), *given]
    return sorted(gains, key=lambda gain: (gain.measure, gain.dataset, gain.method))


def _gains_of_runs(records: Sequence[Record], programs: Programs, aliases: Sequence[Alias]) -> list[Gain]:
    """The gain over all seeds of each method with selection on tested subjects."""
    known = {record.id: record for record in records}
    selected = []
    for record in records:
        audited = worth_in_audit(record.audit)
        if audited:
            selected.append(SelectedRun(record, audited))
    shown = [run for run in selected if run.path]
    of_identity = group_by(shown, key=lambda run: (run.record.identity, run.record.sender))
    gain_of = partial(_gain_of_runs, known=known, programs=programs, aliases=aliases)
    gains = results_in_order("gains", [*of_identity.values()], gain_of)
    return [gain for gain in gains if gain is not None]


def _gain_of_runs(
    runs: list[SelectedRun], known: Mapping[str, Record], programs: Programs, aliases: Sequence[Alias]
) -> Gain | None:
    """The gain of one method over its seeds; None if a score is undefined.

    Args:
        runs: runs that differ in the seed only.
        known: all runs by id, with the honest ones.
        programs: programs of papers.
        aliases: published datasets and protocols with the measured ones that match them.
    """
    runs = sorted(runs, key=lambda run: run.record.seed)
    first = runs[0].record
    path = str(runs[0].path)
    of_runs = [ScoreTable.read(run.record.summary).by_path()[path].value for run in runs]
    leaks = [value for value in of_runs if value is not None]
    gain = _gain_over_seeds(runs, path, known)
    if gain.value is None or len(leaks) < len(of_runs):
        return None
    protocol = str(first.config["protocol"])
    year = ""
    value = NONE
    program = NONE
    if path == "recognition.uf1" and first.method in programs:
        published = programs[first.method].published
        year = str(published.year or "")
        program = programs[first.method].program
        if is_same_dataset((published.dataset, published.protocol), first.dataset, protocol, aliases):
            value = f"{published.value:.{published.digits}f}"
    settings = re.sub(r"(^|; )audit=leak$", "", first.settings)  # the default rule of a leak
    if first.sender:
        settings = "; ".join(filter(None, [settings, f"sent by {first.sender}"]))
    fewest_and_most = [run.audited["looks"][end] for run, end in product(runs, ("least", "most"))]
    return Gain(
        method_id=first.method,
        method=f"{first.method} ({settings})" if settings else first.method,
        settings=first.settings,
        place=(first.dataset, protocol),
        dataset=first.dataset if protocol == "loso" else f"{first.dataset}, {protocol_in_words(first.config)}",
        measure=SELECTED_SCORES[path],
        year=year,
        published=value,
        leaking=exact_mean(leaks),
        honest=exact_mean(leaks) - gain.value,
        score=gain,
        candidates=format_span(fewest_and_most),
        seeds=", ".join(str(run.record.seed) for run in runs),
        program=program,
    )


def _gain_over_seeds(runs: Sequence[SelectedRun], path: str, known: Mapping[str, Record]) -> Score:
    """The mean gain over seeds, with its interval paired over subjects; without one if an honest run is not here."""
    gains = [run.audited["differences"][path] for run in runs]
    if len(runs) == 1:
        return single_score(Score.from_plain(gains[0]))
    honest = [known[run.audited["honest"]] for run in runs if run.audited["honest"] in known]
    if len(honest) < len(runs):
        return over_seeds(map(Score.from_plain, gains), UNDEFINED)
    leaking = [run.record for run in runs]
    contents = [[record.content for record in leaking], [record.content for record in honest]]
    mean_gain = cached_result(partial(_mean_gain, leaking, honest, path), OF_GAINS, path, contents)
    return over_seeds(map(Score.from_plain, gains), Score.from_plain(mean_gain))


def _mean_gain(leaking: Sequence[Record], honest: Sequence[Record], path: str) -> dict[str, Any]:
    """The mean over seeds of leaking less honest scores, with its interval, as plain data."""
    first = leaking[0]
    comparison = compare_tables(
        [read_tables(RunFolder(run.folder)) for run in leaking],
        [read_tables(RunFolder(run.folder)) for run in honest],
        kinds=first.about["kinds"],
        classes=first.about["classes"],
        convention=with_one_score(find_convention(first.convention), path),
        metrics=[path],
        permutations=1,
    )
    return comparison.scores[path].difference.plain()
