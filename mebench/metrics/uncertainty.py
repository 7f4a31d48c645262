"""How far the probabilities of named emotions can be trusted: temperature, risk against coverage, and sets that hold the truth."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mebench.lazy_imports import load_lazily
from mebench.metrics.classification import expected_calibration_error
from mebench.metrics.ratios import Floats, Indices

if TYPE_CHECKING:
    import pandas as pd
    import scipy
else:
    pd = load_lazily("pandas")
    scipy = load_lazily("scipy")

COVERAGE = 0.9
"""The share of people's clips whose sets are to hold the truth."""
KEPT = (1.0, 0.8, 0.5)
"""Shares of the surest clips for which a risk is given."""


def are_probabilities(scores: Floats) -> bool:
    """Whether class scores, (n, classes), are probabilities, see `rows_of_probabilities`."""
    return bool(rows_of_probabilities(scores).all())


def rows_of_probabilities(scores: Floats) -> NDArray[np.bool_]:
    """Which rows of class scores, (n, classes), are probabilities, (n,).

    None is negative, and the row sums to 1 within .001.
    """
    sums_to_one = np.isclose(scores.sum(axis=1), 1, atol=1e-3)
    return np.asarray((scores >= 0).all(axis=1) & sums_to_one)


def best_temperature(logits: Floats, truth: Indices) -> float:
    """The temperature, .05 to 20, of the highest likelihood (Guo et al. 2017, ICML): above 1 the answers are too sure."""

    def loss(log_temperature: float) -> float:
        sure = scipy.special.log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-sure[np.arange(len(truth)), truth].mean())

    optimum = scipy.optimize.minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(optimum.x))


def risk_coverage(confidence: Floats, right: NDArray[np.bool_]) -> dict[str, Any]:
    """The share of wrong answers among the surest ones, for each kept share.

    See El-Yaniv and Wiener 2010, JMLR 11.

    Answers of equal confidence are kept together, each of them wrong as often as all.

    Returns:
        `coverage` and `risk`, from the surest answer to all; `area`, the mean risk over all coverages; `least_area`, where the wrong
        answers are the least sure ones; `at`, the risk at each of `KEPT`.

    >>> risk_coverage(np.array([0.9, 0.8, 0.7]), np.array([True, True, False]))["risk"]
    [0.0, 0.0, 0.3333333333333333]
    """
    order = np.argsort(-confidence, kind="stable")
    n = np.arange(1, len(right) + 1)
    wrong = pd.Series(1.0 - right)
    risk = wrong.groupby(confidence).transform("mean").to_numpy()[order].cumsum() / n
    least = np.sort(wrong).cumsum() / n
    return {
        "coverage": (n / len(n)).tolist(),
        "risk": risk.tolist(),
        "area": float(risk.mean()),
        "least_area": float(least.mean()),
        "at": {f"{kept:g}": float(risk[max(int(np.ceil(kept * len(n))), 1) - 1]) for kept in KEPT},
    }


def prediction_sets(
    probabilities: Floats, truth: Indices, person: Indices, coverage: float = COVERAGE
) -> NDArray[np.bool_]:
    """For each clip the classes that are not too unlikely, (n, C): split conformal sets, calibrated on all other people.

    A class is in the set if 1 minus its probability is at most the quantile of the same number for the true classes of other people's
    clips. Clips of one person are not exchangeable with others', people are: each person weighs the same, and the tested one counts
    as a further person who may be arbitrarily far off (Dunn, Wasserman and Ramdas 2023, JASA 118(544), who pool the distributions of
    groups). With too few other people the set holds all classes.

    Args:
        probabilities: (n, C).
        truth: (n,) positions of the true classes.
        person: (n,) number of each clip's person.
        coverage: wanted.
    """
    far = 1 - probabilities[np.arange(len(truth)), truth]
    sets = np.zeros(probabilities.shape, dtype=np.bool_)
    for tested in np.unique(person):
        others = person != tested
        sizes = np.bincount(person[others], minlength=int(person.max()) + 1)
        weights = 1 / sizes[person[others]] / ((sizes > 0).sum() + 1)
        order = np.argsort(far[others], kind="stable")
        reached = np.searchsorted(weights[order].cumsum(), coverage - 1e-12)
        limit = far[others][order][reached] if reached < len(order) else np.inf
        sets[person == tested] = 1 - probabilities[person == tested] <= limit + 1e-12
    return sets


def summarize_uncertainty(scores: Floats, truth: Indices, person: Indices) -> dict[str, Any]:
    """All of these for a run's clips.

    Each person's temperature and sets come from the clips of all others, which other models answered. (Those models may have been
    trained on the person; what is taken from their answers is one number.)

    Args:
        scores: (n, C) probabilities, or any scores of the classes, higher is likelier: these are taken as logits.
        truth: (n,) positions of the true classes.
        person: (n,) number of each clip's person, from 0 without a gap.

    Returns:
        `n`, `people`; `temperature`: mean over people; `error`: calibration error before, where there are probabilities, and `after`;
        `risk`: see `risk_coverage`; `sets`: the wanted `coverage`, the mean over people, the `lowest` of a person, the share of people
        who have the wanted one (`people`), and the mean `size`.
    """
    has_probabilities = are_probabilities(scores)
    logits = np.log(np.clip(scores, 1e-12, 1)) if has_probabilities else scores
    people = range(int(person.max()) + 1)
    temperatures = np.array([best_temperature(logits[person != out], truth[person != out]) for out in people])
    after = np.asarray(scipy.special.softmax(logits / temperatures[person, None], axis=1))
    right = after.argmax(axis=1) == truth
    sets = prediction_sets(after, truth, person)
    holds_truth = sets[np.arange(len(truth)), truth]
    share_of_person = np.bincount(person, holds_truth) / np.bincount(person)
    return {
        "n": len(truth),
        "people": len(share_of_person),
        "temperature": float(temperatures.mean()),
        "error": {
            "before": expected_calibration_error(scores.max(axis=1), right) if has_probabilities else None,
            "after": expected_calibration_error(after.max(axis=1), right),
        },
        "risk": risk_coverage(after.max(axis=1), right),
        "sets": {
            "coverage": COVERAGE,
            "mean": float(share_of_person.mean()),
            "lowest": float(share_of_person.min()),
            "people": float((share_of_person >= COVERAGE).mean()),
            "size": float(sets.sum(axis=1).mean()),
        },
    }
