"""The drawn names of videos and people inside a fold: a method sees neither released names nor their order.

A method sees `smic/<twelve digits>/<twelve digits>` instead of `smic/s03/s03_ne_02`. Training and validation videos
keep their order, on which training may depend; tested videos come in the order of their drawn names. Numbers of frames,
frame rates and databases stay as they are.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from operator import attrgetter
from typing import Any

import numpy as np

from mebench.core import Prediction, Video
from mebench.errors import DataError, MebenchError, PluginError, describe_error
from mebench.sandbox.isolation import Failure

DIGITS = 12
"""Hexadecimal digits of a drawn name."""
UNANSWERED = "the process that hosts this one could not answer"
"""Beginning of the message that a process gets about an error of its host."""


@dataclass(frozen=True)
class LearningNames:
    """The drawn names of the videos that train or validate. They follow from a secret and the order alone, from no real name.

    Attributes:
        people: name of each person, in the order of their first videos; rising.
        person_numbers: (n videos,) position in `people` of the person in each.
        ids: name of each video in its key; rising.
    """

    people: Sequence[str]
    person_numbers: Sequence[int]
    ids: Sequence[str]

    def find(self, position: int) -> tuple[str, str]:
        """The person's name, and that of the video; `position` is its place among those that learn."""
        return self.people[self.person_numbers[position]], self.ids[position]

    def find_position(self, person: str, name: str) -> int | None:
        """The place of a video among those that learn; None if it has other names."""
        position = bisect_left(self.ids, name)
        is_there = position < len(self.ids) and self.find(position) == (person, name)
        return position if is_there else None


NOBODY = LearningNames((), (), ())
"""The names of a fold in which nobody learns."""


def _draw_tokens(seed: str, n: int) -> list[str]:
    """Different names of twelve hexadecimal digits, rising.

    Args:
        seed: nobody who does not know it can tell them from random ones.
        n: how many.
    """
    n_bytes = DIGITS // 2
    for attempt in count():
        drawn = hashlib.shake_256(f"{seed}\x1f{attempt}".encode()).digest(n * n_bytes)
        numbers = np.zeros((n, 8), dtype=np.uint8)
        numbers[:, -n_bytes:] = np.frombuffer(drawn, dtype=np.uint8).reshape(n, n_bytes)
        rising = np.sort(numbers.view(">u8").ravel())
        if (rising[1:] != rising[:-1]).all():  # two are equal once in millions of folds
            digits = rising.view(np.uint8).reshape(n, 8)[:, -n_bytes:].tobytes().hex()
            return [digits[place : place + DIGITS] for place in range(0, len(digits), DIGITS)]
    raise AssertionError("it counts on")


class RealVideos(Mapping[str, Video]):
    """The real videos of a fold by the keys that a method sees: those that learn in their order, then the tested ones.

    A thousand people learn in a fold, and most folds ask for few of them: each is found by its name, without a table of all.

    Args:
        names: drawn names of the videos that learn.
        learning: the videos that learn.
        tested: the tested videos by their keys. A video on both sides is the tested one.
    """

    def __init__(self, names: LearningNames, learning: Sequence[Video], tested: Mapping[str, Video]) -> None:
        self._names = names
        self._learning = learning
        self._tested = tested

    def __getitem__(self, key: str) -> Video:
        if key in self._tested:
            return self._tested[key]
        dataset, _, names = key.partition("/")
        person, _, name = names.partition("/")
        position = self._names.find_position(person, name)
        if position is None or self._learning[position].dataset != dataset:
            raise KeyError(key)
        return self._learning[position]

    def __iter__(self) -> Iterator[str]:
        every = dict.fromkeys(self._key(position) for position in range(len(self._learning)))
        return iter(every | dict.fromkeys(self._tested))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _key(self, position: int) -> str:
        """The key of a video that learns, by its place."""
        person, name = self._names.find(position)
        return f"{self._learning[position].dataset}/{person}/{name}"


class Aliases:
    """The drawn names of a fold's videos, and the way back.

    Args:
        secret: the seed of the names; nothing inside a fold reveals it.
        learning: the videos that train or validate, in order.
        tested: the others.

    Attributes:
        learning: names of the videos that train or validate.
        tested: the real videos that are tested, in the order of the keys that a method sees.
    """

    def __init__(self, secret: str, learning: Sequence[Video], tested: Sequence[Video]) -> None:
        self._secret = secret
        self._learning_videos = learning
        shown = [*map(attrgetter("dataset", "subject"), learning)]
        number_of = {person: number for number, person in enumerate(dict.fromkeys(shown))}
        person_numbers = [*map(number_of.__getitem__, shown)]
        people = _draw_tokens(f"{secret}\x1fpeople", len(number_of))
        self.learning = LearningNames(people, person_numbers, _draw_tokens(f"{secret}\x1fvideos", len(learning)))
        self._learning_people = dict(zip(number_of, people))
        self._hidden_tested = {video.key: self._hide_tested(video) for video in tested}
        self.tested = tuple(sorted(tested, key=lambda video: self._hidden_tested[video.key].key))
        self._real_tested = {self._hidden_tested[video.key].key: video for video in self.tested}
        self._trouble: MebenchError | None = None

    def _hide_tested(self, video: Video) -> Video:
        """A tested video under its drawn name; that of one whose person or itself learns, too, is the same there."""
        person = (video.dataset, video.subject)
        if person not in self._learning_people:
            return replace(video, subject=self._token(*person), id=self._token(*person, video.id), first=0, numbers=())
        if video.key in self._hidden_learning:
            return self._hidden_learning[video.key]
        subject = self._learning_people[person]
        return replace(video, subject=subject, id=self._token(*person, video.id), first=0, numbers=())

    def _token(self, *name: str) -> str:
        """The drawn name of what is tested alone."""
        return hashlib.sha256("\x1f".join((self._secret, *name)).encode()).hexdigest()[:DIGITS]

    # A thousand people learn in a fold, and most folds ask for none of their names: these are made at the first question.

    @cached_property
    def _hidden_learning(self) -> dict[str, Video]:
        """The videos that train or validate, under their drawn names, by their real keys."""
        hidden = {}
        for position, video in enumerate(self._learning_videos):
            person, name = self.learning.find(position)
            hidden[video.key] = replace(video, subject=person, id=name, first=0, numbers=())
        return hidden

    @property
    def videos(self) -> Mapping[str, Video]:
        """The real videos by the keys that a method sees: those that train or validate, then the tested ones."""
        return RealVideos(self.learning, self._learning_videos, self._real_tested)

    @cached_property
    def _people(self) -> dict[str, str]:
        """The real people by the names that a method sees."""
        tested = {str(self._hidden_tested[v.key].subject_key): str(v.subject_key) for v in self.tested}
        learnt = {f"{dataset}/{drawn}": f"{dataset}/{real}" for (dataset, real), drawn in self._learning_people.items()}
        return learnt | tested

    def hide(self, video: Video) -> Video:
        """A video under its drawn name, without the numbers of its files."""
        return replace(self._find(video.key), expressions=video.expressions, distractors=video.distractors)

    def _find(self, key: str) -> Video:
        """A video of this fold under its drawn name, by its real key."""
        return self._hidden_tested.get(key) or self._hidden_learning[key]

    def key(self, real: str) -> str:
        """The drawn key of a video."""
        return self._find(real).key

    def real_key(self, key: str) -> str:
        """The real key of a video; an unknown key stays as it is."""
        video = self.videos.get(key)
        return key if video is None else video.key

    def real_tested_key(self, key: str) -> str:
        """The real key of a tested video.

        Raises:
            PluginError: the video is not tested in this fold; a fold that trains on a video knows its label and must
                not answer for it.
        """
        if key not in self._real_tested:
            raise PluginError(f"a fold answered for {key}, which it does not test: that is a leak")
        return self._real_tested[key].key

    def restore_predictions(self, spotted: Iterable[Prediction]) -> list[Prediction]:
        """Intervals under the real names of their videos, see `real_tested_key`."""
        return [replace(p, video=self.real_tested_key(p.video)) for p in spotted]

    def hide_names(self, answer: Callable[..., Any]) -> Callable[..., Any]:
        """A host's answers with errors that name nothing: the error itself stays in the host and is raised when the
        process ends.
        """

        def answered(word: str, *of: Any) -> Any:
            try:
                return answer(word, *of)
            except Exception as error:
                self._trouble = error if isinstance(error, MebenchError) else DataError(describe_error(error))
                raise type(self._trouble)(f"{UNANSWERED} {word!r}") from None

        return answered

    def restore_names(self, outcome: Any) -> Any:
        """The outcome of a process, with real names in the reason of a failure."""
        if not isinstance(outcome, Failure):
            return outcome
        error = None if outcome.error is None else self.error(outcome.error)
        reason = self.restore(outcome.reason) if error is None else str(error)
        return replace(outcome, reason=reason, details=self.restore(outcome.details), error=error)

    def error(self, error: MebenchError) -> MebenchError:
        """An error with real names; an error of the host's own answers unchanged."""
        if self._trouble is not None and UNANSWERED in str(error):
            return self._trouble
        return type(error)(self.restore(str(error)))

    def restore(self, text: str) -> str:
        """A text with real names in place of drawn ones."""
        alias = r"([\w.@+-]+)/([0-9a-f]{12})(?:/([0-9a-f]{12}))?(?![0-9a-f])"
        return re.sub(alias, lambda found: self._people.get(found[0]) or self.real_key(found[0]), text)
