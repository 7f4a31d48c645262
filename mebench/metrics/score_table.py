"""All scores of a summary as one long table, and the summary from the table.

A summary, in `summary.json` and in records, keeps its scores at many places of a tree. Whatever reads scores reads them
here, as lines of one form; the places in the tree stand in this file alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from mebench.grouping import group_by
from mebench.lazy_imports import load_lazily
from mebench.score_type import UNDEFINED, Score, is_plain_score

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = load_lazily("pandas")

Place = tuple[str, ...]
"""The keys that lead to a score in a summary."""

TASKS = ("spotting", "analysis", "recognition")
"""The tasks, in the order of tables."""
MAIN = "scores"
"""The group of the scores that leaderboards know."""
DETAILS = "details"
"""The group of further scores, which only reports and comparisons show."""
JOINT = "joint"
"""The group of scores over spotting and analysis together, such as `strs`."""
CHANCE = "chance"
"""The group of a level of chance; several levels have a name behind it, such as `chance.best_rate`."""
TRUE_POSITIVES = "true positives"
"""The part of analysis that joint scores stand before."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What is counted beside scores; None where it is not counted.

    Attributes:
        n: number of clips, of true positives, or of videos.
        tp: number of true positives of spotting; of a method that predicts by chance, as all counts, a mean over draws.
        fp: number of false positives.
        fn: number of misses.
    """

    n: float | None = None
    tp: float | None = None
    fp: float | None = None
    fn: float | None = None

    @property
    def scored(self) -> float:
        """The number of scored truths (spotting) or samples (other tasks).

        Raises:
            ValueError: a damaged summary does not say it.
        """
        if self.n is not None:
            return float(self.n)
        if self.tp is None or self.fn is None:
            raise ValueError(
                f"the summary must hold n, or tp and fn, beside its scores, but tp is {self.tp} and fn is {self.fn}"
            )
        return float(self.tp + self.fn)


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One score of a summary, and what it is a score of.

    Attributes:
        task: one of `TASKS`.
        part: kind of the expressions (spotting), `true positives` or `all intervals` (analysis); empty in recognition.
        member: dataset of a composite; empty for all together.
        fold: fold that is scored by itself; empty for all together.
        group: `MAIN`, `JOINT`, `DETAILS`, `f1_at_iou`, `frames`, or a level of `CHANCE`.
        metric: name of the metric; in `f1_at_iou` the threshold.
        score: value with its interval.
        counts: numbers of what the scores of this part rest on; none for a level of chance.
    """

    task: str
    part: str
    member: str
    fold: str
    group: str
    metric: str
    score: Score
    counts: Counts = Counts()

    @property
    def is_of_chance(self) -> bool:
        """Whether it is the score of a level of chance."""
        return self.group.startswith(CHANCE)

    @property
    def place(self) -> Place:
        """The keys that lead to the score in a summary."""
        if self.is_of_chance:
            return ("chance", self.part or self.task, *self.group.split(".")[1:], self.metric)
        place = _place_of_part(self)
        if self.group == JOINT:
            return (*place[:-1], self.metric)
        return (*place, *PLACE_OF_GROUP[self.group], self.metric)

    @property
    def path(self) -> str:
        """The dotted name, such as `spotting.micro.f1`, that settings and comparisons use.

        >>> ScoreLine("spotting", "micro", "", "", "scores", "f1", Score(0.5)).path
        'spotting.micro.f1'
        """
        return ".".join(key for key in self.place[:-1] if key != "scores") + f".{self.metric}"


PLACE_OF_GROUP: Mapping[str, Place] = {
    MAIN: ("scores",),
    DETAILS: ("details", "scores"),
    "f1_at_iou": ("details", "f1_at_iou"),
    "frames": ("details", "frames"),
}
"""The keys of each group within a part."""
_GROUP_OF_PLACE = {place: group for group, place in PLACE_OF_GROUP.items()}


@dataclass(frozen=True)
class ScoredPart:
    """The lines of a task and part that leaderboards know: the joint scores first, then the main ones.

    Attributes:
        task: one of `TASKS`.
        part: as in `ScoreLine`.
        member: dataset of a composite, or empty.
        fold: fold that is scored by itself, or empty.
        counts: numbers of what the scores rest on.
        scores: score of each metric.
        further: scores of the other groups, such as `DETAILS`, by group and metric.
    """

    task: str
    part: str
    member: str
    fold: str
    counts: Counts
    scores: Mapping[str, Score]
    further: Mapping[str, Mapping[str, Score]]

    @property
    def name(self) -> str:
        """The part, or the member whose recognition it is; empty for recognition as a whole."""
        return self.part or self.member


@dataclass(frozen=True)
class ScoreTable:
    """The scores of a summary, a line each.

    Attributes:
        lines: the lines, in the summary's order.
        others: content of the summary beside scores; None stands where a score does.
    """

    lines: tuple[ScoreLine, ...]
    others: Mapping[str, Any]

    def __iter__(self) -> Iterator[ScoreLine]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    @classmethod
    def read(cls, summary: Mapping[str, Any]) -> Self:
        """The table of a summary.

        >>> f1 = {"value": 0.5, "low": 0.4, "high": 0.6}
        >>> [line] = ScoreTable.read({"spotting": {"micro": {"tp": 3, "fp": 1, "fn": 2, "scores": {"f1": f1}}}})
        >>> line.task, line.part, line.metric, line.score.low, line.counts.tp
        ('spotting', 'micro', 'f1', 0.4, 3)
        """
        lines = []
        for keys, scores in _walk_scores(summary):
            where = _locate(keys)
            if where is not None:
                *_, group = where
                counts = _counts_beside(keys, group, summary)
                lines += [
                    ScoreLine(*where, metric, Score.from_plain(plain), counts) for metric, plain in scores.items()
                ]
        return cls(tuple(lines), _without_scores(summary, {line.place for line in lines}))

    def write(self) -> dict[str, Any]:
        """The summary of the table, each score at its place."""
        summary = _without_scores(self.others, frozenset())
        for line in self.lines:
            *keys, metric = line.place
            here = summary
            for key in keys:
                here = here.setdefault(key, {})
            here[metric] = line.score.plain()
        return summary

    def of_member(self, name: str) -> Self:
        """Spotting and analysis of one dataset of a composite, as its own table."""
        own = [line for line in self.lines if line.member == name and line.task != "recognition"]
        return type(self)(tuple(replace(line, member="") for line in own), self.others.get("members", {}).get(name, {}))

    def parts(self) -> list[ScoredPart]:
        """The parts of the summary as a whole, in the order of tables; those of recognition by member behind it.

        The spotting and analysis of a member are those of `of_member`.
        """
        by_part = group_by(filter(_is_of_whole, self.lines), key=lambda line: (line.task, line.part, line.member))
        parts = [_part_of_lines(lines) for lines in by_part.values()]
        return sorted((part for part in parts if part.scores), key=lambda part: TASKS.index(part.task))

    def beside(self, part: ScoredPart) -> Mapping[str, Any]:
        """The content of a part beside its scores, such as curves in its `details`."""
        here: Mapping[str, Any] = self.others
        for key in _place_of_part(part):
            here = here[key]
        return here

    def folds(self) -> list[ScoredPart]:
        """Recognition of each fold, where folds are scored by themselves."""
        by_fold = group_by([line for line in self.lines if line.fold], key=lambda line: line.fold)
        return [_part_of_lines(lines) for lines in by_fold.values()]

    def levels_of_chance(self, task: str, part: str = "") -> dict[str, dict[str, Score]]:
        """The scores of each level of chance of a part. A single level has no name.

        >>> f1 = {"value": 0.1, "low": None, "high": None}
        >>> ScoreTable.read({"chance": {"micro": {"best_rate": {"f1": f1}}}}).levels_of_chance("spotting", "micro").keys()
        dict_keys(['best_rate'])
        """
        levels: dict[str, dict[str, Score]] = {}
        for line in self.lines:
            if line.is_of_chance and (line.task, line.part) == (task, part):
                _, _, level = line.group.partition(".")
                levels.setdefault(level, {})[line.metric] = line.score
        return levels

    def chance_at(self, path: str) -> Score:
        """The level of chance of the score with a dotted name: the best one by this score; undefined where none is known."""
        line = next((line for line in self.lines if line.path == path and not line.member), None)
        if line is None:
            return UNDEFINED
        levels = [level.get(line.metric, UNDEFINED) for level in self.levels_of_chance(line.task, line.part).values()]
        return max(levels, key=lambda level: level.value or 0.0, default=UNDEFINED)

    def by_path(self) -> dict[str, Score]:
        """Every score by its dotted name, in the summary's order."""
        return {line.path: line.score for line in self.lines}

    def numbers(self) -> dict[str, float]:
        """All numbers of the summary by dotted name. Scores have ends; the bootstrap's book-keeping is left out."""
        others = {key: value for key, value in self.others.items() if key != "bootstrap"}
        return _flatten_numbers(others, {line.place: line for line in self.lines})

    def to_frame(self) -> pd.DataFrame:
        """The table as a data frame, a row for each line, named by its path."""
        rows = [_row_of_frame(line) for line in self.lines]
        frame = pd.DataFrame(rows, index=[line.path for line in self.lines], columns=[*FRAME_COLUMNS])
        return frame.astype(FRAME_COLUMNS).rename_axis("score")


FRAME_COLUMNS = {
    **dict.fromkeys(("value", "low", "high"), "float64"),
    **dict.fromkeys(("reason", "task", "part", "member", "fold", "group", "metric"), "object"),
    **dict.fromkeys(("n", "tp", "fp", "fn"), "float64"),
}
"""The columns of the table as a data frame, with their types."""


def _row_of_frame(line: ScoreLine) -> list[Any]:
    """The cells of a line, by `FRAME_COLUMNS`."""
    score, counts = line.score, line.counts
    dimensions = [line.task, line.part, line.member, line.fold, line.group, line.metric]
    return [
        *(score.value, score.low, score.high, score.reason or None),
        *dimensions,
        *(counts.n, counts.tp, counts.fp, counts.fn),
    ]


def _walk_scores(tree: Mapping[str, Any], place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Scores that stand side by side, with the keys that lead there."""
    scores = {key: value for key, value in tree.items() if is_plain_score(value)}
    if scores:
        yield place, scores
    for key, value in tree.items():
        if isinstance(value, dict) and key not in scores:
            yield from _walk_scores(value, (*place, key))


def _without_scores(tree: Mapping[str, Any], places: Set[Place], place: Place = ()) -> dict[str, Any]:
    """A summary with None instead of the scores at some places."""
    others: dict[str, Any] = {}
    for key, value in tree.items():
        here = (*place, key)
        if here in places:
            others[key] = None
        elif isinstance(value, dict):
            others[key] = _without_scores(value, places, here)
        else:
            others[key] = value
    return others


def _flatten_numbers(tree: Mapping[str, Any], lines: Mapping[Place, ScoreLine], place: Place = ()) -> dict[str, float]:
    """The numbers below a place of a summary by dotted name; undefined scores have none."""
    numbers: dict[str, float] = {}
    for key, value in tree.items():
        here = (*place, key)
        name = ".".join(part for part in here if part != "scores")
        if here in lines:
            score = lines[here].score
            ends = {name: score.value, f"{name}.low": score.low, f"{name}.high": score.high}
            numbers |= {end: float(number) for end, number in ends.items() if number is not None}
        elif isinstance(value, dict):
            numbers |= _flatten_numbers(value, lines, here)
        elif isinstance(value, int | float):
            numbers[name] = float(value)
    return numbers


def _locate(keys: Place) -> tuple[str, str, str, str, str] | None:
    """Task, part, member, fold and group of scores at a place; None where summaries have no scores.

    >>> _locate(("recognition", "members", "samm", "scores")), _locate(("chance", "micro", "as_many"))
    (('recognition', '', 'samm', '', 'scores'), ('spotting', 'micro', '', '', 'chance.as_many'))
    """
    member = fold = ""
    match keys:
        case ("chance", "recognition"):
            return "recognition", "", "", "", CHANCE
        case ("chance", "recognition", level):
            return "recognition", "", "", "", f"{CHANCE}.{level}"
        case ("chance", "analysis", level):
            return "analysis", "", "", "", f"{CHANCE}.{level}"
        case ("chance", kind, level):
            return "spotting", kind, "", "", f"{CHANCE}.{level}"
        case ("members", member, *rest):
            keys = tuple(rest)
        case ("recognition", "members", member, *rest):
            keys = ("recognition", *rest)
        case ("recognition", "folds", fold, *rest):
            keys = ("recognition", *rest)
    match keys:
        case ("analysis",):
            return "analysis", TRUE_POSITIVES, member, fold, JOINT
        case ("recognition", *below):
            task, part = "recognition", ""
        case ("spotting", part, *below):
            task = "spotting"
        case ("analysis", part, *below):
            task, part = "analysis", part.replace("_", " ")
        case _:
            return None
    group = _GROUP_OF_PLACE.get(tuple(below))
    return None if group is None else (task, part, member, fold, group)


def _place_of_part(line: ScoreLine | ScoredPart) -> Place:
    """The keys that lead to a part, or to that of a line."""
    if line.task == "recognition":
        below = [("members", line.member), ("folds", line.fold)]
        return ("recognition", *(key for named in below if named[1] for key in named))
    part = line.part.replace(" ", "_") if line.task == "analysis" else line.part
    return ("members", line.member, line.task, part) if line.member else (line.task, part)


def _counts_beside(keys: Place, group: str, summary: Mapping[str, Any]) -> Counts:
    """What is counted in the part that some scores belong to; for joint scores in that of the true positives."""
    if group.startswith(CHANCE):
        return Counts()
    place_of_part = (*keys, "true_positives") if group == JOINT else keys[: -len(PLACE_OF_GROUP[group])]
    part: Any = summary
    for key in place_of_part:
        part = part.get(key, {})
    return Counts(part.get("n"), part.get("tp"), part.get("fp"), part.get("fn"))


def _is_of_whole(line: ScoreLine) -> bool:
    """Whether a line is of all folds together; of members only those of recognition are."""
    is_of_dataset = bool(line.member) and line.task != "recognition"
    return not (line.is_of_chance or line.fold or is_of_dataset)


def _part_of_lines(lines: Sequence[ScoreLine]) -> ScoredPart:
    """The part of some lines that share task, part, member and fold."""
    first = lines[0]
    by_group = group_by(lines, key=lambda line: line.group)
    main = [*by_group.get(JOINT, ()), *by_group.get(MAIN, ())]
    return ScoredPart(
        first.task,
        first.part,
        first.member,
        first.fold,
        first.counts,
        {line.metric: line.score for line in main},
        {
            group: {line.metric: line.score for line in of_group}
            for group, of_group in by_group.items()
            if group not in (JOINT, MAIN)
        },
    )
