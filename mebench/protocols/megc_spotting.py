"""The spotting challenges of MEGC on long videos."""

from __future__ import annotations

from mebench.core.types import Fold
from mebench.protocols.databases import need_long
from mebench.protocols.loso import refuse_single
from mebench.protocols.people import People
from mebench.protocols.protocol import NOTHING, Card, NoParams, Protocol


def megc_spotting(people: People, params: NoParams = NOTHING) -> list[Fold]:
    """One fold for each person, tested by a model of the others of the same dataset.

    Raises:
        ConfigError: short videos, or a dataset of one person.
    """
    need_long(people, "megc_spotting")
    folds = []
    for dataset in people.datasets:
        own = people.of([dataset])
        refuse_single(People([v for v in people.videos if v.dataset == dataset], person=people.person), dataset)
        folds += [people.fold(str(subject), [subject], own) for subject in own]
    return sorted(folds, key=lambda fold: fold.key)


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
        convention="strict, where every video counts; convention=softnet2021 counts only videos with an expression of the kind "
        "and has the matching of the released code that most published numbers come from, convention=megc2020 is the "
        "baseline's",
        source="Li et al. 2020, MEGC2020 - The Third Facial Micro-Expression Grand Challenge, FG 2020; baseline: He et al. 2020, "
        "arXiv 1912.11985",
    ),
    megc_spotting,
    tasks=frozenset({"spot"}),
    every_kind=True,
)
