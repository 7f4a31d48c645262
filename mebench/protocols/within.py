"""Folds of one dataset: subjects left out one by one, in parts, by lists; videos left out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from mebench.core import SubjectKey
from mebench.core.types import Fold
from mebench.errors import ConfigError, unknown
from mebench.protocols.people import People
from mebench.protocols.protocol import NO_PARAMS, Card, NoParams, Protocol


def loso(people: People, params: Any = NO_PARAMS) -> list[Fold]:
    """One fold for each person, tested by a model of all the others.

    A person in several datasets of a composite is tested in one fold, under all ids.

    Raises:
        ConfigError: fewer than two people.

    >>> from mebench.core import Video
    >>> clips = [Video("casme2", s, "EP01", 200.0, 90) for s in ("01", "02", "03")]
    >>> [(f.key, len(f.train), len(f.valid)) for f in loso(People(clips))]
    [('casme2/01', 1, 1), ('casme2/02', 1, 1), ('casme2/03', 1, 1)]
    """
    refuse_single(people, "leaving one subject out")
    folds = [people.fold(people.name(person), subjects) for person, subjects in people.persons.items()]
    return sorted(folds, key=lambda fold: fold.key)


def refuse_single(people: People, what: str) -> None:
    """Refuse fewer than two people.

    Args:
        people: people of the dataset.
        what: noun for what needs them.
    """
    if len(people.persons) < 2:
        raise ConfigError(
            f"{what} needs at least 2 subjects, and this dataset has {len(people.persons)} "
            f"({', '.join(map(str, people.subjects)) or 'nobody'}): use a dataset with more"
        )


LOSO = Protocol(
    "loso",
    "leave one subject out: each subject is tested once by a model that never saw them",
    Card(
        needs="2 subjects or more, any task, short or long videos",
        trains="all other subjects",
        tests="each subject once, in a fold of its own",
        scores="the predictions of all folds pooled; short videos of one expression each by their highest peak, long ones by "
        "the threshold; of a composite also each dataset",
        classes="the classes of scheme=NAME, by default of the dataset's first scheme",
        source="the field's usual one, for example MEAN (Liong, See and Chan 2023, doi 10.1016/j.image.2022.116875), section 4.1",
    ),
    loso,
)


@dataclass(frozen=True)
class LosoNamedParams:
    """The subjects to leave out.

    A subject is given by id (`01`), or `casme2/01` where two datasets have that id.

    Attributes:
        test: the subjects.
    """

    test: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that at least one person is named."""
        if not self.test:
            raise ConfigError("protocol=loso_named needs the people to leave out: give protocol.test=[01,02]")


def loso_named(people: People, params: LosoNamedParams) -> list[Fold]:
    """The folds of `loso` for some subjects, for slow methods.

    Raises:
        ConfigError: fewer than two people, or a subject is unknown or its id is that of two.

    >>> from mebench.core import Video
    >>> people = People([Video("casme2", s, "EP01", 200.0, 90) for s in ("01", "02", "03")])
    >>> loso_named(people, LosoNamedParams(("02",))) == loso(people)[1:2]
    True
    """
    named = set(_subjects(people, params.test, "test"))
    return [fold for fold in loso(people) if named.intersection(fold.test)]


LOSO_NAMED = Protocol(
    "loso_named",
    "leave some subjects out, one by one: those of protocol.test, each in the fold that loso makes",
    Card(
        needs="protocol.test=[…], any task, short or long videos",
        trains="all subjects but the one that is tested, so the others of protocol.test too",
        tests="each subject of protocol.test once, in a fold of its own",
        scores="the predictions of these folds pooled, and the truths of these subjects alone",
        classes="the classes of scheme=NAME, by default of the dataset's first scheme",
        source="a part of loso, for methods of which all folds take too long",
    ),
    loso_named,
    LosoNamedParams,
)


@dataclass(frozen=True)
class MacroToMicroParams:
    """The kinds of expressions that are learnt.

    Attributes:
        train: the `macro`-expressions of the training people, or `both` kinds.
    """

    train: Literal["macro", "both"] = "macro"


MACRO_TO_MICRO = Protocol(
    "macro_to_micro",
    "learn emotions from macro-expressions and name those of micro-expressions, leaving one subject out",
    Card(
        needs="2 subjects or more, recognition, a dataset whose macro-expressions have emotions, such as cas_me2, casme3 or synthetic",
        trains="all other subjects, by their macro-expressions; with protocol.train=both by their micro-expressions, too",
        tests="the micro-expressions of each subject once, in a fold of its own",
        scores="the predictions of all folds pooled",
        classes="the classes of scheme=NAME, by default of the dataset's first scheme",
        source="macro-to-micro adaptation (Xie et al. 2020, arXiv 2012.11307, section 6.1 and table 4); there the macro-expressions are "
        "of other, posed databases, which mebench does not read",
    ),
    loso,
    MacroToMicroParams,
    tasks=frozenset({"recognize"}),
    learns=lambda params: ("macro",) if params.train == "macro" else ("micro", "macro"),
)


@dataclass(frozen=True)
class KFoldParams:
    """The number of parts.

    Attributes:
        folds: number of parts, each tested once.
        seed: seed of drawing the parts; independent of the run's seed, so that runs of several seeds share their folds.
    """

    folds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the range."""
        if self.folds < 2:
            raise ConfigError(f"protocol.folds must be 2 or more, not {self.folds}")


def kfold(people: People, params: KFoldParams = KFoldParams()) -> list[Fold]:
    """Parts of people of nearly equal sizes, balanced as in `People.divide_people`; each is tested by a model of the others.

    Raises:
        ConfigError: fewer people than parts.

    >>> from mebench.core import Video
    >>> clips = [Video("casme2", f"{s:02d}", "EP01", 200.0, 90) for s in range(7)]
    >>> [(f.key, len(f.test)) for f in kfold(People(clips), KFoldParams(3))]
    [('part1', 3), ('part2', 2), ('part3', 2)]
    """
    n = len(people.persons)
    k = params.folds
    if n < k:
        raise ConfigError(
            f"{k} parts need at least {k} subjects, and this dataset has {n}: set protocol.folds={max(n, 2)} or use a dataset "
            "with more"
        )
    parts = replace(people, seed=params.seed).divide_people(people.persons, k, "parts", k)
    n_digits = len(str(k))  # names of folds sort by their number
    folds = []
    for number, part in enumerate(parts, 1):
        tested = [subject for person in part for subject in people.persons[person]]
        folds.append(people.fold(f"part{number:0{n_digits}d}", tested))
    return folds


_MEASURED = (
    "of the 442 clips of MEGC 2019 each of 5 parts has 87 to 91, 54 to 58 % of them negative, and two seeds put the same two "
    "people together hardly more often than chance does (Jaccard .12, at random .10; 20 seeds)"
)


KFOLD = Protocol(
    "kfold",
    "subjects in k parts that resemble each other: each part is tested once by a model of the others",
    Card(
        needs="as many subjects as parts, any task, short or long videos",
        trains="the subjects of all other parts",
        tests="each part once; parts are drawn by person with protocol.seed and hold equally many videos, of each dataset, and "
        f"expressions, of each kind and class: {_MEASURED}",
        scores="the predictions of all folds pooled",
        classes="the classes of scheme=NAME, by default of the dataset's first scheme",
        source="k-fold cross-validation as in Xie et al. 2020, arXiv 2012.11307, but by subject; not comparable with loso",
    ),
    kfold,
    KFoldParams,
)


@dataclass(frozen=True)
class HoldoutParams:
    """The subjects of each side, by name or drawn at random.

    A subject is given by id (`01`), or `casme2/01` where two datasets have that id.

    Attributes:
        test: tested subjects; null if `share` draws them.
        train: training subjects; null for all others.
        valid: validation subjects; null draws some of the training subjects.
        share: share of tested people, between 0 and 1, drawn so that they resemble the others; null if `test` names them.
        seed: seed of this draw; independent of the run's seed, so that runs of several seeds test the same people.
    """

    test: tuple[str, ...] | None = None
    train: tuple[str, ...] | None = None
    valid: tuple[str, ...] | None = None
    share: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check that tested people are given in one way, and each subject on one side."""
        lists = {"test": self.test, "train": self.train, "valid": self.valid}
        named = {side: subjects for side, subjects in lists.items() if subjects is not None}
        self._check_share(named)
        for side, subjects in named.items():
            if side != "valid" and not subjects:
                raise ConfigError(f"protocol.{side} must name at least one subject")
        all_subjects = [subject for subjects in named.values() for subject in subjects]
        repeated = [subject for subject in all_subjects if all_subjects.count(subject) > 1]
        if repeated:
            raise ConfigError(
                f"protocol.test, protocol.train and protocol.valid name {repeated[0]!r} more than once: a subject may be on one "
                "side only"
            )

    def _check_share(self, named: Mapping[str, Sequence[str]]) -> None:
        """Check that tested people are given in one way, by name or by a share.

        Args:
            named: subjects of the sides that are named.
        """
        if (self.test is None) == (self.share is None):
            raise ConfigError(
                "protocol=holdout needs to know who is tested, by protocol.test=[01,02] or, drawn, by protocol.share=0.2: "
                f"{'neither is there' if self.share is None else 'both are there, give one'}"
            )
        if self.share is None:
            return
        if not 0 < self.share < 1:
            raise ConfigError(f"protocol.share must lie between 0 and 1, not {self.share:g}")
        if named:
            raise ConfigError(
                f"protocol.share draws the tested people, and protocol.{min(named)} names people: give one of both"
            )


def holdout(people: People, params: HoldoutParams) -> list[Fold]:
    """One fold, as the lists say or drawn.

    Raises:
        ConfigError: a subject is unknown, its id is that of two, or nobody is left to train on.

    >>> from mebench.core import Video
    >>> clips = [Video("casme2", f"{s:02d}", "EP01", 200.0, 90) for s in range(10)]
    >>> [(len(f.train), len(f.valid), len(f.test)) for f in holdout(People(clips), HoldoutParams(share=0.3))]
    [(6, 1, 3)]
    """
    if params.share is not None:
        return [_drawn_fold(people, params.share, params.seed)]
    return [_listed_fold(people, params)]


def _drawn_fold(people: People, share: float, seed: int) -> Fold:
    """The fold that tests a drawn share of the people."""
    refuse_single(people, "holding somebody out")
    n = min(max(1, round(share * len(people.persons))), len(people.persons) - 1)
    drawn = replace(people, seed=seed).draw_people(people.persons, n, "held out")
    return people.fold("holdout", [subject for person in drawn for subject in people.persons[person]])


def _listed_fold(people: People, params: HoldoutParams) -> Fold:
    """The fold of the named subjects."""
    test = _subjects(people, params.test or (), "test")
    valid = None if params.valid is None else _subjects(people, params.valid, "valid")
    train = None
    if params.train is not None:
        train = [*_subjects(people, params.train, "train"), *(valid or ())]
    named_untested = [*(train or ()), *(valid or ())]
    on_two_sides = [subject for subject in named_untested if subject in test]
    if on_two_sides:
        raise ConfigError(
            f"{on_two_sides[0]} is named on two sides, once by the id alone: a subject may be on one side only"
        )
    fold = people.fold("holdout", test, train, valid=valid)
    tested_under_other_id = {*named_untested} - {*fold.train, *fold.valid}
    if tested_under_other_id:
        raise ConfigError(
            f"{min(tested_under_other_id)} is tested under another id, so this person cannot train: remove the id from the list"
        )
    if not fold.train:
        raise ConfigError("protocol.valid names all untested people: leave some for training")
    return fold


def _subjects(people: People, names: Sequence[str], side: str) -> list[SubjectKey]:
    """The subjects of a side, sorted, each by its id or as `casme2/01`."""
    keys = []
    for name in names:
        fits = [subject for subject in people.subjects if name in (subject.subject, str(subject))]
        if not fits:
            known = [subject.subject for subject in people.subjects]
            if len(people.datasets) > 1:
                known = [str(subject) for subject in people.subjects]
            raise ConfigError(unknown(f"subject of protocol.{side}", name, known))
        if len(fits) > 1:
            raise ConfigError(
                f"protocol.{side} names {name!r}, which is {' and '.join(map(str, fits))}: write one of these"
            )
        keys += fits
    return sorted(keys)


HOLDOUT = Protocol(
    "holdout",
    "one split of subjects, by lists or drawn: those of protocol.test, or a share, are tested once by a model of the others",
    Card(
        needs="protocol.test=[…] or protocol.share=0.2, any task, short or long videos",
        trains="all untested people, or protocol.train=[…]",
        validates=f"protocol.valid=[…], or {'some of those who train, drawn as in loso'}",
        tests="the subjects of protocol.test=[…]; or protocol.share of the people, drawn with protocol.seed as a part of kfold is",
        scores="the predictions for them, and their truths alone",
        classes="the classes of scheme=NAME, by default of the dataset's first scheme",
        source="the user's own split",
    ),
    holdout,
    HoldoutParams,
)


def lovo(people: People, params: NoParams = NO_PARAMS) -> list[Fold]:
    """One fold for each video, tested by a model of all other videos.

    Other videos of the tested person train, too. Validation subjects are drawn among the other subjects, with all of their videos.

    Raises:
        ConfigError: fewer than two videos.
    """
    if len(people.videos) < 2:
        raise ConfigError(
            f"leaving one video out needs at least 2 videos, and this dataset has {len(people.videos)}: use one with more"
        )
    n_videos = Counter(video.subject_key for video in people.videos)
    folds = []
    for video in sorted(people.videos, key=lambda v: v.key):
        has_other_videos = n_videos[video.subject_key] > 1
        tested = [video.key] if has_other_videos else ()
        folds.append(people.fold(video.key, [video.subject_key], videos=tested, strangers=False))
    return folds


LOVO = Protocol(
    "lovo",
    "leave one video out: each video is tested by a model of all others, also of the same person",
    Card(
        needs="2 videos or more, any task, short or long videos",
        trains="all other videos, including those of the tested person",
        tests="each video once, in a fold of its own",
        scores="the predictions of all folds pooled",
        classes="the classes of scheme=NAME, by default of the dataset's first scheme",
        source="as described, with its bias, by Xie et al. 2020, arXiv 2012.11307",
        marks="subject_dependent: the model knows the person, so scores are too high for anybody new",
    ),
    lovo,
    subject_dependent=True,
)
