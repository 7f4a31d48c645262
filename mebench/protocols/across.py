"""Folds across databases."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations, product
from typing import Literal

from mebench.core import Scheme
from mebench.core.types import THREE, Fold
from mebench.errors import ConfigError, check_known, refuse_if
from mebench.protocols.people import People
from mebench.protocols.protocol import NO_PARAMS, Card, NoParams, Protocol


def dataset_setting(names: Collection[str]) -> str:
    """Datasets in the form of the command line.

    >>> dataset_setting(["samm"]), dataset_setting(["casme2", "samm"])
    ('dataset=samm', 'dataset=[casme2,samm]')
    """
    return f"dataset={next(iter(names))}" if len(names) == 1 else f"dataset=[{','.join(names)}]"


def need_exactly(people: People, protocol: str, *choices: Sequence[str], hint: str = "") -> None:
    """Raise a ConfigError unless the datasets are one of the choices."""
    if not any(set(choice) == set(people.datasets) for choice in choices):
        wanted = hint or " or ".join(map(dataset_setting, choices))
        raise ConfigError(
            f"protocol {protocol} is defined on {wanted}, not on {dataset_setting(people.datasets)}: choose that, or protocol=loso for "
            "any dataset"
        )


def only_on(
    people: People,
    params: NoParams = NO_PARAMS,
    *,
    make: Callable[[People], list[Fold]],
    protocol: str,
    choices: Sequence[Sequence[str]],
    hint: str = "",
) -> list[Fold]:
    """The folds of another protocol, for one that is defined on certain datasets.

    Raises:
        ConfigError: other datasets.
    """
    need_exactly(people, protocol, *choices, hint=hint)
    return make(people)


def need_long(people: People, protocol: str) -> None:
    """Raise a ConfigError if the videos are short ones of one expression each."""
    if short := [name for name in people.datasets if people.short.get(name)]:
        raise ConfigError(
            f"protocol {protocol} spots in long videos, but {short[0]} holds short ones of one expression each: "
            "choose among cas_me2, samm_lv and casme3, or protocol=loso for short videos"
        )


def need_several(people: People, what: str) -> None:
    """Raise a ConfigError if there are fewer than two datasets."""
    if len(people.datasets) < 2:
        raise ConfigError(
            f"{what} needs at least 2 datasets, and this run has {dataset_setting(people.datasets)}: write for example "
            "dataset=[casme2,samm]"
        )


def fold_across(people: People, train: Collection[str], test: Collection[str], *, strangers: bool = True) -> Fold:
    """The fold that trains on some datasets and tests others; its key names both sides."""
    key = f"{'+'.join(sorted(train))}-to-{'+'.join(sorted(test))}"
    return people.fold(key, people.find_subjects(test), people.find_subjects(train), strangers=strangers)


def lodo(people: People, params: NoParams = NO_PARAMS) -> list[Fold]:
    """One fold for each dataset, tested by a model of all the others; its people do not train under another id.

    Raises:
        ConfigError: fewer than two datasets, or the others show no other person.
    """
    need_several(people, "leaving one dataset out")
    return [
        people.fold(name, people.find_subjects([name]), [s for s in people.subjects if s.dataset != name])
        for name in people.datasets
    ]


LODO = Protocol(
    "lodo",
    "leave one dataset out: each dataset of a composite is tested once by a model of all others",
    Card(
        needs="2 datasets or more, dataset=[…], with a task in common; any scheme that all of them have",
        trains="all other datasets, without people of the tested one under other ids",
        tests="each dataset once, in a fold of its own; k and k' are the training set's durations at its own frame rate",
        scores="the predictions of all folds pooled, and each dataset by itself",
        classes="the classes of scheme=NAME, by default of the first scheme that all datasets have; for action "
        "units scheme=AU12 (shown or absent), with -m scheme=AU1,AU2,AU4, or all at once, scheme=AUs, and scheme=objective for the "
        "classes I to VII of their combinations",
        source="Varanka et al. 2023, Data Leakage and Evaluation Issues in Micro-Expression Analysis, arXiv 2211.11425, who leave "
        "out each of six datasets and score F1 of each action unit; they learn all units in one network, as scheme=AUs does",
    ),
    lodo,
)


def pairs(people: People, params: NoParams = NO_PARAMS) -> list[Fold]:
    """One fold for each ordered pair of datasets, from one to the other.

    Nobody is on both sides.

    Raises:
        ConfigError: fewer than two datasets, or a pair shows the same people alone.
    """
    need_several(people, "going from one dataset to another")
    return [fold_across(people, [one], [other]) for one, other in permutations(people.datasets, 2)]


PAIRS = Protocol(
    "pairs",
    "from one dataset to another: each ordered pair of a composite's datasets, trained on one and tested on the other",
    Card(
        needs="2 datasets or more, dataset=[…], and a method that recognizes; any scheme that all of them have",
        trains="one dataset, without people of the tested one under other ids",
        tests="another dataset, in a fold of its own for each ordered pair",
        scores="each pair by itself, and the mean over pairs",
        classes="the classes of scheme=NAME, by default of the first scheme that all datasets have",
        source="the holdout-database evaluation of MEGC 2018 (protocol=megc2018) and the tasks of CDMER (protocol=cdmer), on any datasets",
    ),
    pairs,
    tasks=frozenset({"recognize"}),
    scored_each=lambda params: True,
)


SIX = ("casme", "casme2", "samm", "mmew", "four_dme", "casme3")
UNITS = tuple(f"AU{number}" for number in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17))


CD6ME = Protocol(
    "cd6me",
    "CD6ME: twelve action units over six datasets, each dataset tested once by a model of the five others",
    Card(
        needs="dataset=[casme,casme2,samm,mmew,four_dme,casme3] (part A of CAS(ME)3) and a method that recognizes; one unit a run: "
        "mebench run -m protocol=cd6me scheme=AU1,AU2,AU4,AU5,AU6,AU7,AU9,AU10,AU12,AU14,AU15,AU17; or all in one run: scheme=AUs",
        trains="the five other datasets",
        tests="each dataset once, in a fold of its own",
        scores="F1 of each unit over the answers of all six folds pooled, which the sweep averages over the twelve units, and F1 on "
        "each dataset; with scheme=AUs UF1 and UAR over the units, each present or absent, and Jaccard",
        classes="each unit: shown or absent. The paper counts 2,031 clips (CASME 189, CASME II 256, SAMM 159, 4DME 267, MMEW 300, "
        "CAS(ME)3 860) and shows AU1 304 times, AU2 280, AU4 708, AU5 134, AU6 60, AU7 252, AU9 117, AU10 75, AU12 176, AU14 277, "
        "AU15 52, AU17 86. mebench reads the sheets as released: 255 clips of CASME II, a unit that is one of two counts as shown "
        "(the paper chose between them by optical flow), and a clip without units is left out; with scheme=AUs one without the twelve",
        source="Varanka et al. 2022, Data Leakage and Evaluation Issues in Micro-Expression Analysis, arXiv 2211.11425, Table 4 and "
        "its program; they learn all units in one network, as scheme=AUs does",
    ),
    partial(only_on, make=lodo, protocol="cd6me", choices=[SIX]),
    tasks=frozenset({"recognize"}),
    schemes=dict.fromkeys((*UNITS, "AUs")),
    scored_only=True,
)


SMIC = ("smic_hs", "smic_vis", "smic_nir")
OTHER = "casme2"
THREE_OF_BOTH = Scheme(
    "cdmer",
    THREE,
    {
        **dict.fromkeys((f"{OTHER}:disgust", f"{OTHER}:repression"), "negative"),
        f"{OTHER}:happiness": "positive",
        **{f"{OTHER}:{name}": name for name in THREE},  # as features are published whose labels were merged before
        **{f"{smic}:{name}": name for smic, name in product(SMIC, THREE)},
    },
)
"""SMIC's own three classes, and four labels of CASME II in the same three."""


@dataclass(frozen=True)
class CdmerParams:
    """The tasks.

    Attributes:
        type: `I`: between any two recordings of SMIC; `II`: between CASME II and each of them.
    """

    type: Literal["I", "II"] = "I"


def cdmer(people: People, params: CdmerParams = CdmerParams()) -> list[Fold]:
    """A fold for each ordered pair of datasets: six of a type, fewer if recordings are left out.

    Raises:
        ConfigError: other datasets, or no pair.
    """
    eligible = SMIC if params.type == "I" else (*SMIC, OTHER)
    strange = [name for name in people.datasets if name not in eligible]
    pairs = list(permutations([name for name in eligible if name in people.datasets], 2))
    if params.type == "II":
        pairs = [pair for pair in pairs if OTHER in pair]
    refuse_if(
        (
            strange,
            f"protocol cdmer with protocol.type={params.type} is defined on {', '.join(eligible)}, not on {', '.join(strange)}: "
            "choose among these, or protocol=loso for any dataset",
        ),
        (
            not pairs,
            f"protocol cdmer with protocol.type={params.type} goes from one dataset to another, and {dataset_setting(people.datasets)} has "
            f"no such pair: choose {dataset_setting(eligible)}",
        ),
    )
    # The recordings of SMIC show the same people: the benchmark trains on those whom it tests.
    return [fold_across(people, [one], [other], strangers=params.type == "II") for one, other in pairs]


CDMER = Protocol(
    "cdmer",
    "CDMER: from one of SMIC HS, VIS and NIR to another (type I), or between CASME II and each of them (type II)",
    Card(
        needs="dataset=[smic_hs,smic_vis,smic_nir], for protocol.type=II dataset=[casme2,smic_hs,smic_vis,smic_nir], and a method "
        "that recognizes",
        trains="all subjects of one dataset",
        tests="all subjects of another, in a fold of its own for each ordered pair",
        scores="each pair by itself, and the mean over pairs: F1 of the classes (UF1) and accuracy are the benchmark's",
        classes="negative, positive, surprise; of CASME II disgust and repression, happiness, surprise",
        source="Zhang et al. 2020, Cross-Database Micro-Expression Recognition: A Benchmark, arXiv 1812.07742",
        marks="subject_dependent for type I: the recordings of SMIC show the same people in training and test",
    ),
    cdmer,
    CdmerParams,
    tasks=frozenset({"recognize"}),
    scheme=lambda dataset: THREE_OF_BOTH,
    scored_only=True,
    scored_each=lambda params: True,
    subject_dependent=True,
)


@dataclass(frozen=True)
class CrossSpottingParams:
    """The training and the test dataset, both from `dataset=[…]`.

    Attributes:
        train: datasets to train on.
        test: datasets to test.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check that no dataset is on both sides."""
        if not self.train or not self.test:
            raise ConfigError("protocol.train and protocol.test must each name at least one dataset")
        if both := {*self.train} & {*self.test}:
            raise ConfigError(
                f"protocol.train and protocol.test both name {min(both)!r}: to test within it take protocol=loso"
            )


def cross_spotting(people: People, params: CrossSpottingParams) -> list[Fold]:
    """One fold from the training datasets to the tested ones.

    Raises:
        ConfigError: a dataset is none of the run, is in no list, or holds short videos.
    """
    for side in ("train", "test"):
        for name in getattr(params, side):
            hint = f"Give all of them with dataset=[…], for example {dataset_setting(sorted({*people.datasets, name}))}"
            check_known(f"dataset of protocol.{side}", name, people.datasets, hint)
    if idle := [name for name in people.datasets if name not in (*params.train, *params.test)]:
        raise ConfigError(
            f"{idle[0]} is in neither protocol.train nor protocol.test: put it into one, or leave it out with "
            f"{dataset_setting(sorted({*params.train, *params.test}))}"
        )
    need_long(people, "cross_spotting")
    return [fold_across(people, params.train, params.test)]


CROSS_SPOTTING = Protocol(
    "cross_spotting",
    "spotting across databases: train on some long-video datasets, test on others at their own frame rates",
    Card(
        needs="long videos: dataset=[cas_me2,samm_lv], casme3 or others, protocol.train=[cas_me2] protocol.test=[samm_lv]",
        trains="the datasets of protocol.train, without people of the tested ones under other ids",
        tests="the datasets of protocol.test. Durations carry over, not frames: k spans 100 ms at each rate, rounded up (3 "
        "frames at 30 per second, 20 at 200), and k' is half the mean duration of the training expressions, in ms, counted in "
        "frames of the tested dataset",
        scores="micro- and macro-expressions and both together, pooled and for each tested dataset; all of its videos count",
        classes="none",
        source="mebench; no such numbers are published yet",
    ),
    cross_spotting,
    CrossSpottingParams,
    tasks=frozenset({"spot"}),
    every_kind=True,
)
