"""Spotting on long videos of one dataset, learnt on others."""

from __future__ import annotations

from dataclasses import dataclass

from mebench.core.types import Fold
from mebench.errors import ConfigError
from mebench.protocols.databases import across, listed, need_known, need_long
from mebench.protocols.people import People
from mebench.protocols.protocol import Card, Protocol


@dataclass(frozen=True)
class CrossSpottingParams:
    """From where to where; both are among `dataset=[…]`.

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
        both = sorted(set(self.train) & set(self.test))
        if both:
            raise ConfigError(
                f"protocol.train and protocol.test both name {both[0]!r}: to test within it take protocol=loso"
            )


def cross_spotting(people: People, params: CrossSpottingParams) -> list[Fold]:
    """One fold from the training datasets to the tested ones.

    Raises:
        ConfigError: a dataset is none of the run, is in no list, or holds short videos.
    """
    need_known(people, "protocol.train", params.train)
    need_known(people, "protocol.test", params.test)
    idle = [name for name in people.datasets if name not in (*params.train, *params.test)]
    if idle:
        raise ConfigError(
            f"{idle[0]} is in neither protocol.train nor protocol.test: put it into one, or leave it out with "
            f"{listed(sorted({*params.train, *params.test}))}"
        )
    need_long(people, "cross_spotting")
    return [across(people, params.train, params.test)]


CROSS_SPOTTING = Protocol(
    "cross_spotting",
    "spotting across databases: train on some long-video datasets, test on others at their own frame rates",
    Card(
        needs="long videos: dataset=[cas_me2,samm_lv], casme3 or others, protocol.train=[cas_me2] protocol.test=[samm_lv]",
        trains="the datasets of protocol.train, without people whom the tested ones show under another id",
        tests="the datasets of protocol.test. Durations carry over, not frames: k spans 100 ms at each rate, rounded up (3 "
        "frames at 30 per second, 20 at 200), and k' is half the mean duration of the training expressions, in ms, counted in "
        "frames of the tested dataset",
        scores="micro- and macro-expressions and both together, pooled and for each tested dataset; all of its videos count",
        classes="none",
        source="mebench; nobody publishes these numbers yet",
    ),
    cross_spotting,
    CrossSpottingParams,
    tasks=frozenset({"spot"}),
    every_kind=True,
)
