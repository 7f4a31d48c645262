"""Folds whose number of tested people tells their emotion."""

from mebench.core.types import Fold
from mebench.protocols import Card, People, Protocol


def by_size(people: People, params: object) -> list[Fold]:
    """A fold tests as many people of one emotion as the emotion's number, and one."""
    persons = sorted(person for subjects in people.persons.values() for person in subjects)
    folds = []
    for label in range(3):
        alike = [person for person in persons if int(person.subject) % 3 == label]
        step = label + 1
        whole = len(alike) - len(alike) % step
        folds += [people.fold(f"{label}-{n}", alike[n : n + step]) for n in range(0, whole, step)]
    return folds


CARD = Card(needs="people", trains="others", tests="alike", scores="pooled", classes="the scheme's", source="here")
PROTOCOL = Protocol("by_size", "folds whose size tells the emotion", CARD, by_size)
