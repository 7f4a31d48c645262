"""How often the 95 % interval of a median holds the truth, and how often one from leaving people out would. Simulated.

    python benchmarks/median_coverage.py [--sets 300] [--subjects 4 6 8 10 15 20 30]

Each person shows 1 + a Poisson number (mean 3) of errors, the absolute values of normal ones around a level of the person's own, drawn
from a normal of standard deviation .3 or 1. The truth is the median over very many people. `bootstrap` is the interval of metrics of kind
`order` (`Resampling.scores`), here printed for any number of people; `left out` is Student's t with the jackknife's variance.

Found with the defaults, known to .015:

    people                        4      6      8     10     15     20     30
    bootstrap, spread .3       .820   .933   .933   .913   .937   .957   .953
    bootstrap, spread 1        .850   .910   .930   .953   .940   .953   .970
    left out, spread .3        .907   .873   .903   .910   .867   .870   .883
    left out, spread 1         .890   .873   .893   .873   .860   .860   .920

Metrics of kind `order` print an interval from 8 people on (`metrics.bootstrap.LEAST_OF_QUANTILE`).
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.special import stdtrit

from mebench.metrics.bootstrap import (
    leave_groups_out,
    score_with_percentiles,
    standard_error,
    subject_weights,
    widened_tail,
)
from mebench.metrics.ratios import Floats, Indices, weighted_quantiles

MANY = 100_000
DRAWS = 500


def errors_of_people(n: int, spread: float, rng: np.random.Generator) -> tuple[Floats, Indices]:
    """Errors, and the person of each."""
    person = np.repeat(np.arange(n), 1 + rng.poisson(3, n))
    level = spread * rng.standard_normal(n)
    return np.abs(level[person] + rng.standard_normal(len(person))), person


def coverage(n: int, spread: float, sets: int) -> tuple[float, float]:
    """The shares of data sets of `n` people whose interval holds the truth: from the bootstrap, and from leaving people out."""
    rng = np.random.default_rng([n, int(10 * spread)])
    truth = float(np.median(errors_of_people(MANY, spread, np.random.default_rng(0))[0]))
    held = np.zeros(2)
    for number in range(sets):
        errors, person = errors_of_people(n, spread, rng)
        drawn = weighted_quantiles(errors, subject_weights(["one"] * n, DRAWS, number)[:, person], 0.5)
        value = float(np.median(errors))
        score = score_with_percentiles(value, drawn, widened_tail(n, n - 1))
        low, high = score["low"], score["high"]
        held[0] += low is not None and high is not None and low <= truth <= high
        without = weighted_quantiles(errors, leave_groups_out([[unit] for unit in range(n)], n)[:, person], 0.5)
        error, degrees = standard_error(without, ["one"] * n)
        held[1] += abs(value - truth) <= stdtrit(degrees, 0.975) * error
    by_bootstrap, by_leaving_out = held / sets
    return float(by_bootstrap), float(by_leaving_out)


def main() -> None:
    """Print a line for each number of people."""
    parser = argparse.ArgumentParser(description="Coverage of the interval of a median, simulated.")
    parser.add_argument("--sets", type=int, default=300, help="simulated data sets of each cell")
    parser.add_argument("--subjects", type=int, nargs="+", default=[4, 6, 8, 10, 15, 20, 30])
    args = parser.parse_args()
    for spread in (0.3, 1.0):
        for n in args.subjects:
            by_bootstrap, by_leaving_out = coverage(n, spread, args.sets)
            print(
                f"spread {spread:3}  {n:3} people  bootstrap {by_bootstrap:.3f}  left out {by_leaving_out:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
