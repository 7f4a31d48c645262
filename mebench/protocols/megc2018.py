"""The cross-database challenge of MEGC 2018."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mebench.core.dataset import Dataset
from mebench.core.types import Fold, Scheme
from mebench.protocols.databases import across, need_exactly
from mebench.protocols.loso import loso
from mebench.protocols.people import People
from mebench.protocols.protocol import Card, Protocol

MEMBERS = ("casme2", "samm")
CLASSES = ("I", "II", "III", "IV", "V")


@dataclass(frozen=True)
class Megc2018Params:
    """Which part of the challenge.

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
    return [across(people, [one], [other]) for one, other in (MEMBERS, MEMBERS[::-1])]


def objective_to_v(dataset: Dataset) -> Scheme:
    """The first five objective classes, which follow from the action units (Davison et al. 2018, arXiv 1708.07549)."""
    return Scheme("megc2018", CLASSES, {name.lower(): name for name in CLASSES}, by="objective")


MEGC2018 = Protocol(
    "megc2018",
    "MEGC 2018 cross-database: CASME II and SAMM, objective classes I to V, from one to the other or pooled",
    Card(
        needs="dataset=[casme2,samm] and a method that recognizes",
        trains="holdout: the other database; composite (protocol.part=composite): all other subjects of both",
        tests="holdout: SAMM, then CASME II; composite: each of the 47 subjects with a scored clip once",
        scores="holdout: each direction by itself and their mean, of which the challenge ranks weighted recall (accuracy) and "
        "unweighted recall (UAR); composite: UF1 and weighted F1 of all folds pooled; 253 clips, 185 and 68",
        classes="objective classes I to V, whatever emotion was annotated",
        source="Yap et al. 2018, doi 10.1109/FG.2018.00106",
    ),
    megc2018,
    Megc2018Params,
    tasks=frozenset({"recognize"}),
    scheme=objective_to_v,
    scored_only=True,
    scored_each=lambda params: params.part == "holdout",
    expects=lambda params: (253, 47),
)
