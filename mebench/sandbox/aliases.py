"""The drawn names of videos and people inside a fold: a method sees neither released names nor their order.

A method sees `smic/<twelve digits>/<twelve digits>` instead of `smic/s03/s03_ne_02`. Training and validation videos
keep their order, on which training may depend; tested videos come in the order of their drawn names. Numbers of frames,
frame rates and databases stay as they are.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mebench.core import Prediction, Video
from mebench.errors import DataError, MebenchError, PluginError, describe_error
from mebench.sandbox.isolation import Failure

UNANSWERED = "the process that hosts this one could not answer"
"""Beginning of the message that a process gets about an error of its host."""


class Aliases:
    """The drawn names of a fold's videos, and the way back.

    Args:
        secret: the seed of the names; nothing inside a fold reveals it.
        learning: the videos that train or validate, in order.
        tested: the others.

    Attributes:
        videos: the real videos by the keys that a method sees.
        tested: the real videos that are tested, in the order of these keys.
    """

    def __init__(self, secret: str, learning: Sequence[Video], tested: Sequence[Video]) -> None:
        def token(*name: object) -> str:
            return hashlib.sha256("\x1f".join(map(str, (secret, *name))).encode()).hexdigest()[:12]

        def draw_names(name_of: Callable[[Video], tuple[str, ...]]) -> dict[tuple[str, ...], str]:
            """A drawn name for each name: training names in their order, names that are only tested in random order."""
            learnt = list(dict.fromkeys(map(name_of, learning)))
            drawn = dict(zip(learnt, sorted(token(*name) for name in learnt)))
            return drawn | {name: token(*name) for name in map(name_of, tested) if name not in drawn}

        people = draw_names(lambda v: (v.dataset, v.subject))
        ids = draw_names(lambda v: (v.dataset, v.subject, v.id))
        self._people = {f"{dataset}/{people[dataset, subject]}": f"{dataset}/{subject}" for dataset, subject in people}
        self._hidden = {
            v.key: replace(
                v, subject=people[v.dataset, v.subject], id=ids[v.dataset, v.subject, v.id], first=0, numbers=()
            )
            for v in (*learning, *tested)
        }
        self.tested = tuple(sorted(tested, key=lambda video: self._hidden[video.key].key))
        self._real_keys = {self._hidden[video.key].key: video.key for video in tested}
        self._trouble: MebenchError | None = None
        self.videos: Mapping[str, Video] = {self._hidden[v.key].key: v for v in (*learning, *self.tested)}

    def hide(self, video: Video) -> Video:
        """A video under its drawn name, without the numbers of its files."""
        return replace(self._hidden[video.key], expressions=video.expressions, distractors=video.distractors)

    def key(self, real: str) -> str:
        """The drawn key of a video."""
        return self._hidden[real].key

    def real_key(self, key: str) -> str:
        """The real key of a video; an unknown key stays as it is."""
        return self.videos[key].key if key in self.videos else key

    def real_tested_key(self, key: str) -> str:
        """The real key of a tested video.

        Raises:
            PluginError: the video is not tested in this fold; a fold that trains on a video knows its label and must
                not answer for it.
        """
        if key not in self._real_keys:
            raise PluginError(f"a fold answered for {key}, which it does not test: that is a leak")
        return self._real_keys[key]

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
