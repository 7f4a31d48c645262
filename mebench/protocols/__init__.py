"""Protocols: pure functions from videos to folds, found by name, each with a card."""

from typing import Any

from mebench.core import Fold
from mebench.errors import ConfigError, unknown
from mebench.protocols.across import CDMER, CROSS_SPOTTING, LODO
from mebench.protocols.challenges import MEGC2018, MEGC2019_CDE, MEGC_SPOTTING, MEVIEW
from mebench.protocols.people import People
from mebench.protocols.protocol import Card, Protocol
from mebench.protocols.within import HOLDOUT, KFOLD, LOSO, LOVO

_ALL = (LOSO, KFOLD, HOLDOUT, LOVO, LODO, MEGC2018, MEGC2019_CDE, CDMER, MEGC_SPOTTING, CROSS_SPOTTING, MEVIEW)
PROTOCOLS = {protocol.name: protocol for protocol in sorted(_ALL, key=lambda protocol: protocol.name)}
"""By name, sorted."""

__all__ = ["PROTOCOLS", "Card", "People", "Protocol", "find", "folds"]


def find(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PROTOCOLS:
        raise ConfigError(unknown("protocol", name, PROTOCOLS, "See them with: mebench list protocols"))
    return PROTOCOLS[name]


def folds(protocol: str, people: People, params: Any = None) -> list[Fold]:
    """The folds of a protocol.

    Args:
        protocol: its name.
        people: who is seen, and how those who validate are drawn.
        params: of the protocol; None takes its defaults.

    Raises:
        ConfigError: unknown protocol, or a dataset that it cannot serve.
    """
    found = find(protocol)
    return found.make(people, found.params() if params is None else params)
