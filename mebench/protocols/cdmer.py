"""The benchmark of cross-database recognition of Zhang et al.: SMIC's three recordings, and CASME II."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from mebench.core.dataset import Dataset
from mebench.core.types import Fold, Scheme
from mebench.errors import ConfigError
from mebench.protocols.databases import across, listed, need_some
from mebench.protocols.people import People
from mebench.protocols.protocol import Card, Protocol

SMIC = ("smic_hs", "smic_vis", "smic_nir")
OTHER = "casme2"
CLASSES = ("negative", "positive", "surprise")
OF_CASME2 = {"disgust": "negative", "repression": "negative", "happiness": "positive", "surprise": "surprise"}


@dataclass(frozen=True)
class CdmerParams:
    """Which tasks.

    Attributes:
        type: `I`: between any two recordings of SMIC; `II`: between CASME II and each of them.
    """

    type: Literal["I", "II"] = "I"


def cdmer(people: People, params: CdmerParams = CdmerParams()) -> list[Fold]:
    """A fold for each ordered pair of datasets: six of type I, six of type II; fewer where recordings are left out.

    Raises:
        ConfigError: other datasets, or no pair.
    """
    able = SMIC if params.type == "I" else (*SMIC, OTHER)
    need_some(people, f"cdmer with protocol.type={params.type}", able, ", ".join(able))
    pairs = [
        pair
        for pair in permutations([name for name in able if name in people.datasets], 2)
        if params.type == "I" or OTHER in pair
    ]
    if not pairs:
        raise ConfigError(
            f"protocol cdmer with protocol.type={params.type} goes from one dataset to another, and {listed(people.datasets)} has "
            f"no such pair: choose {listed(able)}"
        )
    # The recordings of SMIC show the same people: the benchmark trains on those whom it tests.
    return [across(people, [one], [other], strangers=params.type == "II") for one, other in pairs]


def three_classes(dataset: Dataset) -> Scheme:
    """SMIC's own three classes, and four labels of CASME II in the same three."""
    mapping = {f"{OTHER}:{label}": name for label, name in OF_CASME2.items()}
    return Scheme("cdmer", CLASSES, mapping | {f"{smic}:{name}": name for smic in SMIC for name in CLASSES})


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
        marks="subject_dependent for type I: the recordings of SMIC show the same people, who train and are tested",
    ),
    cdmer,
    CdmerParams,
    tasks=frozenset({"recognize"}),
    scheme=three_classes,
    scored_only=True,
    scored_each=lambda params: True,
    subject_dependent=True,
)
