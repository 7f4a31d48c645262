"""A leaderboard's tables as objects: a table, its parts, and their rows, published lines and rescored answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from operator import attrgetter
from typing import Any, Self

from mebench.boards import row_facts
from mebench.boards.group_letters import split_letters
from mebench.boards.row_facts import RULES, VERSIONS
from mebench.core.dataset import DRAWN, UNLIKE_PUBLISHED
from mebench.grouping import group_by
from mebench.metrics.catalogue import METRICS
from mebench.records import recorded_settings
from mebench.score_type import UNDEFINED, Score

PRINTED = 4
"""Digits after the point, as papers print scores; also used for values next to them."""


def displayed_metrics(metrics: Sequence[str], rows: Sequence[BoardRow | Rescored]) -> list[str]:
    """The metrics that some row has, and always the main one."""
    main, *others = metrics
    return [main, *(metric for metric in others if _is_scored(metric, rows))]


def _is_scored(metric: str, rows: Sequence[BoardRow | Rescored]) -> bool:
    """Whether some row has a value of a metric."""
    return any(row.scores.get(metric, UNDEFINED).value is not None for row in rows)


def shared_facts(rows: Sequence[BoardRow]) -> dict[str, str]:
    """Rules, versions and remark that all measured rows share, without empty ones."""
    measured = [row for row in rows if row.measured]
    shared = {}
    for name in (*RULES, *VERSIONS):
        texts = {rule_or_version(row, name) for row in measured}
        if len(texts) == 1 and texts != {""}:
            shared[name] = texts.pop()
    remarks = {row.remark for row in measured}
    if len(remarks) == 1:
        shared["remark"] = remarks.pop()
    return shared


def settings_of_row(row: BoardRow, rows: Sequence[BoardRow]) -> str:
    """The settings and sender that distinguish a measured row from its method's others among `rows`; may be empty.

    Members of a composite need no settings, because they follow their composite.
    """
    if not row.measured:
        return ""
    settings = ""
    if not row.member:
        same_method = [other.settings for other in rows if other.method == row.method]
        settings = recorded_settings.distinguishing_settings(row.settings, same_method)
    return ", ".join(filter(None, [settings, row.sent_by]))


def rule_or_version(row: BoardRow, name: str) -> str:
    """One of a row's `RULES` or versions; empty if it has none."""
    return str(getattr(row, name)) if name in RULES else row.versions.get(name, "")


UNRANKED = "not ranked"
"""Beginning of the remark of a row that disagrees with known annotations, code or records, see `disagreements`."""
CHOSEN = "selected on test subjects"
MARKS = {
    UNRANKED: "it does not fit what is known here, or its method does not apply, as its remark says: it has no rank and is compared with "
    "no other row",
    DRAWN: "its data were drawn by mebench data fake: it says nothing about the real dataset",
    UNLIKE_PUBLISHED: "its copy of the dataset holds other numbers of people or expressions than the authors publish",
    CHOSEN: "something, such as the epoch, was chosen on the test subjects: the score is too good",
    **{fact.mark: fact.meaning for fact in row_facts.FACTS if fact.mark},
}
"""Words that follow the name of a row, and their meaning."""
QUIET = ("none of the kind", "none at all")
"""Videos without expressions, where every spotted interval is wrong."""


@dataclass(frozen=True, kw_only=True)
class ScoredRow:
    """What the rows that mebench scored have in common: those of runs and those of published answers. No kind of its own.

    Attributes:
        method: id of the method, with that of its recognizer after ` + `; the name of a level of chance; or, of published answers, its
            name in the literature.
        member: the member of a composite dataset, or empty.
        n: number of scored truths (spotting), true positives or videos (analysis), or clips (recognition); mean over
            seeds.
        scores: for each metric the mean over seeds with its interval, and the lowest and the highest seed; undefined if a run's
            value is.
        convention: rules of the scorer.
        causes: map from the cause of false positives of this kind to their number and the gain in F1 without it, means over
            seeds; from `missed` to the number of misses except near ones, and the gain in F1 without them. Causes that
            are not annotated or not recorded are absent.
        missed: share of the truths of this kind that are missed, by property (`length` …) and third (`short` …).
        quiet: map from the absent kind (see `QUIET`) to false positives a minute in the videos without it, and their
            minutes.
    """

    method: str
    member: str
    n: float
    scores: dict[str, Score]
    convention: str
    causes: dict[str, Sequence[float]] = field(default_factory=dict)
    missed: dict[str, dict[str, float]] = field(default_factory=dict)
    quiet: dict[str, Sequence[float]] = field(default_factory=dict)

    @property
    def found_causes(self) -> list[str]:
        """The causes with a false positive or a miss."""
        return [cause for cause, (n, _) in self.causes.items() if n]

    def plain_scores(self) -> dict[str, dict[str, float | None]]:
        """The scores as JSON values."""
        return {metric: score.plain_over_seeds() for metric, score in self.scores.items()}


@dataclass(frozen=True)
class HardestPeople:
    """The main score on the fifth of people hardest for a part.

    Attributes:
        score: the score with its interval.
        people: number of these people.
    """

    score: Score
    people: int

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self | None:
        """The score as files hold it; None for an empty map."""
        return cls(Score.from_plain(values), values["people"]) if values else None

    def plain(self) -> dict[str, Any]:
        """The score as JSON values."""
        return {"value": self.score.value, "low": self.score.low, "high": self.score.high, "people": self.people}


@dataclass(frozen=True, kw_only=True)
class BoardRow(ScoredRow):
    """A method with its settings, over all its seeds; or a level of chance.

    A kind of its own, because only here folds were run: it has seeds, costs, versions and runs, a rank, and tests against other rows.

    Attributes:
        settings: the non-default settings, in words.
        provenance: `measured`, or `chance` for intervals placed at random.
        seeds: seeds of the runs.
        selection: `inner` if something is chosen on inner validation subjects, `test` if on tested ones, else `fixed`.
        transductive: `video` if a test video's own unlabelled statistics enter its predictions, `database` if those of all tested clips
            enter the training, else `none`.
        costs: means over seeds of `fit_seconds` and `predict_seconds` of all folds, `predict_per_minute`, `parameters`, `peak_memory_mib`.
        versions: versions of mebench, Python, torch, the plugins' code and the dataset.
        runs: ids of the runs.
        remark: facts that a reader must know to compare.
        facts: further facts, by the names of `row_facts.FACTS`.
        group: letters; rows of a part that share a letter are not distinguishable. Empty without a test.
        ranks: the lowest and the highest rank in 95 % of bootstrap draws of people, among the rows of the part (and
            member) that have ranks.
        beats: the share of these draws in which it is better than each of these rows, in their order; a tie counts half.
        hardest: the main score on the hardest fifth of the people for these rows; None without one.
    """

    settings: str
    provenance: str
    seeds: tuple[int, ...]
    selection: str
    transductive: str
    costs: dict[str, float]
    versions: dict[str, str]
    runs: tuple[str, ...]
    remark: str
    facts: dict[str, Any] = field(
        default_factory=lambda: row_facts.with_seldom_left_out(
            dict.fromkeys((fact.name for fact in row_facts.FACTS), "")
        )
    )
    group: str = ""
    ranks: Sequence[int] = ()
    beats: Sequence[float] = ()
    hardest: HardestPeople | None = None

    def plain(self) -> dict[str, Any]:
        """The row as JSON values; each of its facts is a value of its own."""
        values: dict[str, Any] = {}
        for name, value in vars(self).items():
            if name == "facts":
                values |= value
            else:
                values[name] = value
        return {
            **values,
            "scores": self.plain_scores(),
            "hardest": {} if self.hardest is None else self.hardest.plain(),
        }

    @property
    def sent_by(self) -> str:
        """The sender of its records, in words; empty for the board's own."""
        sender = self.facts.get("sender")
        return f"sent by {sender}" if sender else ""

    @property
    def groups(self) -> list[str]:
        """Its significance groups as letters; after `z` comes `a1`."""
        return split_letters(self.group)

    @property
    def chosen_on_tested(self) -> bool:
        """Whether tested subjects shaped a choice or loaded weights, which makes the score too good."""
        return self.selection == "test" or bool(self.facts.get("pretrained_on_tested"))

    @property
    def may_know_tested(self) -> bool:
        """Whether a row loads or chose something that tested people may have shaped. Its score then holds no rank."""
        return self.chosen_on_tested or bool(self.facts.get("pretrained_on_unknown"))

    @property
    def unranked(self) -> bool:
        """Whether the row disagrees with known annotations, code or records."""
        return self.remark.startswith(f"{UNRANKED}: ")

    @property
    def measured(self) -> bool:
        """Whether a method ran; a level of chance is not a measurement."""
        return self.provenance == "measured"

    @property
    def marks(self) -> list[str]:
        """The marks after the name, see `MARKS`."""
        return [
            *(mark for mark in (UNRANKED, DRAWN, UNLIKE_PUBLISHED) if f"{mark}: " in self.remark),
            *([CHOSEN] if self.selection == "test" else []),
            *(fact.mark for fact in row_facts.FACTS if fact.mark and self.facts.get(fact.name)),
        ]


@dataclass(frozen=True)
class PublishedLine:
    """The values that one table of one source prints for one method; never sorted among measured rows.

    A kind of its own, because nothing was scored here: values are texts with the printed digits, each with its own caveats.

    Attributes:
        method: its name in the literature, with the variant.
        year: year of the method, or None.
        member: the member of a composite that it is restricted to, or empty.
        protocol: name of the protocol, as in `leaderboards/published.csv`.
        classes: number of emotion classes, or None if the source gives none.
        values: value of each metric with the printed digits, as text.
        caveats: some of `published.CAVEATS` for each metric.
        source: citation key, then DOI, arXiv number or address.
        table: table or section of the source.
        note: other facts that a reader must know.
    """

    method: str
    year: int | None
    member: str
    protocol: str
    classes: int | None
    values: dict[str, str]
    caveats: dict[str, tuple[str, ...]]
    source: str
    table: str
    note: str

    def caveats_in_words(self) -> str:
        """The caveats, with their metrics unless they apply to all values.

        >>> line = PublishedLine("a", None, "", "", None, {"f1": "0.1", "ap": "0.2"}, {"ap": ("unranked",)}, "s", "t", "")
        >>> line.caveats_in_words()
        'unranked (ap)'
        """
        metrics_of: dict[str, list[str]] = {}
        for metric in self.values:
            for caveat in self.caveats.get(metric, ()):
                metrics_of.setdefault(caveat, []).append(metric)
        words = []
        for caveat, metrics in metrics_of.items():
            of_all = len(metrics) == len(self.values)
            words.append(caveat if of_all else f"{caveat} ({', '.join(metrics)})")
        return "; ".join(words)


@dataclass(frozen=True, kw_only=True)
class Rescored(ScoredRow):
    """Scores of files that authors published: neither runs of mebench nor printed values, and sorted with neither.

    A kind of its own, because mebench scored the answers but ran nothing: it has scores and mistakes, but no seeds, costs or tests.

    Attributes:
        reading: the rules that score it, and whether intervals were moved.
        printed: the paper's value of some metrics, as text, with † for a caveat.
        source: name of its file in `leaderboards/rescored`.
        repository: address of the public files.
        commit: commit of the repository.
        note: facts that a reader must know.
        curve: false positives a minute and recall, by falling confidence; empty where no confidences tell intervals apart.
    """

    reading: str
    printed: dict[str, str]
    source: str
    repository: str
    commit: str
    note: str
    curve: Sequence[Sequence[float]] = ()
    measured = True  # pages show its scores as those of a run, since mebench counted them

    @property
    def address(self) -> str:
        """The public address of the files."""
        if not self.commit:
            return "answers sent in"
        return f"{self.repository.removeprefix('https://')}, commit {self.commit[:7]}"

    def plain(self) -> dict[str, Any]:
        """The row as JSON values."""
        return {**vars(self), "scores": self.plain_scores()}


@dataclass(frozen=True)
class Part:
    """Comparable rows: one kind of expressions, one choice of clips.

    Attributes:
        name: name of the part, such as `micro`, `true positives`, `members`.
        metrics: its columns; the first sorts.
        rows: best first; in composites by member, then best first.
        published: values printed by others for the same dataset, in the order of their sources.
        rescored: scores of files that authors published, in the order of their sources.
    """

    name: str
    metrics: tuple[str, ...]
    rows: tuple[BoardRow, ...]
    published: tuple[PublishedLine, ...] = field(default=())
    rescored: tuple[Rescored, ...] = field(default=())

    @property
    def causes(self) -> list[str]:
        """The causes of false positives in any row, by name, and `missed`."""
        causes = {cause for row in self.rows for cause in row.found_causes}
        return [*sorted(causes - {"missed"}), "missed"]

    def find_rivals(self, row: BoardRow) -> list[BoardRow]:
        """The rows to which a row's `beats` refers, including itself."""
        return [other for other in self.rows if other.ranks and other.member == row.member]

    def beats_next(self, row: BoardRow) -> float | None:
        """The share of draws in which a row is better than the next one; None for the last one."""
        rivals = [id(rival) for rival in self.find_rivals(row)]  # equal rows are different rivals
        if id(row) not in rivals[:-1]:
            return None
        return row.beats[rivals.index(id(row)) + 1]

    def plain(self) -> dict[str, Any]:
        """The part as JSON values."""
        return {
            **vars(self),
            "rows": [row.plain() for row in self.rows],
            "published": [vars(line) for line in self.published],
            "rescored": [row.plain() for row in self.rescored],
        }


@dataclass(frozen=True)
class BoardTable:
    """The results of one task on one dataset under one protocol.

    Attributes:
        name: name of its files, without ending.
        task: `spotting`, `analysis` or `recognition`.
        dataset: id of the dataset.
        protocol: name of the protocol.
        variant: the non-default settings of dataset, emotion scheme or convention, in words; each variant is a table of
            its own.
        scheme: the emotion scheme of analysis and recognition; empty for spotting.
        parts: at least one.
        board: title of the named board that shows it; empty for an experiment.
    """

    name: str
    task: str
    dataset: str
    protocol: str
    variant: str
    scheme: str
    parts: tuple[Part, ...]
    board: str = ""

    @property
    def title(self) -> str:
        """Its title: that of its named board, or what was run."""
        return self.board or self.settings_title

    @property
    def settings_title(self) -> str:
        """What was run: task, dataset, protocol and settings."""
        title = f"{self.task}: {self.dataset}, {self.protocol}"
        return f"{title} ({self.variant})" if self.variant else title

    def plain(self) -> dict[str, Any]:
        """The table as JSON values."""
        values = {column.name: getattr(self, column.name) for column in fields(self)}
        return {**values, "parts": [part.plain() for part in self.parts]}

    @cached_property
    def content(self) -> str:
        """Hash of all its values: stored texts and pages of tables are kept by it."""
        return hashlib.sha256(json.dumps(self.plain(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Ranked:
    """The place of a measured row among others, as a page shows it; or a row without a place, see `rank_rows`.

    No kind of row: the same row has other places in its table, on a named board and among chosen rows.

    Attributes:
        row: the row.
        rank: position from 1, by the main score; or None.
        low: its best possible rank: one more than the number of distinguishably better rows.
        high: its worst possible rank.
        pairs: rows of the same spotter with recognizers, which spot equally.
    """

    row: BoardRow
    rank: int | None
    low: int = 0
    high: int = 0
    pairs: tuple[BoardRow, ...] = ()


def rank_rows(part: Part, chance_ids: Collection[str] = (), join_pairs: bool = False) -> list[Ranked]:
    """The rows of a part with their ranks. Levels of chance, rows chosen on tested subjects, and rows without a main
    score appear unranked between them.

    Args:
        part: part of a table; each member of a composite is ranked separately.
        chance_ids: methods that are levels of chance.
        join_pairs: whether pairs with the same spotter go under its first row; spotting does not depend on the recognizer.
    """
    with_rank: list[BoardRow] = []
    pairs_of: dict[int, list[BoardRow]] = {}
    joined: set[int] = set()
    for row in part.rows:
        if not _has_rank(row, part.metrics[0], chance_ids):
            continue
        first_of_spotter = _row_of_same_spotter(row, with_rank) if join_pairs else None
        if first_of_spotter is None:
            with_rank.append(row)
        else:
            pairs_of.setdefault(id(first_of_spotter), []).append(row)
            joined.add(id(row))
    ranked_by_id: dict[int, Ranked] = {}
    for rivals in group_by(with_rank, key=attrgetter("member")).values():
        for rank, row in enumerate(rivals, 1):
            low, high = _possible_ranks(row, rivals, part.metrics[0])
            ranked_by_id[id(row)] = Ranked(row, rank, low, high, pairs=tuple(pairs_of.get(id(row), ())))
    return [ranked_by_id.get(id(row)) or Ranked(row, None) for row in part.rows if id(row) not in joined]


def _has_rank(row: BoardRow, metric: str, chance_ids: Collection[str]) -> bool:
    """Whether a row is a method with a fair main score."""
    is_scored = row.measured and row.scores[metric].value is not None
    return is_scored and not row.unranked and not row.may_know_tested and row.method not in chance_ids


def _row_of_same_spotter(row: BoardRow, others: Sequence[BoardRow]) -> BoardRow | None:
    """The first row that spots equally: a pair with a recognizer has its spotter's scores of spotting."""
    spotter, *recognizers = row.method.split(" + ")
    if not recognizers:
        return None
    for other in others:
        is_same_spotter = other.method.split(" + ")[0] == spotter
        if is_same_spotter and row.seeds == other.seeds and row.scores == other.scores:
            return other
    return None


def _possible_ranks(row: BoardRow, rivals: Sequence[BoardRow], metric: str) -> tuple[int, int]:
    """The best and the worst rank of a row, as far as rows are distinguishable."""
    worth = METRICS[metric].sort_key
    own = worth(row.scores[metric].value)
    distinguishable = [
        worth(other.scores[metric].value)
        for other in rivals
        if row.group and other.group and not {*row.groups} & {*other.groups}
    ]
    n_better = sum(value > own for value in distinguishable)
    n_worse = sum(value < own for value in distinguishable)
    return 1 + n_better, len(rivals) - n_worse


def standing_in_words(ranked_rows: Sequence[Ranked]) -> str:
    """The standing of a part's best row, in words. Rows that do not differ significantly have no winner.

    Args:
        ranked_rows: ranked rows of the part, best first; at least two.
    """
    lowest_rank_of_best = ranked_rows[0].high
    n_tied = lowest_rank_of_best - 1
    if not n_tied:
        return f"first of {len(ranked_rows)}"
    noun = "other" if n_tied == 1 else "others"
    return f"first of {len(ranked_rows)}, tied with {n_tied} {noun}"
