"""The words of mebench as small frozen types. Frames are 0-based positions; intervals include both ends."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Self

from mebench.errors import DataError, RunError

Kind = Literal["micro", "macro"]
KINDS: tuple[Kind, ...] = ("micro", "macro")
ABSENT = "absent"
"""Class of the clips that do not show what a scheme of two classes looks for."""


class SubjectKey(NamedTuple):
    """A person: `(dataset, subject)`, so that the ids of two datasets never collide."""

    dataset: str
    subject: str

    def __str__(self) -> str:
        return f"{self.dataset}/{self.subject}"


@dataclass(frozen=True, slots=True)
class Expression:
    """One annotated interval `[onset, offset]`, both ends inclusive, in frames of its video.

    Attributes:
        onset: first frame of the movement.
        offset: last frame of the movement; not before `onset`.
        kind: `micro` or `macro`.
        apex: frame of the strongest movement, inside the interval, or None where nobody marked it.
        emotion: native label of the dataset in lower case, or None.
        action_units: as annotated, for example `("4", "L10")`.
        objective: objective class `I` to `VII` (Davison et al. 2018, arXiv 1708.07549), or None.
        intensity: fraction of the full strength where somebody knows it, above 1 beyond it, to tell what is missed; no label to learn.
        flags: short words about the annotation, for example `offset_from_apex`; an emotion scheme may leave out by them.
    """

    onset: int
    offset: int
    kind: Kind = "micro"
    apex: int | None = None
    emotion: str | None = None
    action_units: tuple[str, ...] = ()
    objective: str | None = None
    flags: tuple[str, ...] = ()
    intensity: float | None = None

    def __post_init__(self) -> None:
        """Refuse an impossible interval."""
        if not 0 <= self.onset <= self.offset:
            raise DataError(
                f"an expression's interval must satisfy 0 <= onset <= offset, not [{self.onset}, {self.offset}]"
            )
        if self.apex is not None and not self.onset <= self.apex <= self.offset:
            raise DataError(f"the apex {self.apex} lies outside its expression [{self.onset}, {self.offset}]")

    @property
    def peak(self) -> int:
        """The apex, or the middle of the interval where no apex is annotated."""
        return (self.onset + self.offset) // 2 if self.apex is None else self.apex

    @property
    def length(self) -> int:
        """Number of frames, both ends counted."""
        return self.offset - self.onset + 1


@dataclass(frozen=True, slots=True)
class Distractor:
    """An annotated movement that is no expression, such as a blink, and may mislead a spotter.

    Attributes:
        kind: `blink`, `speech`, `head`; other words for other movements.
        onset: first frame.
        offset: last frame, inclusive; not before `onset`.
    """

    kind: str
    onset: int
    offset: int

    def __post_init__(self) -> None:
        """Refuse an impossible interval."""
        if not 0 <= self.onset <= self.offset:
            raise DataError(
                f"a {self.kind}'s interval must satisfy 0 <= onset <= offset, not [{self.onset}, {self.offset}]"
            )


@dataclass(frozen=True, slots=True)
class Video:
    """One recording and its expressions (possibly none).

    In a dataset of ready-made motion maps without frames, a clip is a video of one frame whose expression is `[0, 0]`.

    Attributes:
        dataset: the dataset, or the member of a composite, that the recording belongs to.
        subject: the person's id inside that dataset.
        id: unique within the subject.
        fps: frames per second; None where the dataset publishes no frames.
        n_frames: number of frames; None where the frames are absent and nobody says.
        expressions: sorted by onset.
        first: file number of the first frame, as the dataset's own annotations count; 0 where frames have no numbers.
        numbers: file number of every frame, rising, where they leave numbers out; else empty.
        distractors: sorted by onset; empty too where the dataset annotates none. No method sees them.
    """

    dataset: str
    subject: str
    id: str
    fps: float | None
    n_frames: int | None
    expressions: tuple[Expression, ...] = ()
    first: int = 0
    numbers: tuple[int, ...] = ()
    distractors: tuple[Distractor, ...] = ()

    @property
    def subject_key(self) -> SubjectKey:
        """Key of the subject in the video."""
        return SubjectKey(self.dataset, self.subject)

    @property
    def key(self) -> str:
        """Unique over all datasets: `dataset/subject/id`."""
        return f"{self.dataset}/{self.subject}/{self.id}"


def number_at(position: int, first: int, numbers: Sequence[int] = ()) -> int:
    """The number of a frame in the dataset's own files and annotations.

    Args:
        position: 0-based; one outside the video is counted on from its first or last frame.
        first: `Video.first`.
        numbers: `Video.numbers`.

    >>> [number_at(p, 46) for p in (-1, 0, 3)], [number_at(p, 4, (4, 5, 8)) for p in (-1, 0, 2, 3)]
    ([45, 46, 49], [3, 4, 8, 9])
    """
    if not len(numbers):
        return first + position
    inside = min(max(position, 0), len(numbers) - 1)
    return int(numbers[inside]) + position - inside


@dataclass(frozen=True)
class Scheme:
    """A named map from native labels to scored classes.

    A label that the map does not hold is left out of recognition and analysis; it stays a truth for spotting.

    Attributes:
        name: what the user chooses it by.
        classes: the scored classes, in the order of class numbers.
        mapping: native label, lower case, to class.
        by: what is mapped: the native emotion, the objective class (Davison et al. 2018, arXiv 1708.07549), or the action
            units as annotated, joined by `+`.
        excluded: an expression that carries one of these flags is left out whatever its label.
        several: whether a label may stand for several classes at once; `mapping` then joins them by `+`, in the order of `classes`,
            and the number of a set of classes is the sum of 2 to the power of their numbers.
    """

    name: str
    classes: tuple[str, ...]
    mapping: Mapping[str, str]
    by: Literal["emotion", "objective", "units"] = "emotion"
    excluded: frozenset[str] = frozenset()
    several: bool = False

    def __post_init__(self) -> None:
        """Refuse a map onto classes that are not listed."""
        named = {part for value in self.mapping.values() for part in (value.split("+") if self.several else (value,))}
        if stray := sorted(named - set(self.classes)):
            raise DataError(
                f"the emotion scheme {self.name!r} maps onto {stray}, which are not among its classes {list(self.classes)}"
            )

    def index(self, label: str | None) -> int | None:
        """Class number of a native label (any case), or None if the scheme does not score it."""
        scored = None if label is None else self.mapping.get(label.lower())
        if self.several and scored is not None:
            return sum(1 << self.classes.index(part) for part in scored.split("+"))
        return None if scored is None else self.classes.index(scored)

    def native_label(self, expression: Expression) -> str | None:
        """The native label that the scheme maps, in lower case: emotion, objective class or action units; None if there is none."""
        if self.by == "units":
            return "+".join(expression.action_units).lower() or None
        label = expression.emotion if self.by == "emotion" else expression.objective
        return None if label is None else label.lower()

    def of(self, expression: Expression) -> int | None:
        """Class number of an expression, or None if the scheme does not score it."""
        return None if self.excluded & set(expression.flags) else self.index(self.native_label(expression))

    def class_of(self, expression: Expression) -> str | None:
        """Scored class of an expression, several joined by `+`, or None."""
        return None if self.of(expression) is None else self.mapping[str(self.native_label(expression))]

    def scores(self, expression: Expression) -> bool:
        """Whether an expression is a sample of recognition: a micro-expression with a class."""
        return expression.kind == "micro" and self.of(expression) is not None

    def scored(self, video: Video) -> list[Expression]:
        """The expressions of a video that recognition is asked about."""
        return [e for e in video.expressions if self.scores(e)]

    def left_out(self, expressions: Iterable[Expression]) -> Counter[str]:
        """Native labels of the micro-expressions that it does not score, `(none)` of those without, counted."""
        micro = (e for e in expressions if e.kind == "micro")
        return Counter(self.native_label(e) or "(none)" for e in micro if not self.scores(e))

    @classmethod
    def native(cls, labels: Iterable[str], name: str = "native") -> Self:
        """Every label is its own class, in the given order."""
        classes = tuple(dict.fromkeys(label.lower() for label in labels))
        return cls(name, classes, {c: c for c in classes})


@dataclass(frozen=True, slots=True)
class Task:
    """The task of a method.

    Attributes:
        tasks: some of `spot` and `recognize`; both together are analysis.
        kinds: the kinds to spot, in the order of the columns of frame scores.
        classes: emotion classes in the order of the columns of class scores.
        one_per_video: every video holds exactly one expression, so a spotter names one interval (MEAN, section 4.3).
        several: whether a clip may have several classes, see `Scheme`.
    """

    tasks: frozenset[str]
    kinds: tuple[Kind, ...] = ("micro",)
    classes: tuple[str, ...] = ()
    one_per_video: bool = False
    several: bool = False

    def called(self, row: Sequence[float]) -> str:
        """The class of a clip from one number for each class: the highest.

        Of several classes at once those of a probability of at least a half, joined by `+`, and the likeliest in any case.
        """
        likely = [name for name, number in zip(self.classes, row) if self.several and number >= 0.5]
        return "+".join(likely or [self.classes[max(range(len(row)), key=lambda n: row[n])]])


@dataclass(frozen=True, slots=True)
class Fold:
    """Training, validation and test subjects. The three are disjoint, unless `videos` names the tested videos.

    Attributes:
        key: its name; with the run's seed it decides everything random in the fold.
        train: subjects to train on.
        valid: subjects to choose on; they train too unless the method chooses something.
        test: subjects to test.
        videos: keys of the tested videos where other videos of the same subjects train (leave one video out); empty where
            all videos of the test subjects are tested.
    """

    key: str
    train: tuple[SubjectKey, ...]
    valid: tuple[SubjectKey, ...]
    test: tuple[SubjectKey, ...]
    videos: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """A subject on two sides is a leak: refuse it."""
        sides = {"train": set(self.train), "valid": set(self.valid), "test": set(self.test)}
        pairs = (("train", "valid"), ("train", "test"), ("valid", "test"))
        for a, b in pairs if not self.videos else pairs[:1]:
            if both := sides[a] & sides[b]:
                raise RunError(
                    f"fold {self.key!r} has {', '.join(map(str, sorted(both)))} in {a} and in {b}: a subject may be on one side only"
                )

    def split(self, videos: Iterable[Video]) -> tuple[list[Video], list[Video], list[Video]]:
        """The videos to train, to validate and to test on, each in the given order; others take no part."""
        sides = (() if self.videos else self.test, 2), (self.valid, 1), (self.train, 0)
        side = {subject: place for subjects, place in sides for subject in subjects}
        tested = set(self.videos)
        parts: tuple[list[Video], list[Video], list[Video]] = ([], [], [])
        for video in videos:
            place = 2 if video.key in tested else side.get(video.subject_key)
            if place is not None:
                parts[place].append(video)
        return parts


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations of one dataset in one fold, all in frames of that dataset.

    Attributes:
        fps: frames per second.
        k: gap between the two frames of a flow pair: 0.1 s (MEAN, section 4.3), rounded up.
        k_prime: for each kind, half the mean length of the training subjects' expressions: (N + 1) / 2 (MEAN, section 3.3)
            with N the mean of offset - onset, rounded down, at least 1.
    """

    fps: float
    k: int
    k_prime: Mapping[Kind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prediction:
    """A spotted interval, both ends inclusive. `onset` may be negative: the rule of some methods is not clipped.

    Attributes:
        video: key of the video.
        kind: `micro` or `macro`.
        onset: first frame.
        apex: frame of the peak.
        offset: last frame.
        confidence: higher is surer; only the order counts.
        emotion: class, where the method names one.
        probabilities: one number per class of the task, or None.
        draw: number of the random draw, for methods that predict by chance; 0 otherwise.
    """

    video: str
    kind: Kind
    onset: int
    apex: int
    offset: int
    confidence: float
    emotion: str | None = None
    probabilities: tuple[float, ...] | None = None
    draw: int = 0


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair, or a mark, of one cell of the annotations.

    Attributes:
        row: row of the sheet as spreadsheet programs count, from 1; None where all rows are meant.
        column: the column as the sheet calls it.
        found: what stands there.
        taken: what it is read as, or None where nothing was changed and the row is only marked.
        reason: why.
        sheet: file and sheet, for example `CASME2-coding.xlsx: Sheet1`.
        altered: this copy is not as it was released, and something is lost: an error of `data verify`.
    """

    row: int | None
    column: str
    found: str
    taken: str | None
    reason: str
    sheet: str = ""
    altered: bool = False

    def __str__(self) -> str:
        place = ", ".join(
            filter(None, (self.sheet, "all rows" if self.row is None else f"row {self.row}", self.column))
        )
        change = f"{self.found!r}" if self.taken is None else f"{self.found!r} read as {self.taken!r}"
        return f"{place}: {change}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An annotated expression whose interval cannot be read: it counts in a summary, but cannot be scored.

    Attributes:
        subject: the person's id.
        video: id of the video.
        kind: `micro` or `macro`.
        emotion: native label in lower case, or None.
        row: row of the sheet, from 1.
        reason: why it has no interval.
    """

    subject: str
    video: str
    kind: Kind
    emotion: str | None
    row: int
    reason: str


@dataclass(frozen=True)
class Published:
    """The counts that the authors of a dataset publish.

    Attributes:
        source: where they say so.
        subjects: number of people with an annotation, or None where nobody says.
        expressions: number of annotated expressions by kind.
        emotions: number of micro-expressions by native label, lower case; empty where nobody says.
    """

    source: str
    subjects: int | None
    expressions: Mapping[Kind, int]
    emotions: Mapping[str, int] = field(default_factory=dict)


def stable_seed(*parts: object) -> int:
    """A number below 2**31 from any parts that print alike everywhere; the same on every machine and in every process.

    >>> stable_seed(0, "fold", "synthetic/01") == stable_seed(0, "fold", "synthetic/01")
    True
    """
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()[:4], "big") >> 1
