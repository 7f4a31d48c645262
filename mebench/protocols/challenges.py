"""The challenges of MEGC and of DFME, CAS(ME)3, and MEVIEW, in the wild."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from mebench.core import Dataset, Scheme
from mebench.core.types import THREE, Fold
from mebench.errors import ConfigError
from mebench.grouping import group_by
from mebench.protocols.across import dataset_setting, fold_across, need_exactly, need_long, only_on
from mebench.protocols.people import People
from mebench.protocols.protocol import NO_PARAMS, Card, NoParams, Protocol
from mebench.protocols.within import loso, refuse_single

MEMBERS = ("casme2", "samm")
TO_V = Scheme(
    "megc2018", ("I", "II", "III", "IV", "V"), {c.lower(): c for c in ("I", "II", "III", "IV", "V")}, by="objective"
)
"""The first five objective classes, which follow from the action units (Davison et al. 2018, arXiv 1708.07549)."""


@dataclass(frozen=True)
class Megc2018Params:
    """The part of the challenge.

    Attributes:
        part: `holdout`: train on one database, test on the other, and back; `composite`: leave one subject out over both.
    """

    part: Literal["holdout", "composite"] = "holdout"


def megc2018(people: People, params: Megc2018Params = Megc2018Params()) -> list[Fold]:
    """Two folds, CASME II to SAMM and back; or one for each subject of both.

    Raises:
        ConfigError: other datasets than the two.
    """
    need_exactly(people, "megc2018", MEMBERS)
    if params.part == "composite":
        return loso(people)
    return [fold_across(people, [one], [other]) for one, other in (MEMBERS, MEMBERS[::-1])]


MEGC2018 = Protocol(
    "megc2018",
    "MEGC 2018 cross-database: CASME II and SAMM, objective classes I to V, from one to the other or pooled",
    Card(
        needs="dataset=[casme2,samm] and a method that recognizes",
        trains="holdout: the other database; composite (protocol.part=composite): all other subjects of both",
        tests="holdout: SAMM, then CASME II; composite: each of the 47 subjects with a scored clip once",
        scores="holdout: each direction by itself and their mean, of which the challenge ranks weighted recall (accuracy) and "
        "unweighted recall (UAR); composite: UF1 and weighted F1 of all folds pooled; 253 clips, 185 and 68",
        classes="objective classes I to V, whatever emotion was annotated. The published table of classes gives 172 of the 185 "
        "clips of CASME II with its sheet of 2014, and the column of 2019 gives 174: mebench info casme2 explains clip by clip",
        source="Yap et al. 2018, doi 10.1109/FG.2018.00106",
    ),
    megc2018,
    Megc2018Params,
    tasks=frozenset({"recognize"}),
    scheme=lambda dataset: TO_V,
    scored_only=True,
    scored_each=lambda params: params.part == "holdout",
    expects=lambda params: (253, 47),
)


RAW = ("smic_hs", "casme2", "samm")
READY = ("smic", "casme2", "samm")
"""The same three as the ready-made maps call them."""


MEGC2019_CDE = Protocol(
    "megc2019_cde",
    "MEGC 2019 composite: SMIC, CASME II and SAMM pooled, three classes, 442 clips, 68 subjects",
    Card(
        needs="dataset=[smic_hs,casme2,samm], megc2019_flow or megc2019_two_phase, and a method that recognizes",
        trains="all other subjects of the three databases together",
        tests="each of the 68 subjects with a scored clip once (16 of SMIC, 24 of CASME II, 28 of SAMM), in a fold of its own",
        scores="the answers of all folds pooled: UF1 and UAR over 442 clips, and over the clips of each database from the same "
        "answers",
        classes="negative, positive, surprise (scheme megc2019)",
        source="See et al. 2019, doi 10.1109/FG.2019.8756611",
    ),
    partial(
        only_on,
        make=loso,
        protocol="megc2019_cde",
        choices=[RAW, READY],
        hint=f"dataset=[{','.join(RAW)}], dataset=megc2019_flow or dataset=megc2019_two_phase",
    ),
    tasks=frozenset({"recognize"}),
    scheme="megc2019",
    scored_only=True,
    expects=lambda params: (442, 68),
)


def megc_spotting(people: People, params: NoParams = NO_PARAMS) -> list[Fold]:
    """One fold for each person, tested by a model of the dataset's other people.

    Raises:
        ConfigError: short videos, or a dataset of one person.
    """
    need_long(people, "megc_spotting")
    for dataset in people.datasets:
        refuse_single(People([v for v in people.videos if v.dataset == dataset], person=people.person), dataset)
    return sorted(
        (people.fold(str(subject), [subject], people.find_subjects([subject.dataset])) for subject in people.subjects),
        key=lambda fold: fold.key,
    )


MEGC_SPOTTING = Protocol(
    "megc_spotting",
    "MEGC spotting: macro- and micro-expressions in long videos, leaving one subject out within each dataset",
    Card(
        needs="long videos: dataset=cas_me2, samm_lv or casme3, or several of them, and a method that spots",
        trains="all other subjects of the same dataset",
        tests="each subject once, in a fold of its own",
        scores="micro, macro and overall, which sums the true and false positives and the misses of both kinds; each dataset, "
        "and all of them pooled by the same sums; every video counts, with or without expressions",
        classes="none",
        convention="strict, where every video counts; convention=softnet2021 counts only videos with an "
        "expression of the kind and matches like the released code behind most published numbers, "
        "convention=megc2020 is the baseline's",
        source="Li et al. 2020, MEGC2020 - The Third Facial Micro-Expression Grand Challenge, FG 2020; baseline: He et al. 2020, "
        "arXiv 1912.11985",
    ),
    megc_spotting,
    tasks=frozenset({"spot"}),
    every_kind=True,
)


@dataclass(frozen=True)
class DfmeParams:
    """The test set, one of two.

    Attributes:
        test: `A`, which chose the finalists, `B`, which ranked them, or both, each by itself.
    """

    test: Literal["A", "B", "both"] = "both"


def dfme(people: People, params: DfmeParams = DfmeParams()) -> list[Fold]:
    """One fold for each test set, tested by a model of the training set.

    Raises:
        ConfigError: another dataset, or one of the sets is not there.
    """
    need_exactly(people, "dfme", ["dfme"])
    sets = group_by(people.subjects, key=people.split)
    tests = ["test_A", "test_B"] if params.test == "both" else [f"test_{params.test}"]
    if lacking := [name for name in ("train", *tests) if name not in sets]:
        raise ConfigError(
            f"protocol dfme needs the set {lacking[0]} of DFME, and there is {', '.join(filter(None, sets)) or 'none'}: put the sheet of "
            "each set below dataset.root, or choose protocol.test=A or B"
        )
    return [people.fold(name, sets[name], sets["train"]) for name in tests]


DFME = Protocol(
    "dfme",
    "DFME's challenge: seven emotions, trained on the training set, tested on test set A, B, or both",
    Card(
        needs="dataset=dfme with the sheets of its three sets, and a method that recognizes",
        trains="the training set: 1,856 clips of 176 people",
        tests="test set A, 474 clips of 42 people, and B, 299 clips of 41 people, each in a fold of its own "
        "(protocol.test=A or B for one of them); no person is in two sets",
        scores="each test set by itself, and their mean: UF1, by which the challenge ranks, UAR and accuracy",
        classes="happiness, anger, contempt, disgust, fear, sadness, surprise (scheme seven)",
        source="DFME micro-expression recognition challenge of CCAC 2024, https://mea-lab-421.github.io/CCAC-page; dataset: Zhao et al. "
        "2024, doi 10.1109/TAFFC.2023.3341918",
    ),
    dfme,
    DfmeParams,
    tasks=frozenset({"recognize"}),
    schemes={"seven": (2629, 259)},
    scheme="seven",
    scored_only=True,
    scored_each=lambda params: True,
)


CASME3 = Protocol(
    "casme3",
    "CAS(ME)3, part A: micro-expressions in three, four or seven classes, leaving one subject out",
    Card(
        needs="dataset=casme3 (part A) and a method that recognizes",
        trains="all other subjects",
        tests="each subject once, in a fold of its own",
        scores="the answers of all folds pooled: UF1 and UAR",
        classes="scheme=three (the default): negative 457 (disgust, fear, anger, sad), positive 55 (happy), surprise 187, 699 clips of "
        "88 people; scheme=four: the same and others 161, 860 clips of 94 people; scheme=seven: disgust 250, surprise 187, others "
        "161, fear 86, anger 64, sad 57, happy 55. These are the counts of the sheets of version 2; of version 1, which has 921, "
        "disgust 275, surprise 199, others 166, fear 91, anger 67, sad 63, happy 60",
        source="Li et al. 2023, CAS(ME)3, doi 10.1109/TPAMI.2022.3174895; counts of the sheets at "
        "github.com/jingtingEmmaLi/CAS-ME-3. Published numbers rest on other lists too: that of HTNet (arXiv 2307.14637) has 687 of "
        "the 699 clips, 449, 54 and 184",
    ),
    partial(only_on, make=loso, protocol="casme3", choices=[["casme3"]]),
    tasks=frozenset({"recognize"}),
    scheme="three",
    schemes={"three": (699, 88), "four": (860, 94), "seven": (860, 94)},
    scored_only=True,
)


WILD = "meview"


def meview(people: People, params: NoParams = NO_PARAMS) -> list[Fold]:
    """MEVIEW alone: one fold for each of its people. Beside others: one fold that trains on them and tests MEVIEW unseen.

    Raises:
        ConfigError: MEVIEW is not there.
    """
    if WILD not in people.datasets:
        raise ConfigError(
            f"protocol meview tests MEVIEW, and {dataset_setting(people.datasets)} lacks it: take dataset=meview, or add it to those that "
            "train, for example dataset=[casme2,samm,meview]"
        )
    laboratories = [name for name in people.datasets if name != WILD]
    return [fold_across(people, laboratories, [WILD])] if laboratories else loso(people)


def three_shared_classes(dataset: Dataset) -> Scheme:
    """The three classes of all datasets, under each dataset's own name of the scheme.

    Raises:
        ConfigError: a dataset has no such scheme.
    """
    members = getattr(dataset, "members", None) or {"": dataset}
    mapping = dict[str, str]()
    excluded = frozenset[str]()
    for name, member in members.items():
        fits = [s for s in member.schemes.values() if set(s.classes) == set(THREE) and s.by == "emotion"]
        if not fits:
            raise ConfigError(
                f"protocol meview scores negative, positive and surprise, and no scheme of {name or 'the dataset'} has these "
                f"classes (it has {', '.join(member.schemes)}): train on other datasets"
            )
        prefix = f"{name}:" if name else ""
        mapping |= {prefix + label: class_ for label, class_ in fits[0].mapping.items()}
        excluded |= fits[0].excluded
    return Scheme("three", THREE, mapping, excluded=excluded)


MEVIEW = Protocol(
    "meview",
    "in the wild: MEVIEW by leaving one subject out, or unseen after training on laboratory datasets",
    Card(
        needs="dataset=meview, or any composite with it, for example dataset=[casme2,samm,meview]",
        trains="dataset=meview: its other subjects (the paper's setting); a composite: all laboratory datasets, "
        "without MEVIEW",
        tests="dataset=meview: each of its subjects once; a composite: all of MEVIEW, k and k' being the laboratories' durations "
        "at 25 frames per second",
        scores="one interval a video, its highest peak: ASR and F1 of spotting, and F1, UF1 and UAR of the emotion over all "
        "spotted intervals, pooled over folds",
        classes="negative, positive, surprise: the first scheme of each dataset with these classes",
        source="MEAN (Liong, See and Chan 2023, doi 10.1016/j.image.2022.116875), section 5.3 and Table 10: 21 clips of 14 people, "
        "k' = 6 (dataset.subset=FILE names those clips); training on laboratories alone is mebench's, and harder",
    ),
    meview,
    scheme=three_shared_classes,
)
