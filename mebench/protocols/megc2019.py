"""The composite database evaluation of MEGC 2019."""

from __future__ import annotations

from mebench.core.types import Fold
from mebench.protocols.databases import need_exactly
from mebench.protocols.loso import loso
from mebench.protocols.people import People
from mebench.protocols.protocol import NOTHING, Card, NoParams, Protocol

RAW = ("smic_hs", "casme2", "samm")
READY = ("smic", "casme2", "samm")
"""The same three as the ready-made maps call them."""


def megc2019_cde(people: People, params: NoParams = NOTHING) -> list[Fold]:
    """Leave one subject out over the three databases pooled.

    Raises:
        ConfigError: other datasets than the three.
    """
    need_exactly(people, "megc2019_cde", RAW, READY, hint=f"dataset=[{','.join(RAW)}] or dataset=megc2019_flow")
    return loso(people)


MEGC2019_CDE = Protocol(
    "megc2019_cde",
    "MEGC 2019 composite: SMIC, CASME II and SAMM pooled, three classes, 442 clips, 68 subjects",
    Card(
        needs="dataset=[smic_hs,casme2,samm] or dataset=megc2019_flow, and a method that recognizes",
        trains="all other subjects of the three databases together",
        tests="each of the 68 subjects with a scored clip once (16 of SMIC, 24 of CASME II, 28 of SAMM), in a fold of its own",
        scores="the answers of all folds pooled: UF1 and UAR over 442 clips, and over the clips of each database from the same "
        "answers",
        classes="negative, positive, surprise (scheme megc2019)",
        source="See et al. 2019, doi 10.1109/FG.2019.8756611",
    ),
    megc2019_cde,
    tasks=frozenset({"recognize"}),
    scheme="megc2019",
    scored_only=True,
    expects=lambda params: (442, 68),
)
