"""Protocols: a protocol is a pure function from people and their videos to folds, with a card."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mebench.core import Dataset, Fold, Kind, Scheme
from mebench.protocols.people import People

TASKS = frozenset({"spot", "recognize"})
INNER = (
    "part of the training people, drawn with the run's seed to resemble the rest in datasets, kinds and emotions; "
    "only methods that choose something hold them out"
)
STRICT = "strict, unless convention=NAME says otherwise"


@dataclass(frozen=True)
class Card:
    """A protocol in a few sentences, in the order in which they are printed.

    Attributes:
        needs: the data and methods that it can serve.
        trains: who trains.
        validates: who validates.
        tests: who is tested.
        scores: what is scored, and over what it is pooled or averaged.
        classes: which emotions.
        convention: under which rules.
        source: the paper, or who else runs it so.
        marks: what every result of it must say, or empty.
    """

    needs: str
    trains: str
    tests: str
    scores: str
    classes: str
    source: str
    validates: str = INNER
    convention: str = STRICT
    marks: str = ""

    def lines(self) -> list[str]:
        """Each sentence behind its name; empty ones are left out."""
        order = ("needs", "trains", "validates", "tests", "scores", "classes", "convention", "source", "marks")
        return [f"{name}: {text}" for name in order if (text := getattr(self, name))]


@dataclass(frozen=True)
class NoParams:
    """A protocol without parameters."""


NOTHING = NoParams()


@dataclass(frozen=True)
class Protocol:
    """How people are split into folds, and the tasks of the folds.

    Attributes:
        name: what the configuration calls it.
        summary: one line.
        card: the whole story.
        make: the function: people and parameters to folds in order; raises a ConfigError that says what would work.
        params: dataclass of its parameters (`protocol.<name>=…`), ranges checked in `__post_init__`.
        tasks: what it asks of a method; a method may do less.
        every_kind: spots all kinds that method and dataset share, unless `kinds` says otherwise.
        scheme: the emotion scheme by name where the user names none, or what makes the only one that the protocol scores.
        schemes: names of the schemes that it scores, with the numbers of clips and of people on the complete data, or None;
            any where this is empty.
        scored_only: only videos with a scored micro-expression take part.
        scored_each: each fold is scored by itself and then their mean is taken, instead of pooling them.
        subject_dependent: it may test people whom it trained on, which marks its results.
        expects: numbers of scored clips and of their people on the complete data, or None.
        learns: kinds of expressions whose emotions are learnt; micro-expressions alone are tested.
    """

    name: str
    summary: str
    card: Card
    make: Callable[[People, Any], list[Fold]]
    params: type = NoParams
    tasks: frozenset[str] = TASKS
    every_kind: bool = False
    scheme: str | Callable[[Dataset], Scheme] | None = None
    schemes: Mapping[str, tuple[int, int] | None] = field(default_factory=dict)
    scored_only: bool = False
    scored_each: Callable[[Any], bool] = lambda params: False
    subject_dependent: bool = False
    expects: Callable[[Any], tuple[int, int] | None] = lambda params: None
    learns: Callable[[Any], tuple[Kind, ...]] = lambda params: ("micro",)

    def describe(self) -> str:
        """The card as it is printed."""
        return "\n".join([f"protocol {self.name}: {self.summary}", *self.card.lines()])

    def parameters(self) -> tuple[str, ...]:
        """Names of its parameters."""
        return tuple(f.name for f in fields(self.params))
