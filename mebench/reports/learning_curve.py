"""A score over the number of training people, and what twice as many would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from mebench.config import flatten_keys
from mebench.config.settings import shaping_values
from mebench.errors import ConfigError, RunError
from mebench.metrics.score_table import ScoreTable
from mebench.metrics.seed_means import by_chance, exact_mean, mean_ends, mean_summary
from mebench.output.number_format import format_number
from mebench.output.terminal import for_figure
from mebench.reports.plots import CURVE_COLORS, RULE, make_panels
from mebench.runs import RunFolder
from mebench.runs.scoring import current_summary, read_tables, select_dataset
from mebench.score_type import UNDEFINED, Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIED = ("seed", "protocol.train_people")
"""Settings in which the runs of a curve differ."""
DEFAULTS = ("recognition.uf1", "spotting.micro.f1", "spotting.macro.f1")
"""Scores of a curve, of which the first that the runs have is taken."""


@dataclass(frozen=True)
class LearningCurvePoint:
    """The score with one number of training people.

    Attributes:
        people: number of people who train in a fold.
        seeds: seeds of the runs.
        value: mean over the seeds.
        low: lower end of the mean's 95 % interval, drawn as on leaderboards; None where it has none.
        high: upper end; None where it has none.
    """

    people: int
    seeds: tuple[int, ...]
    value: float
    low: float | None
    high: float | None

    @property
    def score(self) -> Score:
        """The score with its interval, as other tables have it."""
        return Score(self.value, self.low, self.high)


@dataclass(frozen=True)
class LearningCurve:
    """A score over the number of training people.

    Attributes:
        metric: name of the score.
        points: points, with the fewest people first.
        gain: change with a doubling of the people: the slope of a line through the scores over the logarithm of the number, mean over
            seeds.
        lowest_gain: least slope of a seed.
        highest_gain: greatest slope of a seed.
    """

    metric: str
    points: tuple[LearningCurvePoint, ...]
    gain: float
    lowest_gain: float
    highest_gain: float

    def plain(self) -> dict[str, Any]:
        """The curve as plain data."""
        return asdict(self)

    @property
    def conclusion(self) -> str:
        """What a doubling added, and what another one would bring."""
        most = self.points[-1]
        n_seeds = len({seed for point in self.points for seed in point.seeds})
        spread = ""
        if n_seeds > 1:
            spread = f" ({format_number(self.lowest_gain)} to {format_number(self.highest_gain)} over {n_seeds} seeds)"
        return (
            f"each doubling of the training people changes {self.metric} by {format_number(self.gain, sign='+')}{spread}; "
            f"with {2 * most.people} people, "
            f"twice as many as {most.people}, it would be about {format_number(most.value + self.gain)} if the line goes on"
        )


def read_curve(folders: Sequence[RunFolder], metric: str | None = None) -> LearningCurve:
    """The learning curve of finished runs. They differ in seed and number of training people alone.

    Args:
        folders: runs, with `protocol.train_people` at two values or more.
        metric: name of the score, such as `recognition.uf1`; None takes the first of `DEFAULTS` that they have.

    Raises:
        ConfigError: the runs differ in another setting, lack the score, or have one number of people.
        RunError: a run is not finished.
    """
    _check_alike(folders)
    summaries = {folder: current_summary(folder) for folder in folders}
    name = metric or _first_default(summaries[folders[0]])
    runs: dict[int, dict[int, RunFolder]] = {}
    values: dict[int, dict[int, float]] = {}
    for folder, summary in summaries.items():
        score = _score_of(summary, name)
        if score is None or score.value is None:
            raise ConfigError(
                f"run {folder.id} has no score {name}: name another with --metric, as mebench runs show lists them"
            )
        people = _people_of(folder)
        seed = _settings_of(folder)["seed"]
        runs.setdefault(people, {})[seed] = folder
        values.setdefault(people, {})[seed] = score.value
    if len(runs) < 2:
        raise ConfigError(
            f"all {len(folders)} runs train on {next(iter(runs))} people, and a curve needs two numbers at least: run them with "
            "mebench run -m protocol.train_people=5,10,all …"
        )
    slopes = _slopes(values)
    points = tuple(_point(people, runs[people], summaries, name) for people in sorted(runs))
    return LearningCurve(name, points, float(np.mean(slopes)), min(slopes), max(slopes))


def _first_default(summary: Mapping[str, Any]) -> str:
    """The first of the usual scores that a summary has."""
    scored = [name for name in DEFAULTS if _score_of(summary, name) is not None]
    return scored[0] if scored else DEFAULTS[0]


def _check_alike(folders: Sequence[RunFolder]) -> None:
    """Refuse runs that differ in another setting than seed and number of training people."""
    if not folders:
        raise ConfigError("a curve needs runs: give their ids, or the beginnings of these")
    first, *others = [
        {key: value for key, value in shaping_values(_settings_of(folder)).items() if key not in VARIED}
        for folder in folders
    ]
    for folder, settings in zip(folders[1:], others):
        different = sorted(key for key in first.keys() | settings.keys() if first.get(key) != settings.get(key))
        if different:
            raise ConfigError(
                f"run {folder.id} differs from {folders[0].id} in {', '.join(different)}: a curve is of one method, dataset and "
                "protocol"
            )


def _settings_of(folder: RunFolder) -> dict[str, Any]:
    """The flat settings of a run."""
    return flatten_keys(folder.read_json("config.json")["config"])


def _people_of(folder: RunFolder) -> int:
    """The number of people who train or validate in a fold of a run. It is the median over folds.

    Raises:
        RunError: the run has no folds.
    """
    folds = folder.read_json("folds.json")["folds"]
    if not folds:
        raise RunError(f"run {folder.id} has no folds: finish it with mebench resume {folder.id}")
    return round(median(len(fold["train"]) + len(fold["valid"]) for fold in folds))


def _score_of(summary: Mapping[str, Any], name: str) -> Score | None:
    """A score of a summary by its name, or None."""
    return ScoreTable.read(summary).by_path().get(name)


def _point(
    people: int, of_seeds: Mapping[int, RunFolder], summaries: Mapping[RunFolder, Mapping[str, Any]], name: str
) -> LearningCurvePoint:
    """The point of the runs of some seeds."""
    folders = [of_seeds[seed] for seed in sorted(of_seeds)]
    scores = [_score_of(summaries[folder], name) or UNDEFINED for folder in folders]
    mean = scores[0] if len(folders) == 1 else _interval_of_mean(folders, scores, name)
    value = exact_mean([score.value for score in scores if score.value is not None])
    return LearningCurvePoint(people, tuple(sorted(of_seeds)), value, mean.low, mean.high)


def _interval_of_mean(folders: Sequence[RunFolder], scores: Sequence[Score], name: str) -> Score:
    """A score with the ends of the interval of the mean over seeds.

    A method that predicts by chance has the mean ends of its runs, as on leaderboards.

    Args:
        folders: run of each seed.
        scores: score of each.
        name: name of the score.
    """
    tables = [read_tables(folder) for folder in folders]
    if by_chance(tables):
        return mean_ends([{name: score} for score in scores])[name]
    first = folders[0]
    member = name.split(".")[1] if name.startswith("members.") else None
    if member is not None:
        tables = [select_dataset(table, member) for table in tables]
    convention = current_summary(first)["convention"]
    summary = mean_summary(tables, first.read_json("folds.json"), _settings_of(first), convention)
    return _score_of(summary if member is None else {"members": {member: summary}}, name) or UNDEFINED


def _slopes(values: Mapping[int, Mapping[int, float]]) -> list[float]:
    """The slope of each seed that has two numbers of people; of all seeds together where none has."""
    by_seed: dict[int, dict[int, float]] = {}
    for people, of_seeds in values.items():
        for seed, value in of_seeds.items():
            by_seed.setdefault(seed, {})[people] = value
    lines = [by_seed[seed] for seed in sorted(by_seed) if len(by_seed[seed]) > 1]
    if not lines:
        lines = [{people: float(np.mean([*of_seeds.values()])) for people, of_seeds in values.items()}]
    return [gain_of_doubling(line) for line in lines]


def gain_of_doubling(scores: Mapping[int, float]) -> float:
    """The change of a score with a doubling of the people: the slope of a line over the logarithm of their number.

    >>> round(gain_of_doubling({5: 0.3, 10: 0.4, 20: 0.5}), 6)
    0.1

    Args:
        scores: score by number of people, at least two.
    """
    return float(np.polyfit(np.log2(list(scores)), list(scores.values()), 1)[0])


def draw_curve(curve: LearningCurve) -> Figure:
    """The curve with its intervals, on a logarithmic axis of people."""
    figure, (axes,) = make_panels(5.5, 3.4)
    people = [point.people for point in curve.points]
    for point in curve.points:
        if point.low is not None and point.high is not None:
            axes.plot([point.people] * 2, [point.low, point.high], color=CURVE_COLORS[1], linewidth=1.4)
    axes.plot(people, [point.value for point in curve.points], "o-", color=CURVE_COLORS[1], markersize=5)
    axes.set_xscale("log", base=2)
    axes.set_xticks(people, [str(number) for number in people])
    axes.set_xlabel("training people")
    axes.set_ylabel(f"{for_figure(curve.metric)}, 95 % interval")
    axes.grid(color=RULE)
    axes.set_axisbelow(True)
    return figure
