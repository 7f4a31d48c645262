"""The basic types of mebench, small and frozen. Frames are 0-based positions; intervals include both ends."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Literal, NamedTuple, Self

from mebench.errors import DataError, PluginError, RunError
from mebench.finding import Finding, Severity

Kind = Literal["micro", "macro"]
KINDS: tuple[Kind, ...] = ("micro", "macro")
THREE = ("negative", "positive", "surprise")
"""The classes of most schemes with three."""
ABSENT = "absent"
"""Class of the negative clips in a scheme of two classes."""


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
        apex: frame of the strongest movement, inside the interval, or None if not annotated.
        emotion: native label of the dataset in lower case, or None.
        action_units: as annotated, for example `("4", "L10")`.
        objective: objective class `I` to `VII` (Davison et al. 2018, arXiv 1708.07549), or None.
        intensity: fraction of the full strength where known (above 1 beyond it), for the analysis of misses, not for
            training.
        flags: short words about the annotation, for example `offset_from_apex`; an emotion scheme may leave out
            expressions by them.
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
        """Refuse an impossible interval, and values in another order."""
        frames = (self.onset, self.offset) if self.apex is None else (self.onset, self.offset, self.apex)
        if self.kind not in KINDS or not all(isinstance(frame, Integral) for frame in frames):
            raise PluginError(
                f"an Expression takes onset, offset, kind and apex in this order, whole frames and {' or '.join(KINDS)}, not "
                f"{self.onset!r}, {self.offset!r}, {self.kind!r}, {self.apex!r}: give them by name, such as "
                "Expression(onset=10, offset=20, kind='micro', apex=15)"
            )
        if not 0 <= self.onset <= self.offset:
            raise DataError(
                f"an expression's interval must satisfy 0 <= onset <= offset, not [{self.onset}, {self.offset}]"
            )
        if self.apex is not None and not self.onset <= self.apex <= self.offset:
            raise DataError(f"the apex {self.apex} is outside its expression [{self.onset}, {self.offset}]")

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
    """An annotated movement other than an expression, such as a blink.

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
        dataset: id of the dataset, or of the member of a composite.
        subject: the person's id inside that dataset.
        id: unique within the subject.
        fps: frames per second; None where the dataset publishes no frames.
        n_frames: number of frames; None where it is unknown.
        expressions: sorted by onset.
        first: file number of the first frame, as the dataset's own annotations count; 0 where frames have no numbers.
        numbers: file number of every frame, rising, if there are gaps; else empty.
        distractors: sorted by onset; empty where the dataset annotates none. No method sees them.
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
        position: 0-based; positions outside the video continue the count of its first or last frame.
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

    Expressions with other labels are left out of recognition and analysis; they stay truths for spotting.

    Attributes:
        name: name of the scheme.
        classes: the scored classes, in the order of class numbers.
        mapping: native label, lower case, to class.
        by: the kind of label: the native emotion, the objective class (Davison et al. 2018, arXiv 1708.07549), or the
            action units as annotated, joined by `+`.
        excluded: expressions with one of these flags are left out.
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
        named = set(self.mapping.values())
        if self.several:
            named = {part for value in named for part in value.split("+")}
        if stray := sorted(named - set(self.classes)):
            raise DataError(
                f"the emotion scheme {self.name!r} maps onto {stray}, which are not among its classes {list(self.classes)}"
            )

    def index(self, label: str | None) -> int | None:
        """Class number of a native label in any case; None if it is not scored."""
        scored = None if label is None else self.mapping.get(label.lower())
        if self.several and scored is not None:
            return sum(1 << self.classes.index(part) for part in scored.split("+"))
        return None if scored is None else self.classes.index(scored)

    def native_label(self, expression: Expression) -> str | None:
        """The native label that the scheme maps, in lower case: emotion, objective class or action units; None if there
        is none.
        """
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
        """The expressions of a video to be classified."""
        return [e for e in video.expressions if self.scores(e)]

    def left_out(self, expressions: Iterable[Expression]) -> Counter[str]:
        """Counts of the native labels of micro-expressions that it does not score; `(none)` counts those without a
        label.
        """
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
        one_per_video: every video holds exactly one expression, so a spotter answers one interval (MEAN, section 4.3).
        several: whether a clip may have several classes, see `Scheme`.
    """

    tasks: frozenset[str]
    kinds: tuple[Kind, ...] = ("micro",)
    classes: tuple[str, ...] = ()
    one_per_video: bool = False
    several: bool = False

    def called(self, row: Sequence[float]) -> str:
        """The class of a clip with the highest number.

        For several classes at once: the classes with a probability of at least a half, joined by `+`, or else the
        likeliest.
        """
        likely: list[str] = []
        if self.several:
            likely = [name for name, probability in zip(self.classes, row) if probability >= 0.5]
        likeliest = max(range(len(row)), key=lambda class_number: row[class_number])
        return "+".join(likely) or self.classes[likeliest]


@dataclass(frozen=True, slots=True)
class Fold:
    """Training, validation and test subjects. The three are disjoint, unless `videos` names the tested videos.

    Attributes:
        key: its name; with the run's seed it decides everything random in the fold.
        train: subjects to train on.
        valid: subjects for selection; they train too unless the method selects something.
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
        valid, test = set(self.valid), set(() if self.videos else self.test)
        if valid.isdisjoint(test) and (valid | test).isdisjoint(self.train):
            return
        sides = {"train": set(self.train), "valid": set(self.valid), "test": set(self.test)}
        disjoint = [("train", "valid")]
        if not self.videos:
            disjoint += [("train", "test"), ("valid", "test")]
        for a, b in disjoint:
            both = sides[a] & sides[b]
            if both:
                raise RunError(
                    f"fold {self.key!r} has {', '.join(map(str, sorted(both)))} in {a} and in {b}: a subject may be on one side only"
                )

    def __hash__(self) -> int:
        """That of its key: a fold of a thousand people is looked up as fast as one of ten."""
        return hash(self.key)

    def split(self, videos: Iterable[Video]) -> tuple[list[Video], list[Video], list[Video]]:
        """The videos to train, to validate and to test on, each in the given order; others take no part."""
        every = [(video, video.subject_key) for video in videos]
        tested = set(self.videos)
        train = set(self.train)
        valid = set(self.valid)
        test = set(() if self.videos else self.test)
        others = [(video, subject) for video, subject in every if video.key not in tested] if tested else every
        return (
            [video for video, subject in others if subject in train],
            [video for video, subject in others if subject in valid],
            [video for video, subject in every if subject in test or video.key in tested],
        )


group_of_rate = "{}@{:g}".format
"""The name of the videos of one frame rate, in a dataset (its name comes first) that has several."""


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
        confidence: higher is more confident; only the order counts.
        emotion: class, if the method predicts one.
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
        row: row of the sheet as in spreadsheet programs, from 1; None for all rows.
        column: its name in the sheet.
        found: the cell's content.
        taken: the value that it is read as; None if the cell is only marked.
        reason: reason of the repair.
        sheet: file and sheet, for example `CASME2-coding.xlsx: Sheet1`.
        altered: whether this copy differs from the release and has lost something: an error of `data verify`.
    """

    row: int | None
    column: str
    found: str
    taken: str | None
    reason: str
    sheet: str = ""
    altered: bool = False

    @property
    def finding(self) -> Finding:
        """What a user should know about the cell: an error if this copy has lost something."""
        rows = "all rows" if self.row is None else f"row {self.row}"
        where = ", ".join(filter(None, (self.sheet, rows, self.column)))
        change = repr(self.found)
        severity: Severity = "warning"
        if self.taken is not None:
            change = f"{self.found!r} read as {self.taken!r}"
            severity = "repair"
        if self.altered:
            severity = "error"
        return Finding(severity, where, f"{change}: {self.reason}")

    def __str__(self) -> str:
        return str(self.finding)


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An annotated expression whose interval cannot be read: it is counted in a summary, but cannot be scored.

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
        source: source of the counts.
        subjects: number of people with an annotation, or None if unknown.
        expressions: number of annotated expressions by kind.
        emotions: number of micro-expressions by native label, lower case; empty if unknown.
    """

    source: str
    subjects: int | None
    expressions: Mapping[Kind, int]
    emotions: Mapping[str, int] = field(default_factory=dict)


def stable_seed(*parts: object) -> int:
    """A seed below 2**31 from any printable parts; the same on every machine and in every process.

    >>> stable_seed(0, "fold", "synthetic/01") == stable_seed(0, "fold", "synthetic/01")
    True
    """
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()[:4], "big") >> 1
