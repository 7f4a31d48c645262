"""The contract of a dataset plugin, several datasets as one, and one under another name."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from mebench.core.types import KINDS, Expression, Kind, Published, Repair, Scheme, SubjectKey, Unplaced, Video
from mebench.errors import ConfigError, DataError, refuse_if

MARK_OF_DRAWN = ".mebench-drawn"
"""A file in the folder of a stand-in that `mebench data fake` drew."""
DRAWN = "drawn stand-in"
"""Beginning of the remark on a run whose faces are drawn."""
UNLIKE_PUBLISHED = "not the published dataset"
"""Beginning of the remark on a run whose copy of the dataset holds other counts than the authors publish."""
_LEVELS = 3
"""Number of folders above a root that are searched for the mark, because a user may name an inner folder."""


class Frames(Protocol):
    """The frames of one video, decoded on access."""

    def __len__(self) -> int:
        """Number of frames."""

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Frame `index` as (H, W) gray or (H, W, 3) in B, G, R order."""

    def fingerprint(self) -> str:
        """Changes when the frames do; cheap: no need to decode every frame."""


class Dataset:
    """One dataset: its annotations, and frames if available.

    A subclass sets the class attributes, takes its `Params` (a dataclass with checked ranges) and implements the
    methods below. Every worker process builds it again from its id and parameters, so `__init__` must be cheap.

    Attributes:
        Params: dataclass of the parameters, in `params.py`.
        revision: changes when the dataset's numbers do; part of every cache key and of the key of a run.
        tasks: supported tasks: `spot`, `recognize`.
        kinds: the kinds it annotates.
        schemes: emotion schemes by name; the first is the default.
        one_per_video: True for short videos of exactly one expression each; may be a property of the parameters.
        comparable: False where scores say nothing about published ones, with the reason in `remark`.
        remark: one sentence shown beside every result, or empty.
        published: the counts that the authors publish, for comparison; None if there are none.
    """

    Params: ClassVar[type]
    revision: str
    tasks: frozenset[str] = frozenset({"spot", "recognize"})
    kinds: tuple[Kind, ...] = ("micro",)
    schemes: Mapping[str, Scheme]
    one_per_video: bool = False
    comparable: bool = True
    remark: str = ""
    published: Published | None = None

    def __init__(self, params: Any) -> None:
        self.params = params
        root = getattr(params, "root", None)
        if isinstance(root, str) and _is_drawn(Path(root)):
            self.comparable = False
            self.remark = f"{DRAWN}: no score says anything of the real dataset"

    def beside_published(self) -> dict[str, tuple[int, int]]:
        """The counts of this copy beside the published ones, by name; empty if none are published.

        This copy's counts include the rows that fit none of its frames.
        """
        published = self.published
        if published is None:
            return {}
        placed = [(video.subject, expression.kind) for video in self.videos() for expression in video.expressions]
        unplaced = [(row.subject, row.kind) for row in self.unplaced()]
        annotated = placed + unplaced
        counts = dict[str, tuple[int, int]]()
        if published.subjects is not None:
            n_subjects = len({subject for subject, _ in annotated if subject})
            counts["subjects"] = (n_subjects, published.subjects)
        n_of_kind = Counter(kind for _, kind in annotated)
        for kind, n_published in published.expressions.items():
            counts[f"{kind}-expressions"] = (n_of_kind[kind], n_published)
        return counts

    def unlike_published(self) -> str:
        """How the counts of this copy differ from the published ones, in words; empty if they agree or none are
        published.
        """
        if self.published is None or self.remark.startswith(DRAWN):
            return ""
        counts = self.beside_published()
        differing = [f"{name} {here} instead of {n}" for name, (here, n) in counts.items() if here != n]
        if not differing:
            return ""
        return f"{UNLIKE_PUBLISHED}: {', '.join(differing)} ({self.published.source})"

    def videos(self) -> Sequence[Video]:
        """All videos, sorted by key, from the annotations alone.

        Raises:
            DataError: the root or the annotations are missing or wrong; the sentence says what to do.
        """
        raise NotImplementedError(f"{type(self).__name__} must define videos()")

    def person(self, key: SubjectKey) -> SubjectKey:
        """Identity of a subject beyond this dataset. Subjects of two datasets with equal keys are one person, who stays
        on one side of a fold.

        By default no person appears in two datasets.
        """
        return key

    def split(self, key: SubjectKey) -> str:
        """The part of the authors' own split that a subject belongs to, `train` or `test_A`; empty where there is none."""
        return ""

    def frames(self, video: Video) -> Frames:
        """The frames of a video.

        Raises:
            DataError: this dataset has no frames, or they are missing.
        """
        raise DataError(
            f"the dataset of {video.key} has no frames, only ready-made features: choose a method that reads them"
        )

    @property
    def has_frames(self) -> bool:
        """Whether the dataset can have frames; some contain only ready-made features."""
        return type(self).frames is not Dataset.frames

    def check(self) -> None:
        """Check quickly that root, annotations and frames, which every run needs, exist.

        Raises:
            DataError: one is missing; the sentence says what to do.
        """

    def frame_folders(self) -> Sequence[Path]:
        """The folder of the frames, then other candidates; empty if there is none."""
        return ()

    def landmarks(self, video: Video) -> NDArray[np.float64] | None:
        """68 points (x, y) in pixels of the first frame, shape (68, 2), or None."""
        return None

    def untouched(self, video: Video) -> str:
        """The id of this person's video with the same frames before expressions were put in; empty if there is none.

        What is found at the place of an expression is then counted beside what is found there untouched.
        """
        return ""

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """A ready-made feature for the chain called `name`, or None: a row for each frame, or of scope `clips` one map."""
        return None

    def repair_rows(self) -> Sequence[Repair]:
        """Repairs of the annotations, one row per cell."""
        return ()

    def repairs(self) -> Sequence[str]:
        """Repairs of the annotations, one sentence each."""
        return tuple(map(str, self.repair_rows()))

    def as_annotated(self) -> Sequence[Video]:
        """The videos by the annotations alone.

        Their counts and hashes are equal in all laboratories, with or without frames.

        File numbers become positions by the documented numbering; videos without annotations are missing.
        """
        return self.videos()

    def unplaced(self) -> Sequence[Unplaced]:
        """Annotated expressions without a usable interval, which `videos` leaves out."""
        return ()

    @classmethod
    def write_fake_tree(cls, folder: Path) -> None:
        """Draw a small tree with this dataset's layout, sheets and quirks.

        The folder is empty, or not there yet. The function `write` of the file `fake.py` beside that of the class, or of one that
        it extends, draws it.

        Raises:
            DataError: this dataset has none, or the folder is not empty.
        """
        for base in cls.__mro__:
            module = sys.modules[base.__module__]
            file = getattr(module, "__file__", None)  # `object` comes from no file
            if file is not None and Path(file).with_name("fake.py").is_file():
                import_module(".fake", module.__package__).write(folder)
                return
        raise DataError(f"{getattr(cls, 'id', cls.__name__.lower())} has no drawn stand-in: choose another dataset")


def _is_drawn(root: Path) -> bool:
    """Whether a folder, or one of those above it, bears the mark of a stand-in."""
    folder = root.expanduser().absolute()
    searched = [folder, *list(folder.parents)[:_LEVELS]]
    return any((searched_folder / MARK_OF_DRAWN).is_file() for searched_folder in searched)


class Composite(Dataset):
    """Several datasets as one, with the schemes, tasks and kinds that all share.

    Native emotions carry their member's name
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
        self._member_of_video: dict[str, str] = {}  # ids of members by keys of videos, filled by `_gather`
        every = list(self.members.values())
        *first_ids, last = self.members
        names = f"{', '.join(first_ids)} and {last}"
        self.tasks = frozenset.intersection(*(m.tasks for m in every))
        self.kinds = tuple(k for k in KINDS if all(k in m.kinds for m in every))
        self.revision = "+".join(m.revision for m in every)
        self.one_per_video = all(m.one_per_video for m in every)
        self.comparable = all(m.comparable for m in every)
        self.remark = "; ".join(dict.fromkeys(m.remark for m in every if m.remark))
        self.schemes = {}
        for name in every[0].schemes:
            schemes = {id_: member.schemes[name] for id_, member in self.members.items() if name in member.schemes}
            if len(schemes) == len(every) and _have_same_classes(name, list(schemes.values())):
                self.schemes[name] = _common_scheme(name, schemes)
        offers = "; ".join(f"{id_}: {', '.join(m.schemes)}" for id_, m in self.members.items())
        refuse_if(
            (not self.tasks, f"{names} have no task in common, so they cannot form a composite dataset"),
            (not self.kinds, f"{names} have no kind of expression in common, so they cannot form a composite dataset"),
            (not self.schemes, f"{names} have no emotion scheme with the same classes in common ({offers})"),
        )

    def find_home(self, video: Video) -> tuple[Dataset, str]:
        """The member that a video belongs to, and its id."""
        if not self._member_of_video:
            self.videos()
        id_ = self._member_of_video[video.key]
        return self.members[id_], id_

    def videos(self) -> Sequence[Video]:
        """All videos of all members, sorted by key."""
        return self._gather({id_: member.videos() for id_, member in self.members.items()})

    def as_annotated(self) -> Sequence[Video]:
        """The same from the annotations alone."""
        return self._gather({id_: member.as_annotated() for id_, member in self.members.items()})

    def unlike_published(self) -> str:
        """`unlike_published` of all members, joined."""
        return "; ".join(filter(None, (member.unlike_published() for member in self.members.values())))

    def person(self, key: SubjectKey) -> SubjectKey:
        """Identity of a subject, as its member dataset gives it."""
        return self._whose(key).person(key)

    def split(self, key: SubjectKey) -> str:
        """The part of the split of the subject's member."""
        return self._whose(key).split(key)

    def frames(self, video: Video) -> Frames:
        """The frames of a video, from its member."""
        return self.find_home(video)[0].frames(video)

    def check(self) -> None:
        """Check each member."""
        for member in self.members.values():
            member.check()

    def landmarks(self, video: Video) -> NDArray[Any] | None:
        """The landmarks of a video, from its member."""
        return self.find_home(video)[0].landmarks(video)

    def untouched(self, video: Video) -> str:
        """The id of a video's untouched copy, from its member."""
        return self.find_home(video)[0].untouched(video)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """A ready-made feature of a video, from its member."""
        return self.find_home(video)[0].provided(video, name)

    def repair_rows(self) -> Sequence[Repair]:
        """Repairs of the annotations of all members, one row per cell."""
        return tuple(row for member in self.members.values() for row in member.repair_rows())

    def repairs(self) -> Sequence[str]:
        """Repairs of all members, one sentence each, with the member's name."""
        return tuple(f"{id_}: {text}" for id_, member in self.members.items() for text in member.repairs())

    def unplaced(self) -> Sequence[Unplaced]:
        """Annotated expressions of all members without a usable interval."""
        return tuple(row for member in self.members.values() for row in member.unplaced())

    def _whose(self, key: SubjectKey) -> Dataset:
        """The member that holds a subject; its name may differ from the subject's dataset, since ready-made maps come
        from several datasets. A subject of no member belongs to a dataset about which nothing is known.
        """
        return self._member_of_subject.get(key) or self.members.get(key.dataset) or Dataset(None)

    @cached_property
    def _member_of_subject(self) -> dict[SubjectKey, Dataset]:
        """The member that holds each subject."""
        return {video.subject_key: member for member in self.members.values() for video in member.videos()}

    def _gather(self, videos_of_member: Mapping[str, Sequence[Video]]) -> tuple[Video, ...]:
        """The videos of all members, sorted by key, with emotions named after their datasets; refuses a video of two members."""
        gathered: list[Video] = []
        for id_, videos in videos_of_member.items():
            for video in videos:
                other = self._member_of_video.setdefault(video.key, id_)
                if other != id_:
                    raise ConfigError(f"{other} and {id_} both hold the video {video.key}: take one of them")
                named = tuple(_with_dataset(expression, id_) for expression in video.expressions)
                gathered.append(replace(video, expressions=named))
        return tuple(sorted(gathered, key=lambda video: video.key))


def _with_dataset(expression: Expression, id_: str) -> Expression:
    """The expression with its emotion, if it has one, named after its dataset."""
    if expression.emotion is None:
        return expression
    return replace(expression, emotion=f"{id_}:{expression.emotion}")


def _have_same_classes(name: str, schemes: Sequence[Scheme]) -> bool:
    """Whether schemes of one name map the same labels to the same classes; native ones keep each dataset's own."""
    first, *others = schemes
    same_labels = all(scheme.by == first.by for scheme in others)
    same_classes = name == "native" or all(scheme.classes == first.classes for scheme in others)
    return same_labels and same_classes


def _common_scheme(name: str, schemes: Mapping[str, Scheme]) -> Scheme:
    """One scheme of several datasets, given by their ids; an emotion bears the id of its dataset."""
    mapping = {}
    for id_, scheme in schemes.items():
        for label, class_ in scheme.mapping.items():
            mapping[f"{id_}:{label}" if scheme.by == "emotion" else label] = class_
    classes = tuple(dict.fromkeys(class_ for scheme in schemes.values() for class_ in scheme.classes))
    first, *others = schemes.values()
    excluded = first.excluded.union(*(other.excluded for other in others))
    return Scheme(name, classes, mapping, first.by, excluded)


class Wrapped(Dataset):
    """A dataset whose videos are another one's, changed.

    Args:
        dataset: the other one.
        same: attributes taken unchanged from `dataset`, in addition to the standard ones.
    """

    SAME_ATTRIBUTES: ClassVar = (
        "revision", "tasks", "kinds", "schemes", "one_per_video", "comparable", "remark", "published",
    )  # fmt: skip
    SAME_METHODS: ClassVar = ("check", "repair_rows", "repairs", "unplaced", "beside_published", "unlike_published")

    def __init__(self, dataset: Dataset, *same: str) -> None:
        super().__init__(dataset.params)
        self.dataset = dataset
        for name in (*same, *self.SAME_ATTRIBUTES, *self.SAME_METHODS):
            setattr(self, name, getattr(dataset, name))

    @property
    def has_frames(self) -> bool:
        """Whether the other one can have frames."""
        return self.dataset.has_frames

    def changed(self, videos: Sequence[Video]) -> Sequence[Video]:
        """The wrapped dataset's videos after this wrapper's change, sorted by key."""
        return videos

    def videos(self) -> Sequence[Video]:
        """All videos, sorted by key."""
        return self.changed(self.dataset.videos())

    def as_annotated(self) -> Sequence[Video]:
        """The same from the annotations alone."""
        return self.changed(self.dataset.as_annotated())


class Renamed(Wrapped):
    """A dataset whose videos bear another dataset's name.

    Args:
        dataset: the dataset.
        name: the name for its videos.
    """

    def __init__(self, dataset: Dataset, name: str) -> None:
        super().__init__(dataset)
        self.name = name

    def changed(self, videos: Sequence[Video]) -> Sequence[Video]:
        """Videos under the new name, sorted by key."""
        return tuple(sorted((replace(v, dataset=self.name) for v in videos), key=lambda v: v.key))

    def person(self, key: SubjectKey) -> SubjectKey:
        """Identity of a subject, as the renamed dataset gives it."""
        return self.dataset.person(self._subjects.get(key, key))

    def split(self, key: SubjectKey) -> str:
        """The part of the dataset's own split that a subject belongs to."""
        return self.dataset.split(self._subjects.get(key, key))

    def frames(self, video: Video) -> Frames:
        """The frames of a video."""
        return self.dataset.frames(self._own(video))

    def untouched(self, video: Video) -> str:
        """The id of a video's untouched copy."""
        return self.dataset.untouched(self._own(video))

    def landmarks(self, video: Video) -> NDArray[Any] | None:
        """The landmarks of a video."""
        return self.dataset.landmarks(self._own(video))

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """A ready-made feature of a video."""
        return self.dataset.provided(self._own(video), name)

    def _own(self, video: Video) -> Video:
        return replace(video, dataset=self._subjects[video.subject_key].dataset)

    @cached_property
    def _subjects(self) -> dict[SubjectKey, SubjectKey]:
        """The dataset's own name in its subject keys."""
        return {SubjectKey(self.name, v.subject): v.subject_key for v in self.dataset.videos()}
