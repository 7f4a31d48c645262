"""Leave one dataset out."""

from __future__ import annotations

from mebench.core.types import Fold
from mebench.errors import ConfigError
from mebench.protocols.databases import listed
from mebench.protocols.people import People
from mebench.protocols.protocol import NOTHING, Card, NoParams, Protocol


def lodo(people: People, params: NoParams = NOTHING) -> list[Fold]:
    """One fold for each dataset, tested by a model of all the others; whoever it shows does not train under another id.

    Raises:
        ConfigError: fewer than two datasets, or the others show nobody else.
    """
    if len(people.datasets) < 2:
        raise ConfigError(
            f"leaving one dataset out needs at least 2 datasets, and this run has {listed(people.datasets)}: write for example "
            "dataset=[casme2,samm]"
        )
    folds = []
    for name in people.datasets:
        others = [s for s in people.subjects if s.dataset != name]
        folds.append(people.fold(name, people.of([name]), others))
    return folds


LODO = Protocol(
    "lodo",
    "leave one dataset out: each dataset of a composite is tested once by a model of all others",
    Card(
        needs="2 datasets or more, dataset=[…], with a task in common; any scheme that all of them have",
        trains="all other datasets, without people of the tested one whom they show under another id",
        tests="each dataset once, in a fold of its own; k and k' are the training set's durations at its own frame rate",
        scores="the predictions of all folds pooled, and each dataset by itself",
        classes="those of scheme=NAME, or of the first scheme that all datasets have; for action units scheme=AU12 (shown or absent) "
        "or with -m scheme=AU1,AU2,AU4, and scheme=objective for the classes I to VII of their combinations",
        source="Varanka et al. 2023, Data Leakage and Evaluation Issues in Micro-Expression Analysis, arXiv 2211.11425, who leave "
        "out each of six datasets and score F1 of each action unit; they learn all units in one network, here each has its own",
    ),
    lodo,
)
