"""Protocols: a protocol is a pure function from people and their videos to folds, with a card."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mebench.core import Dataset, Kind, Scheme
from mebench.core.types import Fold
from mebench.errors import PluginError, PluginLine
from mebench.protocols.people import People
from mebench.protocols.train_people import limit_training, with_train_people

TASKS = frozenset({"spot", "recognize"})
INNER = (
    "part of the training people, drawn with the run's seed to resemble the rest in datasets, kinds and emotions; "
    "only methods that choose something hold them out"
)
STRICT = "strict, unless convention=NAME says otherwise"


@dataclass(frozen=True, kw_only=True)
class Card:
    """A protocol in a few sentences, in the order in which they are printed.

    Attributes:
        needs: suitable data and methods.
        trains: training people.
        validates: validation people.
        tests: tested people.
        scores: the scores, and how they are pooled or averaged.
        classes: emotion classes.
        convention: rules of scoring.
        source: the paper, or other users of it.
        marks: a remark for every result, or empty.
    """

    needs: str
    trains: str
    validates: str = INNER
    tests: str
    scores: str
    classes: str
    convention: str = STRICT
    source: str
    marks: str = ""

    def lines(self) -> list[str]:
        """Each nonempty sentence after its name."""
        return [f"{name}: {text}" for name, text in vars(self).items() if text]


@dataclass(frozen=True)
class NoParams:
    """A protocol without parameters."""


NO_PARAMS = NoParams()


@dataclass(frozen=True)
class Protocol:
    """How people are split into folds, and the tasks of the folds.

    Attributes:
        name: in the configuration.
        summary: one line.
        card: the full description.
        make: the function from people and parameters to folds in order; its ConfigError says what would work.
        params: dataclass of its parameters (`protocol.<name>=…`), ranges checked in `__post_init__`.
        tasks: tasks for a method, which may do fewer.
        every_kind: whether methods spot all kinds that method and dataset share, unless `kinds` is set.
        scheme: name of the default emotion scheme, or a function that makes the only one it scores.
        schemes: names of the allowed schemes, with the numbers of clips and people of the complete data, or None; all
            if empty.
        scored_only: whether only videos with a scored micro-expression take part.
        scored_each: whether the score is the mean over folds instead of pooled.
        subject_dependent: whether folds may test people who also train, which marks its results.
        expects: numbers of scored clips and of their people in the complete data, or None.
        learns: kinds of expressions whose emotions are learnt; only micro-expressions are tested.
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

    @property
    def settings(self) -> type:
        """The dataclass of all its settings: its parameters, and `train_people`."""
        return with_train_people(self.params)

    def draw_folds(self, people: People, params: Any) -> list[Fold]:
        """The folds of some people under parameters, `train_people` included.

        Raises:
            PluginError: its function returns no folds.
        """
        folds: object = self.make(people, params)
        if not isinstance(folds, list | tuple) or not all(isinstance(fold, Fold) for fold in folds):
            raise PluginError(
                f"protocol {self.name!r} must return a list of Fold, as people.fold makes them, not {folds!r:.60}{self._place}"
            )
        return limit_training([*folds], people, params)

    @property
    def _place(self) -> str:
        """The line of its function, in brackets; empty where it has none."""
        code = getattr(self.make, "__code__", None)
        return f" ({PluginLine(Path(code.co_filename), code.co_firstlineno)})" if code else ""

    def describe(self) -> str:
        """The printed card."""
        return "\n".join([f"protocol {self.name}: {self.summary}", *self.card.lines()])

    def parameters(self) -> tuple[str, ...]:
        """Names of its parameters."""
        return tuple(f.name for f in fields(self.params))
