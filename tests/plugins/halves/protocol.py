"""Two halves of the people, each tested once."""

from dataclasses import dataclass

from mebench.core.types import Fold
from mebench.errors import ConfigError
from mebench.protocols import Card, People, Protocol


@dataclass(frozen=True)
class Params:
    """Where the halves part.

    Attributes:
        first: people of the first half.
    """

    first: int = 1

    def __post_init__(self) -> None:
        """Check the range."""
        if self.first < 1:
            raise ConfigError(f"protocol.first must be 1 or more, not {self.first}")


def halves(people: People, params: Params) -> list[Fold]:
    """A fold for each half."""
    persons = [subject for subjects in people.persons.values() for subject in subjects]
    return [people.fold("a", persons[: params.first]), people.fold("b", persons[params.first :])]


PROTOCOL = Protocol(
    "halves",
    "two halves",
    Card(needs="2 people", trains="one half", tests="the other", scores="pooled", classes="all", source="none"),
    halves,
    Params,
)
