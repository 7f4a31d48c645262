"""Several datasets as one, each video still at home in its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from mebench.core.dataset import Dataset, Frames
from mebench.core.types import KINDS, Expression, Repair, Scheme, SubjectKey, Unplaced, Video
from mebench.errors import ConfigError


class Composite(Dataset):
    """The videos of two or more datasets under the emotion schemes that all of them have.

    The members share what they can serve: tasks and kinds that each annotates. Native emotions carry their member's name
    (`samm:fear`), because one label may be scored in one dataset and left out in another (the three classes of MEGC 2019
    score the fear of SAMM and leave that of CASME II out).

    Args:
        members: the datasets by id, in the order of the configuration.

    Raises:
        ConfigError: no task, or no kind, is served by all members, or they share no emotion scheme.
    """

    def __init__(self, members: Mapping[str, Dataset]) -> None:
        super().__init__(None)
        self.members = dict(members)
        self._home: dict[str, str] = {}
        every = list(self.members.values())
        self.tasks = frozenset.intersection(*(m.tasks for m in every))
        self.kinds = tuple(k for k in KINDS if all(k in m.kinds for m in every))
        if not self.tasks or not self.kinds:
            what = "task" if not self.tasks else "kind of expression"
            raise ConfigError(f"{self._names()} have no {what} in common, so they are no composite dataset")
        self.revision = "+".join(m.revision for m in every)
        self.one_per_video = all(m.one_per_video for m in every)
        self.comparable = all(m.comparable for m in every)
        self.remark = " ".join(dict.fromkeys(m.remark for m in every if m.remark))
        self.schemes = {name: self._scheme(name) for name in every[0].schemes if self._shared(name)}
        if not self.schemes:
            offers = "; ".join(f"{id_}: {', '.join(m.schemes)}" for id_, m in self.members.items())
            raise ConfigError(f"{self._names()} have no emotion scheme with the same classes in common ({offers})")

    def home(self, video: Video) -> tuple[str, Dataset]:
        """Id of the member that a video belongs to, and the member."""
        if not self._home:
            self.videos()
        id_ = self._home[video.key]
        return id_, self.members[id_]

    def videos(self) -> Sequence[Video]:
        """All videos of all members, sorted by key."""
        return self._gather({id_: member.videos() for id_, member in self.members.items()})

    def as_annotated(self) -> Sequence[Video]:
        """The same from the annotations alone."""
        return self._gather({id_: member.as_annotated() for id_, member in self.members.items()})

    def person(self, key: SubjectKey) -> SubjectKey:
        """Who a subject is, as its member knows."""
        return self.members[key.dataset].person(key) if key.dataset in self.members else key

    def frames(self, video: Video) -> Frames:
        """The frames of a video, from its member."""
        return self.home(video)[1].frames(video)

    def landmarks(self, video: Video) -> NDArray[Any] | None:
        """The landmarks of a video, from its member."""
        return self.home(video)[1].landmarks(video)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """A ready-made feature of a video, from its member."""
        return self.home(video)[1].provided(video, name)

    def repair_rows(self) -> Sequence[Repair]:
        """What was mended in the annotations of all members."""
        return tuple(row for member in self.members.values() for row in member.repair_rows())

    def repairs(self) -> Sequence[str]:
        """The same in sentences, each with its member's name."""
        return tuple(f"{id_}: {text}" for id_, member in self.members.items() for text in member.repairs())

    def unplaced(self) -> Sequence[Unplaced]:
        """Annotated expressions of all members without a usable interval."""
        return tuple(row for member in self.members.values() for row in member.unplaced())

    def _gather(self, videos: Mapping[str, Sequence[Video]]) -> tuple[Video, ...]:
        gathered: list[Video] = []
        for id_, own in videos.items():
            for video in own:
                other = self._home.setdefault(video.key, id_)
                if other != id_:
                    raise ConfigError(f"{other} and {id_} both hold the video {video.key}: take one of them")
                gathered.append(replace(video, expressions=tuple(_named(id_, e) for e in video.expressions)))
        return tuple(sorted(gathered, key=lambda video: video.key))

    def _shared(self, name: str) -> bool:
        found = [m.schemes.get(name) for m in self.members.values()]
        return all(s is not None and (s.by == found[0].by) for s in found) and (  # type: ignore[union-attr]
            name == "native" or len({s.classes for s in found if s}) == 1
        )

    def _scheme(self, name: str) -> Scheme:
        schemes = {id_: member.schemes[name] for id_, member in self.members.items()}
        mapping: dict[str, str] = {}
        for id_, scheme in schemes.items():
            prefix = f"{id_}:" if scheme.by == "emotion" else ""
            mapping |= {prefix + label: class_ for label, class_ in scheme.mapping.items()}
        classes = tuple(dict.fromkeys(c for scheme in schemes.values() for c in scheme.classes))
        excluded = frozenset[str]().union(*(scheme.excluded for scheme in schemes.values()))
        by = next(iter(schemes.values())).by
        return Scheme(name, classes, mapping, by, excluded)

    def _names(self) -> str:
        *first, last = self.members
        return f"{', '.join(first)} and {last}"


def _named(id_: str, expression: Expression) -> Expression:
    return expression if expression.emotion is None else replace(expression, emotion=f"{id_}:{expression.emotion}")
