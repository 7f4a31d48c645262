"""Protocols: pure functions from videos to folds, found by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mebench.errors import ConfigError, unknown

if TYPE_CHECKING:  # listing the protocols needs no numpy
    from mebench.core.types import Fold, Video

PROTOCOLS: dict[str, str] = {
    "loso": "leave one subject out: each subject is tested once by a model that never saw them",
}


def folds(protocol: str, videos: Sequence[Video], seed: int, validation: float) -> list[Fold]:
    """The folds of a protocol, sorted by key.

    Args:
        protocol: one of `PROTOCOLS`.
        videos: the dataset's videos in any order.
        seed: draws the inner validation subjects.
        validation: share of the training subjects that validate, rounded, at least one.

    Raises:
        ConfigError: unknown protocol, or a dataset that it cannot serve.
    """
    if protocol == "loso":
        from mebench.protocols.loso import loso

        return loso(videos, seed, validation)
    raise ConfigError(unknown("protocol", protocol, PROTOCOLS, "See them with: mebench list protocols"))
