"""The score of a rule that reads only the names of clips and videos.

Names of released clips and videos carry codes: of the stimulus that was shown, of the order of filming, of the class
itself (SMIC's `ne`, `po`, `sur`). A method that reads them gains without seeing a face, so this score is a level of
chance beside the commonest class and intervals at random frames.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from mebench.metrics.conventions import Convention, find_convention
from mebench.metrics.matching import AT_ONCE, overlap_pairs
from mebench.metrics.ratios import Bools, Floats, Indices
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables

CODE = re.compile(r"[^\W\d_]+|\d+")
"""A part of a name: letters, or digits, up to where the other begins. 's01_ne_02' has the parts s, 01, ne, 02."""
N_PARTS = 5
"""Number of cross-validation parts used to choose which piece of a name to read."""

Reads = defaultdict[str, Counter[str]]
"""For each dataset, the number of tested people for whom each piece of a name is read."""


def names_chance(
    tables: Tables,
    trained_on: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    kinds: Sequence[str] = (),
    convention: str | Convention = "strict",
) -> dict[str, Any]:
    """Score the classes of `answers_by_name` and the intervals of `intervals_by_name`.

    Args:
        tables: tables with clips or predictions, whose answers are ignored.
        trained_on: training subjects, see `answers_by_name`.
        classes: classes that are scored.
        kinds: kinds that are spotted.
        convention: rules.

    Returns:
        The sections of a summary, without intervals, and `reads`: for each section but `analysis` the part of names
        that is read, see `Reads`.
    """
    clips = tables.clips
    spotted = tables.predictions
    reads = dict[str, Reads]()
    if clips is not None:
        answers, reads["recognition"] = answers_by_name(tables, trained_on, classes)
        clips = clips.assign(predicted=answers)
    if spotted is not None:
        spotted, reads["spotting"] = intervals_by_name(tables, trained_on, classes, kinds, convention)
    answered = Tables(tables.videos, tables.truths, spotted, clips)
    return summarize(answered, kinds=kinds, classes=classes, seed=0, convention=convention, draws=0) | {"reads": reads}


def answers_by_name(
    tables: Tables, trained_on: Mapping[str, Sequence[str]], classes: Sequence[str]
) -> tuple[pd.Series, Reads]:
    """Answer every clip by its name alone.

    This is learnt from the names and classes of the training people of its fold.

    For each dataset one place of the name is read: a code (see `CODE`), the clip's rank among those of its person, or
    how many those are. A clip gets the commonest class of the training clips with the same value at this place; without
    such clips, that of the dataset's training clips, or else of all training clips. The place is the one that
    classifies most training clips right when each training person is left out in turn, so nothing is chosen on the
    tested people.

    Args:
        tables: tables with clips.
        trained_on: subjects that train in the fold of each tested subject, which is named as in `tables.videos`.
        classes: scored classes; of equally common ones the first is answered.

    Returns:
        The answers, by the index of `tables.clips`; and the parts of names that are read.
    """
    assert tables.clips is not None
    clips = tables.clips.sort_values("video", kind="stable")
    reads = Reads(Counter)
    rows = _rows(tables.videos, clips["video"])
    answers = _named(rows.assign(label=clips["truth"].to_numpy()), trained_on, classes, "clips", reads)
    return pd.Series(answers, clips.index), reads


def intervals_by_name(
    tables: Tables,
    trained_on: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    kinds: Sequence[str],
    convention: str | Convention = "strict",
) -> tuple[pd.DataFrame, Reads]:
    """Spot in every video by its name alone.

    Intervals are those of training videos with similar names.

    For each dataset and kind one place of the name is read, as in `answers_by_name` but of videos. An annotated
    interval of a training person is spotted if it hits an expression in a large enough share of the other people's
    videos with the same value; of overlapping ones, the one with the largest share. The place and the least share are
    those with the best F1 when a fifth of the training people is left out in turn. Without training videos of the same
    value, all of them count. Intervals are compared in frames from the start of the video, and one that ends beyond a
    video is not spotted in it. Micro-expressions get the class that `answers_by_name` would give.

    Args:
        tables: tables with videos and truths.
        trained_on: training subjects, see `answers_by_name`.
        classes: classes that are scored; without any nothing is named.
        kinds: kinds that are spotted.
        convention: rules by which an interval hits.

    Returns:
        The predictions, see `Tables`; their confidence is the share. And what is read, over all kinds.
    """
    rule = find_convention(convention)
    reads = Reads(Counter)
    videos = tables.videos.sort_values("video", ignore_index=True)
    rows = _rows(videos, videos["video"])
    names = videos["video"].tolist()
    lengths = videos["n_frames"].tolist()
    spotted: list[Any] = []
    for kind in kinds:
        of_kind = tables.truths[tables.truths["kind"] == kind]
        for video, onset, offset, share in _intervals(rows, of_kind, trained_on, rule, reads):
            if pd.isna(lengths[video]) or offset < lengths[video]:
                spotted.append((names[video], kind, onset, offset, share))
    predictions = pd.DataFrame(spotted, columns=["video", "kind", "onset", "offset", "confidence"])
    scored = tables.truths[(tables.truths["kind"] == "micro") & tables.truths["emotion"].isin(list(classes))]
    both = pd.concat([scored[["video", "emotion"]], predictions[["video"]]]).rename(columns={"emotion": "label"})
    both = both.merge(rows, on="video", how="left")
    emotions = _named(both, trained_on, classes, "videos", Reads(Counter))[len(scored) :] if len(scored) else None
    return predictions.assign(apex=np.nan, emotion=emotions, draw=0), reads


def _rows(videos: pd.DataFrame, of: pd.Series) -> pd.DataFrame:
    """`video`, `subject` and `dataset` of some videos, and the parts of their names.

    `fields` holds the value of a name at each place.
    """
    rows = of.to_frame("video").merge(videos[["video", "subject", "dataset"]], on="video", how="left")
    of_person = rows.groupby("subject")["video"]
    codes = (CODE.findall(video.rpartition("/")[2]) for video in of)
    numbers = zip((of_person.cumcount() + 1).tolist(), of_person.transform("size").tolist(), codes)
    fields: list[Any] = [(0, rank, number, *code) for rank, number, code in numbers]
    return rows.assign(fields=fields)


class FoldNames(NamedTuple):
    """The names of one dataset and one group of training people.

    Attributes:
        tested: rows that these people answer.
        known: (n_rows,) whether each may be learnt from, of all datasets.
        own: (n_rows,) whether each may be learnt from, of this dataset.
        best: number of the place that is worth most.
    """

    tested: Indices
    known: Bools
    own: Bools
    best: int


def _read(
    rows: pd.DataFrame,
    codes: Sequence[Indices],
    may: Bools,
    trained_on: Mapping[str, Sequence[str]],
    of: str,
    reads: Reads,
    worth: Callable[[int, Bools], float],
) -> Iterator[FoldNames]:
    """For each dataset and group of training people what its names tell.

    Args:
        rows: names, see `_rows`.
        codes: values of the names, see `_values_by_place`.
        may: (n_rows,) whether each may be learnt from where its person trains.
        trained_on: training subjects, see `answers_by_name`.
        of: name of the rows, such as `clips`.
        reads: counts of what is read, which grow.
        worth: worth of a place to learners who know some rows.
    """
    # Places whose values split the rows alike are worth the same, such as one code in all names and the number of rows.
    distinct = [n for n, code in enumerate(codes) if not any(np.array_equal(code, codes[m]) for m in range(n))]
    first_pieces = ("nothing", f"the rank among the person's {of}", f"the number of the person's {of}")
    person, names = pd.factorize(rows["subject"])
    home, datasets = pd.factorize(rows["dataset"])
    number_of = {name: number for number, name in enumerate(names)}
    training_of = {name: tuple(sorted(trained_on[name])) for name in names}
    in_order = {people: number for number, people in enumerate(sorted(set(training_of.values())))}
    group_of = {name: in_order[people] for name, people in training_of.items()}
    group: Any
    for group, tested in rows.groupby([rows["dataset"], rows["subject"].map(group_of)]):
        dataset = group[0]
        training_people = training_of[tested["subject"].iloc[0]]
        trains = np.zeros(len(names), np.bool_)
        trains[[number_of[name] for name in training_people if name in number_of]] = True
        known = may & trains[person]
        own = known & (home == datasets.get_loc(dataset))
        best = max(distinct, key=lambda place: worth(place, own))
        piece = first_pieces[best] if best < len(first_pieces) else f"code {best - 2}"
        reads[dataset][piece] += tested["subject"].nunique()
        yield FoldNames(tested.index.to_numpy(), known, own, best)


def _values_by_place(fields: pd.Series) -> list[Indices]:
    """For each place a code of each name's value there, (n_rows,); -1 where the name has no such place."""
    return [_codes_at(place, fields) for place in range(max(map(len, fields), default=1))]


def _codes_at(place: int, fields: Iterable[Sequence[str]]) -> Any:
    """A code of each name's value at a place; -1 without such a place."""
    values: list[str | None] = []
    for own in fields:
        value = own[place] if place < len(own) else None
        values.append(value)
    codes, _ = pd.factorize(np.array(values, object))
    return codes


def _named(
    rows: pd.DataFrame, trained_on: Mapping[str, Sequence[str]], classes: Sequence[str], of: str, reads: Reads
) -> list[str]:
    """The answers to rows, see `answers_by_name`; their classes are known where `label` is no missing value."""
    label = pd.Index(classes).get_indexer(pd.Index(rows["label"]))
    person = pd.factorize(rows["subject"])[0]
    codes = _values_by_place(rows["fields"])
    codes_of_persons = [pd.factorize(person * (len(rows) + 1) + code)[0] for code in codes]
    answers = np.zeros(len(rows), np.int64)

    def counted(code: Indices, known: Bools) -> Indices:
        """The classes of the known rows by code; none for -1."""
        counts = np.zeros((code.max(initial=0) + 2, len(classes)), np.int64)
        np.add.at(counts, (code[known], label[known]), 1)
        counts[-1] = 0
        return counts

    def answered(counts: Indices, known: Bools) -> Indices:
        commonest = np.bincount(label[known], minlength=len(classes)).argmax()
        return np.where(counts.max(axis=1) > 0, counts.argmax(axis=1), commonest)

    def right(place: int, known: Bools) -> float:
        """How many known rows are answered right when each person is left out in turn."""
        code = codes[place]
        of_person = codes_of_persons[place]
        others = counted(code, known)[code] - counted(of_person, known)[of_person]
        return float((answered(others, known) == label)[known].sum())

    for tested, known, own, place in _read(rows, codes, label >= 0, trained_on, of, reads, right):
        code = codes[place]
        answers[tested] = answered(counted(code, own)[code[tested]], own if own.any() else known)
    return [classes[answer] for answer in answers.tolist()]


def _intervals(
    rows: pd.DataFrame, truths: pd.DataFrame, trained_on: Mapping[str, Sequence[str]], rule: Convention, reads: Reads
) -> Iterator[tuple[int, int, int, float]]:
    """Row of the video, onset, offset and share of each interval of a kind.

    See `intervals_by_name`.
    """
    annotated = AnnotatedPlaces.from_videos(rows, truths, rule)
    codes = _values_by_place(rows["fields"])
    alike = [AlikeVideos.from_values(annotated, code) for code in codes]
    everything = np.ones(len(rows), np.bool_)
    least = dict[int, float]()  # by place, for the people whose worth was asked for last

    def worth(place: int, own: Bools) -> float:
        """The best F1 in the known people."""
        f1, least[place] = alike[place].best_share(annotated.people_of(own))
        return f1

    for tested, _, own, best in _read(rows, codes, everything, trained_on, "videos", reads, worth):
        people = annotated.people_of(own)
        # Without a known video of the same value all of them count: place 0 holds the same value everywhere.
        has_same_value = np.isin(codes[best][tested], codes[best][own])
        places = np.where(has_same_value, best, 0).tolist()
        shown = {place: alike[place].measure_shares(people, codes[place][tested]) for place in set(places)}
        for row, place in zip(tested.tolist(), places):
            which, share = shown[place][int(codes[place][row])]
            kept = which[share >= least[place]]
            yield from zip([row] * len(kept), annotated.onset[kept], annotated.offset[kept], share)


@dataclass(frozen=True)
class AnnotatedPlaces:
    """Annotated intervals of one kind as positions for intervals in other videos.

    Attributes:
        person: (n_videos,) number of the person of each video.
        video: (n_truths,) row of the video of each interval.
        onset: (n_truths,) onsets.
        offset: (n_truths,) offsets.
        hits: (n_truths, n_videos) whether an interval there would hit an expression of the video.
    """

    person: Indices
    video: Indices
    onset: Indices
    offset: Indices
    hits: Bools

    @classmethod
    def from_videos(cls, rows: pd.DataFrame, truths: pd.DataFrame, rule: Convention) -> Self:
        """The intervals of all videos, compared with each other."""
        person = pd.factorize(rows["subject"])[0]
        video = pd.Index(rows["video"]).get_indexer(pd.Index(truths["video"]))
        ends = truths["onset"].to_numpy(np.int64), truths["offset"].to_numpy(np.int64)
        every = np.arange(len(truths))
        hits = np.zeros((len(truths), len(rows)), np.bool_)
        for some in np.array_split(every, 1 + len(every) ** 2 // AT_ONCE):
            pairs = overlap_pairs(np.repeat(some, len(every)), np.tile(every, len(some)), ends, ends, rule)
            hit = pairs.hits(rule.threshold, rule.reaching)
            hits[hit.prediction, video[hit.truth]] = True
        return cls(person, video, *ends, hits)

    def people_of(self, is_chosen: Bools) -> Bools:
        """(n_people,) whether each is seen in one of some videos, (n_videos,)."""
        people = np.zeros(self.n_people, np.bool_)
        people[self.person[is_chosen]] = True
        return people

    @property
    def n_people(self) -> int:
        """The number of people."""
        return int(self.person.max(initial=-1)) + 1


@dataclass(frozen=True)
class SumsOfPeople:
    """Numbers of people, summed over those who are known.

    Each part of the cross-validation (see `N_PARTS`) has a sum of its own.

    Attributes:
        of_people: (n_people, …) numbers.
    """

    of_people: Indices

    @cached_property
    def _of_all(self) -> Indices:
        """(N_PARTS, …) sums over all people."""
        return self._add_up(np.ones(len(self.of_people), np.bool_))

    def over(self, is_known: Bools) -> Indices:
        """(N_PARTS, …) sums over the known people. Where most are known, the others are taken from the sums over all.

        Args:
            is_known: (n_people,) whether each is known.
        """
        if 2 * is_known.sum() < len(is_known):
            return self._add_up(is_known)
        return self._of_all - self._add_up(~is_known)

    def _add_up(self, is_chosen: Bools) -> Indices:
        """(N_PARTS, …) sums over some people."""
        part = np.arange(len(is_chosen)) % N_PARTS
        sums = [self.of_people[is_chosen & (part == n)].sum(axis=0, dtype=np.int64) for n in range(N_PARTS)]
        return np.stack(sums)


@dataclass(frozen=True)
class AlikeVideos:
    """Videos whose names have the same value at one place, and which intervals hit them.

    Attributes:
        annotated: annotated intervals.
        value: (n_truths,) value of the video of each interval, from 0.
        videos: numbers (n_people, n_values) of each person's videos of each value.
        hit: numbers (n_people, n_truths) of each person's videos, of the value of the interval's own video, that an
            interval hits; 0 for the interval's own person.
    """

    annotated: AnnotatedPlaces
    value: Indices
    videos: SumsOfPeople
    hit: SumsOfPeople

    @classmethod
    def from_values(cls, annotated: AnnotatedPlaces, code: Indices) -> Self:
        """The videos by one place.

        Args:
            annotated: annotated intervals.
            code: (n_videos,) value of each name at the place; -1 without.
        """
        n_people = annotated.n_people
        value = code + 1
        videos = np.zeros((n_people, value.max(initial=0) + 1), np.int64)
        np.add.at(videos, (annotated.person, value), 1)
        fewest_bytes = np.min_scalar_type(videos.sum(axis=1).max(initial=0))
        by_person = np.argsort(annotated.person, kind="stable")
        first_of_person = np.searchsorted(annotated.person[by_person], np.arange(n_people))
        hit = np.zeros((n_people, len(annotated.video)), fewest_bytes)
        every = np.arange(len(annotated.video))
        for some in np.array_split(every, 1 + annotated.hits.size // AT_ONCE) if len(every) else ():
            video = annotated.video[some]
            is_hit = annotated.hits[some] & (value[video, None] == value)
            hit[:, some] = np.add.reduceat(is_hit[:, by_person], first_of_person, axis=1, dtype=fewest_bytes).T
            hit[annotated.person[video], some] = 0
        return cls(annotated, value[annotated.video], SumsOfPeople(videos), SumsOfPeople(hit))

    def measure_shares(self, people: Bools, codes: Indices) -> dict[int, tuple[Indices, Floats]]:
        """Disjoint intervals in the videos of each of some values, each with its share.

        It is the share of other people's such videos that the interval hits.

        Args:
            people: (n_people,) whether each is known; intervals come from those.
            codes: values of the names, -1 for names without.

        Returns:
            For each value the numbers of the intervals and their shares, the largest first.
        """
        share = self._shares(self.hit.over(people).sum(axis=0), self.videos.over(people).sum(axis=0))
        is_asked = np.zeros(self.videos.of_people.shape[1], np.bool_)
        is_asked[codes + 1] = True
        chosen = self._choose_disjoint(share, people[self._person] & is_asked[self.value])
        value = self.value[chosen]
        found = {}
        for code in np.unique(codes).tolist():
            of_value = chosen[value == code + 1]
            found[code] = of_value, share[of_value]
        return found

    def best_share(self, people: Bools) -> tuple[float, float]:
        """The best F1 in known people, and the least share with which it is reached.

        People are left out in turn.

        Args:
            people: (n_people,) whether each is known.
        """
        hit = self.hit.over(people)
        videos = self.videos.over(people)
        is_known = people[self._person]
        tries = [np.zeros((3, 0))]
        for part in range(N_PARTS):
            share = self._shares(hit.sum(axis=0) - hit[part], videos.sum(axis=0) - videos[part])
            is_learnt = is_known & (self._person % N_PARTS != part) & (videos[part] > 0)[self.value]
            chosen = self._choose_disjoint(share, is_learnt)
            tries.append(np.stack([share[chosen], hit[part, chosen], videos[part, self.value[chosen]]]))
        together = np.concatenate(tries, axis=1)
        share, right, spotted = together[:, np.argsort(-together[0], kind="stable")]
        # Intervals of one share are spotted together: only the last of them is a threshold.
        is_last = np.append(np.diff(share) != 0, True)[: len(share)]
        f1 = is_last * 2 * right.cumsum() / (spotted.cumsum() + is_known.sum())
        return max(zip(f1.tolist(), share.tolist()), default=(0.0, np.inf))

    @cached_property
    def _person(self) -> Indices:
        """(n_truths,) number of the person of each interval."""
        return self.annotated.person[self.annotated.video]

    @cached_property
    def _own_videos(self) -> Indices:
        """(n_truths,) number of videos of the same person and value as each interval's."""
        return self.videos.of_people[self._person, self.value]

    @cached_property
    def _by_value(self) -> Indices:
        """(n_truths,) the intervals by value."""
        return np.argsort(self.value, kind="stable")

    def _shares(self, hit: Indices, videos: Indices) -> Floats:
        """(n_truths,) share of the videos of other people that each interval hits; for those of people who are known.

        Args:
            hit: (n_truths,) number of videos that each hits.
            videos: (n_values,) number of videos of each value.
        """
        of_others = videos[self.value] - self._own_videos
        return np.asarray(hit / np.maximum(of_others, 1))

    def _choose_disjoint(self, share: Floats, may: Bools) -> Indices:
        """Intervals that share no frame with a chosen one of the same value: those with the largest shares, first come first.

        Args:
            share: (n_truths,) share of each; without one it is not chosen.
            may: (n_truths,) whether each may be chosen.
        """
        onset, offset = self.annotated.onset, self.annotated.offset
        remaining = self._by_value[((share > 0) & may)[self._by_value]]
        rounds = [np.zeros(0, np.intp)]
        while len(remaining):
            value = self.value[remaining]
            first = np.flatnonzero(np.diff(value, prepend=-1))
            length = np.diff(first, append=len(value))
            largest = np.repeat(np.maximum.reduceat(share[remaining], first), length)
            largest_ones = np.flatnonzero(share[remaining] == largest)
            is_first = np.diff(value[largest_ones], prepend=-1) > 0
            best = remaining[largest_ones[is_first]]
            rounds.append(best)
            chosen = np.repeat(best, length)
            is_before = offset[remaining] < onset[chosen]
            is_behind = onset[remaining] > offset[chosen]
            remaining = remaining[is_before | is_behind]
        return np.concatenate(rounds)
