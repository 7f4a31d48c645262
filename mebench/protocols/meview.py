"""In the wild: MEVIEW."""

from __future__ import annotations

from mebench.core.dataset import Dataset
from mebench.core.types import Fold, Scheme
from mebench.errors import ConfigError
from mebench.protocols.databases import across, listed
from mebench.protocols.loso import loso
from mebench.protocols.people import People
from mebench.protocols.protocol import NOTHING, Card, NoParams, Protocol

WILD = "meview"
CLASSES = ("negative", "positive", "surprise")


def meview(people: People, params: NoParams = NOTHING) -> list[Fold]:
    """MEVIEW alone: one fold for each of its people. Beside others: one fold that trains on them and tests MEVIEW unseen.

    Raises:
        ConfigError: MEVIEW is not there.
    """
    if WILD not in people.datasets:
        raise ConfigError(
            f"protocol meview tests MEVIEW, and {listed(people.datasets)} lacks it: take dataset=meview, or add it to those that "
            "train, for example dataset=[casme2,samm,meview]"
        )
    laboratories = [name for name in people.datasets if name != WILD]
    return [across(people, laboratories, [WILD])] if laboratories else loso(people)


def three_classes(dataset: Dataset) -> Scheme:
    """The three classes of all datasets, whatever each of them calls its scheme.

    Raises:
        ConfigError: a dataset has no such scheme.
    """
    members = getattr(dataset, "members", None) or {"": dataset}
    mapping: dict[str, str] = {}
    excluded: frozenset[str] = frozenset()
    for name, member in members.items():
        fits = [s for s in member.schemes.values() if set(s.classes) == set(CLASSES) and s.by == "emotion"]
        if not fits:
            raise ConfigError(
                f"protocol meview scores negative, positive and surprise, and no scheme of {name or 'the dataset'} has these "
                f"classes (it has {', '.join(member.schemes)}): train on other datasets"
            )
        prefix = f"{name}:" if name else ""
        mapping |= {prefix + label: class_ for label, class_ in fits[0].mapping.items()}
        excluded |= fits[0].excluded
    return Scheme("three", CLASSES, mapping, excluded=excluded)


MEVIEW = Protocol(
    "meview",
    "in the wild: MEVIEW by leaving one subject out, or unseen after training on laboratory datasets",
    Card(
        needs="dataset=meview, or any composite with it, for example dataset=[casme2,samm,meview]",
        trains="dataset=meview: its other subjects (the paper's setting); a composite: all laboratory datasets, and nobody of "
        "MEVIEW",
        tests="dataset=meview: each of its subjects once; a composite: all of MEVIEW, k and k' being the laboratories' durations "
        "at 25 frames per second",
        scores="one interval a video, its highest peak: ASR and F1 of spotting, and F1, UF1 and UAR of the emotion over all "
        "spotted intervals, pooled over folds",
        classes="negative, positive, surprise: the first scheme of each dataset with these classes",
        source="MEAN (Liong, See and Chan 2023, doi 10.1016/j.image.2022.116875), section 5.3 and Table 10: 21 clips of 14 people, "
        "k' = 6 (dataset.subset=FILE names those clips); training on laboratories alone is mebench's, and harder",
    ),
    meview,
    scheme=three_classes,
)
