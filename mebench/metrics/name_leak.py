"""How much names give away: the score of a rule that reads only names.

Names of released clips and videos carry codes: of the stimulus that was shown, of the order of filming, of the class itself (SMIC's
`ne`, `po`, `sur`). A method that reads them learns what no face says, so their worth is a level of chance beside the commonest class and
intervals at random places.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.metrics.conventions import Convention, named
from mebench.metrics.matching import overlap
from mebench.metrics.ratios import Bools, Floats, Indices
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables

CODE = re.compile(r"[^\W\d_]+|\d+")
"""A part of a name: letters, or digits, up to where the other begins. 's01_ne_02' has the parts s, 01, ne, 02."""
PARTS = 5
"""Parts of the training people, each of which is left out once where it is chosen what of a name is read for spotting."""

_Row = tuple[str, str, str, tuple[Hashable, ...]]
"""Dataset, person, class, and what the name says at each place."""
Reads = dict[str, dict[str, int]]
"""For each dataset, for how many tested people what of a name is read."""


def names_chance(
    tables: Tables,
    trained_on: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    kinds: Sequence[str] = (),
    convention: str | Convention = "strict",
) -> dict[str, Any]:
    """Score what `answers_by_name` names, and what `intervals_by_name` spots.

    Args:
        tables: with clips, or with predictions; their answers are not looked at.
        trained_on: see `answers_by_name`.
        classes: that are scored.
        kinds: that are spotted.
        convention: the rules.

    Returns:
        The sections of a summary, without intervals, and `reads`: for each section but `analysis` what is read of names, see `Reads`.
    """
    clips, spotted, reads = tables.clips, tables.predictions, dict[str, Reads]()
    if clips is not None:
        answers, reads["recognition"] = answers_by_name(tables, trained_on, classes)
        clips = clips.assign(predicted=answers)
    if spotted is not None:
        spotted, reads["spotting"] = intervals_by_name(tables, trained_on, classes, kinds, convention)
    answered = Tables(tables.videos, tables.truths, spotted, clips)
    found = summarize(answered, kinds=kinds, classes=classes, seed=0, convention=convention, draws=0)
    return {**found, "reads": reads}


def answers_by_name(
    tables: Tables, trained_on: Mapping[str, Sequence[str]], classes: Sequence[str]
) -> tuple[pd.Series, Reads]:
    """Answer every clip by its name alone, learnt from the names and classes of the training people of its fold.

    For each dataset one place of the name is read: a code (see `CODE`), the clip's rank among those of its person, or how many those are.
    A clip gets the commonest class of the training clips that say the same there; where none does, that of the dataset's
    training clips, and without any of all training clips. The place is the one that answers most training clips right when each
    training person is left out in turn, so nothing is chosen on the tested people.

    Args:
        tables: with clips.
        trained_on: for each tested subject, as in `tables.videos`, the subjects that train in its fold.
        classes: that are scored; the first of equally common ones is answered.

    Returns:
        The answers, by the index of `tables.clips`; and what is read.
    """
    assert tables.clips is not None
    clips = tables.clips.sort_values("video", kind="stable")
    rows = [
        (dataset, subject, truth, said)
        for (dataset, subject, said), truth in zip(_said(tables.videos, clips["video"]), clips["truth"])
    ]
    answers, reads = _named(rows, rows, trained_on, classes, "clips")
    return pd.Series(answers, clips.index), reads


def intervals_by_name(
    tables: Tables,
    trained_on: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    kinds: Sequence[str],
    convention: str | Convention = "strict",
) -> tuple[pd.DataFrame, Reads]:
    """Spot in every video by its name alone: where the training people of its fold express in the videos that say the same.

    For each dataset and kind one place of the name is read, as in `answers_by_name` but of videos. An annotated interval of
    a training person is spotted if a large enough share of the other people's videos that say the same hold an expression that it hits;
    of those that overlap, the one with the largest share. The place and the least share are those with the best F1 when a fifth of the
    training people is left out in turn. Where nobody who trains says the same, all their videos count. Intervals are
    compared in frames from the start of the video, and one that ends beyond a video is not spotted in it. Micro-expressions get the class
    that `answers_by_name` would give.

    Args:
        tables: videos and truths.
        trained_on: see `answers_by_name`.
        classes: that are scored; none names nothing.
        kinds: that are spotted.
        convention: the rules by which an interval hits.

    Returns:
        The predictions, see `Tables`; their confidence is the share. And what is read, over all kinds.
    """
    rule = named(convention) if isinstance(convention, str) else convention
    videos = tables.videos.sort_values("video", ignore_index=True)
    said = {video: row for video, row in zip(videos["video"], _said(videos, videos["video"]))}
    spotted, reads = list[tuple[Any, ...]](), defaultdict[str, Counter[str]](Counter)
    for (dataset, own), kind in ((pair, kind) for pair in videos.groupby("dataset") for kind in kinds):
        own, truths = own.reset_index(drop=True), tables.truths[tables.truths["kind"] == kind]
        line = _Line.of(own, [said[video][2] for video in own["video"]], truths, rule)
        for people, tested in own.groupby(own["subject"].map(lambda who: tuple(sorted(trained_on[who])))):
            known = own["subject"].isin(people).to_numpy()
            tried = [line.tried(code, known) for code in line.codes]
            best = max(range(len(tried)), key=lambda place: tried[place][0])
            reads[dataset][_words(best, "videos")] += tested["subject"].nunique()
            for video, n_frames in zip(tested.index, tested["n_frames"]):
                code = line.codes[best]
                place = best if (known & (code == code[video])).any() else 0
                for truth, share in zip(*line.shares(line.codes[place], line.codes[place][video], known)):
                    onset, offset = line.onset[truth], line.offset[truth]
                    if share >= tried[place][1] and (pd.isna(n_frames) or offset < n_frames):
                        spotted.append((own["video"][video], kind, onset, offset, share))
    found = pd.DataFrame(spotted, columns=["video", "kind", "onset", "offset", "confidence"])
    scored = tables.truths[(tables.truths["kind"] == "micro") & tables.truths["emotion"].isin(list(classes))]
    rows = [(*said[video][:2], emotion, said[video][2]) for video, emotion in zip(scored["video"], scored["emotion"])]
    asked = [(*said[video][:2], "", said[video][2]) for video in found["video"]]
    answers = _named(rows, asked, trained_on, classes, "videos")[0] if rows else None
    return found.assign(apex=np.nan, emotion=answers, draw=0), {name: dict(counts) for name, counts in reads.items()}


class _Line(NamedTuple):
    """The videos of a dataset, and where one kind of expressions lies in them.

    Attributes:
        codes: for each place of names the number of what that of each video says there.
        person: number of the person of each video.
        video, onset, offset: of each annotated interval.
        hits: (intervals, videos) whether an expression of the video is hit by such an interval.
    """

    codes: list[Indices]
    person: Indices
    video: Indices
    onset: Indices
    offset: Indices
    hits: Bools

    @classmethod
    def of(cls, videos: pd.DataFrame, said: Sequence[tuple[Hashable, ...]], truths: pd.DataFrame, rule: Convention) -> "_Line":
        video = pd.Index(videos["video"]).get_indexer(pd.Index(truths["video"]))
        onset, offset = (truths[end].to_numpy(np.int64)[video >= 0] for end in ("onset", "offset"))
        video = video[video >= 0]
        hits = np.zeros((len(video), len(videos)), np.bool_)
        each = np.arange(len(video))
        for truth in each:
            pairs = overlap(np.full_like(each, truth), each, (onset, offset), (onset, offset), rule)
            hits[truth, video[pairs.hits(rule.threshold, rule.reaching).truth]] = True
        places = range(max((len(row) for row in said), default=1))
        codes = [_coded([row[place] if place < len(row) else ... for row in said])[0] for place in places]
        return cls(codes, _coded(videos["subject"].tolist())[0], video, onset, offset, hits)

    def shares(self, code: Indices, value: int, known: Bools) -> tuple[Indices, Floats]:
        """Intervals in the known videos of that value which do not overlap, the best first, and the share of the other people's that each
        hits.
        """
        same = np.flatnonzero(known & (code == value))
        own = np.flatnonzero(np.isin(self.video, same))
        others = self.person[self.video[own], None] != self.person[same]
        share = (self.hits[np.ix_(own, same)] & others).sum(axis=1) / np.maximum(others.sum(axis=1), 1)
        chosen, left = list[int](), share.copy()
        while left.max(initial=0) > 0:
            chosen.append(int(left.argmax()))
            onset, offset = self.onset[own[chosen[-1]]], self.offset[own[chosen[-1]]]
            left[(self.onset[own] <= offset) & (self.offset[own] >= onset)] = 0
        return own[chosen], share[chosen]

    def tried(self, code: Indices, known: Bools) -> tuple[float, float]:
        """The best F1 in known people who are left out, a fifth of them at a time; and the least share with which it is reached."""
        shares, right = [np.empty(0)], [np.empty(0, np.bool_)]
        for part in range(PARTS):
            out = known & (self.person % PARTS == part)
            for value in np.unique(code[out]):
                (asked,), (which, share) = np.nonzero(out & (code == value)), self.shares(code, value, known & ~out)
                shares.append(np.repeat(share, len(asked)))
                right.append(self.hits[np.ix_(which, asked)].ravel())
        share, found = np.concatenate(shares), np.concatenate(right)
        if not found.any():
            return 0.0, np.inf
        order = np.argsort(-share, kind="stable")
        last = np.append(np.diff(share[order]) != 0, True)  # those of one share are spotted together
        f1 = 2 * found[order].cumsum() / (np.arange(1, len(order) + 1) + known[self.video].sum())
        best = int(np.where(last, f1, 0).argmax())
        return float(f1[best]), float(share[order][best])


def _said(videos: pd.DataFrame, of: pd.Series) -> list[tuple[str, str, tuple[Hashable, ...]]]:
    """Dataset and person of some rows, by their video, and what the name says at each place."""
    about = videos.set_index("video")
    dataset, subject = of.map(about["dataset"]), of.map(about["subject"])
    rank, number = subject.groupby(subject).cumcount() + 1, subject.groupby(subject).transform("size")
    codes = (CODE.findall(video.rpartition("/")[2]) for video in of)
    places = ((None, at, n, *parts) for at, n, parts in zip(rank.tolist(), number.tolist(), codes))
    return list(zip(dataset, subject, places))


def _named(
    known: Iterable[_Row], asked: Iterable[_Row], trained_on: Mapping[str, Sequence[str]], classes: Sequence[str], of: str
) -> tuple[list[str], Reads]:
    """See `answers_by_name`: the answers to rows, and what is read of names."""
    by_subject = defaultdict[str, list[_Row]](list)
    for row in known:
        by_subject[row[1]].append(row)
    answers, reads = list[str](), dict[tuple[str, str], int]()
    rules = dict[tuple[tuple[str, ...], str], tuple[int, Callable[[_Row], str]]]()
    for row in asked:
        people = tuple(sorted(trained_on[row[1]]))
        if (people, row[0]) not in rules:
            train = [one for other in people for one in by_subject.get(other, ())]
            rules[people, row[0]] = _rule(train, row[0], classes)
        reads[row[:2]], answer = rules[people, row[0]]
        answers.append(answer(row))
    counts = defaultdict[str, Counter[str]](Counter)
    for (dataset, _), place in sorted(reads.items()):
        counts[dataset][_words(place, of)] += 1
    return answers, {name: dict(own) for name, own in counts.items()}


def _words(place: int, of: str) -> str:
    """What is read of a name."""
    return ("nothing", f"the rank among the person's {of}", f"the number of the person's {of}", f"code {place - 2}")[min(place, 3)]


def _rule(train: Sequence[_Row], dataset: str, classes: Sequence[str]) -> tuple[int, Callable[[_Row], str]]:
    """Which place of a dataset's names is read, and the answer to a clip."""
    own = [row for row in train if row[0] == dataset]
    number = {name: n for n, name in enumerate(classes)}
    commonest = Counter(row[2] for row in own or train)
    every = max(classes, key=lambda name: commonest[name])
    truth, people = np.array([number[row[2]] for row in own], int), _coded([row[1] for row in own])[0]
    best, chosen, known = -1, 0, dict[Hashable, str]()
    for place in range(max((len(row[3]) for row in own), default=1)):
        codes, values = _coded([row[3][place] if place < len(row[3]) else ... for row in own])
        said, of_person = (
            np.zeros((len(values), len(classes)), int),
            np.zeros((people.max(initial=0) + 1, len(values), len(classes)), int),
        )
        np.add.at(said, (codes, truth), 1)
        np.add.at(of_person, (people, codes, truth), 1)
        others = said[codes] - of_person[people, codes]
        there = others.any(axis=1) & (codes != values.get(..., -1))
        right = int((np.where(there, others.argmax(axis=1), number[every]) == truth).sum())
        if right > best:
            answers = {value: classes[int(said[code].argmax())] for value, code in values.items() if value is not ...}
            best, chosen, known = right, place, answers
    return chosen, lambda row: known.get(row[3][chosen], every) if chosen < len(row[3]) else every


def _coded(values: Sequence[Hashable]) -> tuple[NDArray[np.int64], dict[Hashable, int]]:
    """Each value as a number, and these by value."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.array([numbers[value] for value in values], int), numbers
