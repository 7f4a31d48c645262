"""The score of a rule that reads only the names of clips and videos.

Names of released clips and videos carry codes: of the stimulus that was shown, of the order of filming, of the class
itself (SMIC's `ne`, `po`, `sur`). A method that reads them gains without seeing a face, so this score is a level of
chance beside the commonest class and intervals at random frames.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from mebench.metrics.conventions import Convention, find_convention
from mebench.metrics.matching import overlap_pairs
from mebench.metrics.ratios import Bools, Floats, Indices
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables

CODE = re.compile(r"[^\W\d_]+|\d+")
"""A part of a name: letters, or digits, up to where the other begins. 's01_ne_02' has the parts s, 01, ne, 02."""
PARTS = 5
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


def _read(
    rows: pd.DataFrame,
    may: Bools,
    trained_on: Mapping[str, Sequence[str]],
    of: str,
    reads: Reads,
    worth: Callable[[Indices, Bools], float],
) -> Iterator[tuple[pd.Index, Bools, Bools, list[Indices], int]]:
    """For each dataset and group of training people: the index of the tested rows; masks of the rows that may be learnt from, of all
    datasets and of this one; for each place a code of each name's value there, -1 where the name has no such place; the place worth most.
    """
    places = range(max(map(len, rows["fields"]), default=1))
    codes = [_codes_at(n, rows["fields"]) for n in places]
    # Places whose values split the rows alike are worth the same, such as one code in all names and the number of rows.
    distinct = [n for n in places if not any(np.array_equal(codes[n], codes[m]) for m in range(n))]
    people = rows["subject"].map(lambda subject: tuple(sorted(trained_on[subject])))
    first_pieces = ("nothing", f"the rank among the person's {of}", f"the number of the person's {of}")
    group: Any
    for group, tested in rows.groupby([rows["dataset"], people]):
        dataset, training_people = group
        known = may & rows["subject"].isin(training_people).to_numpy()
        own = known & (rows["dataset"] == dataset).to_numpy()
        best = max(distinct, key=lambda place: worth(codes[place], own))
        piece = first_pieces[best] if best < len(first_pieces) else f"code {best - 2}"
        reads[dataset][piece] += tested["subject"].nunique()
        yield tested.index, known, own, codes, best


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

    def right(code: Indices, known: Bools) -> float:
        """How many known rows are answered right when each person is left out in turn."""
        of_person = pd.factorize(person * (len(code) + 1) + code)[0]
        others = counted(code, known)[code] - counted(of_person, known)[of_person]
        return float((answered(others, known) == label)[known].sum())

    for tested, known, own, codes, place in _read(rows, label >= 0, trained_on, of, reads, right):
        answers[tested] = answered(counted(codes[place], own)[codes[place]], own if own.any() else known)[tested]
    return [classes[answer] for answer in answers.tolist()]


def _intervals(
    rows: pd.DataFrame, truths: pd.DataFrame, trained_on: Mapping[str, Sequence[str]], rule: Convention, reads: Reads
) -> Iterator[tuple[int, int, int, float]]:
    """Row of the video, onset, offset and share of each interval of a kind.

    See `intervals_by_name`.
    """
    places = AnnotatedPlaces.from_videos(rows, truths, rule)
    everything = np.ones(len(rows), np.bool_)
    for tested, _, known, codes, best in _read(
        rows, everything, trained_on, "videos", reads, lambda code, own: places.best_share(code, own)[0]
    ):
        least = {place: places.best_share(codes[place], known)[1] for place in {0, best}}
        shown: dict[tuple[int, int], tuple[Indices, Floats]] = {}
        for row in tested:
            # Without a known video of the same value all of them count: place 0 holds the same value everywhere.
            has_same_value = (known & (codes[best] == codes[best][row])).any()
            place = best if has_same_value else 0
            value = int(codes[place][row])
            if (place, value) not in shown:
                shown[place, value] = places.measure_shares(codes[place], value, known)
            which, share = shown[place, value]
            kept = which[share >= least[place]]
            yield from zip([row] * len(kept), places.onset[kept], places.offset[kept], share)


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
        for truth in every:
            pairs = overlap_pairs(np.full_like(every, truth), every, ends, ends, rule)
            hits[truth, video[pairs.hits(rule.threshold, rule.reaching).truth]] = True
        return cls(person, video, *ends, hits)

    def measure_shares(self, code: Indices, value: int, known: Bools) -> tuple[Indices, Floats]:
        """Disjoint intervals in the known videos of a value, each with its share.

        It is the share of other people's such videos that the interval hits.

        Args:
            code: (n_videos,) value of each name at one place.
            value: value of the videos.
            known: (n_videos,) whether each may be learnt from.

        Returns:
            Rows of the intervals and their shares, the largest first.
        """
        inside = known & (code == value)
        same = np.flatnonzero(inside)
        own = np.flatnonzero(inside[self.video])
        is_of_others = self.person[self.video[own], None] != self.person[same]
        n_hit = (self.hits[np.ix_(own, same)] & is_of_others).sum(axis=1)
        share = n_hit / np.maximum(is_of_others.sum(axis=1), 1)
        chosen: list[int] = []
        remaining = share.copy()
        while remaining.max(initial=0) > 0:
            best = int(remaining.argmax())
            chosen.append(best)
            begins_before_its_end = self.onset[own] <= self.offset[own[best]]
            ends_after_its_begin = self.offset[own] >= self.onset[own[best]]
            remaining[begins_before_its_end & ends_after_its_begin] = 0
        return own[chosen], share[chosen]

    def best_share(self, code: Indices, known: Bools) -> tuple[float, float]:
        """The best F1 in known people, and the least share with which it is reached.

        People are left out in turn.
        """
        tries = [np.zeros((2, 0))]
        for part in range(PARTS):
            left_out = known & (self.person % PARTS == part)
            for value in np.unique(code[left_out]):
                which, share = self.measure_shares(code, value, known & ~left_out)
                right = self.hits[which][:, left_out & (code == value)]
                shares = np.broadcast_to(share[:, None], right.shape)
                tries.append(np.stack([shares, right]).reshape(2, -1))
        both = np.concatenate(tries, axis=1)
        share, right = both[:, np.argsort(-both[0], kind="stable")]
        # Intervals of one share are spotted together: only the last of them is a threshold.
        is_last = np.append(np.diff(share) != 0, True)[: len(share)]
        n_true = known[self.video].sum()
        f1 = is_last * 2 * right.cumsum() / (np.arange(1, len(share) + 1) + n_true)
        return max(zip(f1.tolist(), share.tolist()), default=(0.0, np.inf))
