"""How often the 95 % intervals hold the truth, and how often the paired test errs: simulated, since real truth is unknown.

    python benchmarks/coverage.py [--sets 2000] [--subjects 6 10 15 19 20 30 68]

Subjects differ: in how many expressions they show (1 + a negative binomial), how well they are found or named (beta), and how
many false positives they cause (gamma). The truth is the score of very many of them. Spotting: F1 .30, recall .40. Recognition:
three classes, UF1 .59, UAR .60. The last line of each size is of pairs of runs of equal quality on the same subjects, so that
every permutation p value below .05 is an error, and the interval of the difference should hold 0.

Found with the defaults (2,000 data sets, 500 pairs of runs for each size; a share of .95 of 2,000 is known to .01):

    subjects                     6     10     15     19     20     30     68
                              jackknife                 bootstrap
    F1     mebench            .951   .947   .949   .953   .934   .942   .934
           percentile         .823   .890   .890   .913   .914   .928   .927
           basic              .742   .824   .843   .868   .870   .895   .915
           BCa                .831   .890   .899   .914   .917   .926   .929
    UF1    mebench            .927   .944   .943   .951   .942   .934   .931
           percentile         .775    .878  .896   .919   .916   .917   .925
           basic              .716    .817  .842   .869   .876   .882   .904
           BCa                .794    .884  .898   .911   .913   .909   .918
    false alarms F1, UF1      .028   .054   .048   .044   .052   .038   .046
                              .006    .044  .062   .042   .032   .040   .048
    difference held F1, UF1   .958   .934   .948   .952   .942   .952   .950
                              .907    .928  .924   .938   .954   .950   .942
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from mebench.metrics import classification
from mebench.metrics.bootstrap import Evaluate, Resampling, leave_one_out, scale_of_difference, score
from mebench.metrics.paired import Pairing, permutation_p, permuted_differences, swaps
from mebench.metrics.ratios import Floats, ratio

MANY = 200_000
DRAWS = 1000


def spotting(n: int, rng: np.random.Generator, runs: int = 1) -> Evaluate:
    """F1 and recall of `n` simulated subjects; of several runs on them, as units one after the other."""
    truths = np.tile(1 + rng.negative_binomial(1, 0.25, n), runs)
    found = rng.binomial(truths, rng.beta(0.8, 1.2, n * runs))
    spotted = found + rng.poisson(rng.gamma(1, 5, n * runs))

    def evaluate(weights: Floats) -> dict[str, Floats]:
        return {
            "f1": ratio(2 * weights @ found, weights @ (truths + spotted)),
            "recall": ratio(weights @ found, weights @ truths),
        }

    return evaluate


def recognition(n: int, rng: np.random.Generator, runs: int = 1) -> Evaluate:
    """UF1 and UAR of `n` simulated subjects, NaN where a class lacks; of several runs as in `spotting`."""
    clips = 1 + rng.negative_binomial(1, 1 / 6, n)
    subject = np.repeat(np.arange(n), clips)
    shares = rng.dirichlet([1.5, 1, 0.8], n).cumsum(axis=1)
    one = (rng.random(len(subject))[:, None] > shares[subject]).sum(axis=1).clip(max=2)
    who, true = np.concatenate([subject + n * run for run in range(runs)]), np.tile(one, runs)
    right = rng.random(len(who)) < rng.beta(1.8, 1.2, n * runs)[who]
    said = np.where(right, true, (true + 1 + (rng.random(len(who)) < 0.4)) % 3)
    matrices = np.zeros((n * runs, 3, 4))
    np.add.at(matrices, (who, true, said), 1)

    def evaluate(weights: Floats) -> dict[str, Floats]:
        pooled = np.tensordot(weights, matrices, axes=1)
        lacking = (pooled.sum(axis=-1) == 0).any(axis=-1)
        return {
            name: np.where(lacking, np.nan, function(pooled))
            for name, function in (("uf1", classification.uf1), ("uar", classification.uar))
        }

    return evaluate


SIMULATIONS: dict[str, Callable[..., Evaluate]] = {"spotting": spotting, "recognition": recognition}


def true_scores(simulate: Callable[..., Evaluate]) -> dict[str, float]:
    """The scores of very many subjects."""
    scores = simulate(MANY, np.random.default_rng(0))(np.ones((1, MANY)))
    return {name: float(value[0]) for name, value in scores.items()}


def intervals(
    n: int, evaluate: Evaluate, seed: int, draws: int = DRAWS
) -> Mapping[str, Mapping[str, tuple[float, float]]]:
    """mebench's interval of every score, and those it could have been: by rule, then score."""
    ours = Resampling.of_subjects(["one"] * n, draws, seed)
    values, replicates = evaluate(np.ones((1, n))), evaluate(ours.weights)
    without = evaluate(leave_one_out(range(n), n))
    found: dict[str, dict[str, tuple[float, float]]] = {"mebench": {}, "percentile": {}, "basic": {}, "bca": {}}
    for name, own in ours.scores("", evaluate).items():
        value = float(values[name][0])
        if own["low"] is None or own["high"] is None:
            continue
        plain = score(value, replicates[name])
        low, high = plain["low"] or 0.0, plain["high"] or 0.0
        found["mebench"][name] = own["low"], own["high"]
        found["percentile"][name] = low, high
        found["basic"][name] = 2 * value - high, 2 * value - low
        found["bca"][name] = bca(value, replicates[name], without[name])
    return found


def bca(value: float, replicates: Floats, without: Floats) -> tuple[float, float]:
    """Bias-corrected and accelerated (Efron 1987)."""
    replicates, without = replicates[~np.isnan(replicates)], without[~np.isnan(without)]
    below = ((replicates < value).mean() + (replicates <= value).mean()) / 2
    bias, spread = norm.ppf(np.clip(below, 1e-6, 1 - 1e-6)), without.mean() - without
    acceleration = (spread**3).sum() / max(6 * (spread**2).sum() ** 1.5, 1e-300)
    z = bias + norm.ppf([0.025, 0.975])
    low, high = np.percentile(replicates, 100 * norm.cdf(bias + z / (1 - acceleration * z)))
    return float(low), float(high)


@dataclass
class Tally:
    """How often something held."""

    held: int = 0
    of: int = 0

    def add(self, holds: bool) -> None:
        """Count one more."""
        self.held, self.of = self.held + holds, self.of + 1

    @property
    def share(self) -> float:
        """Of all."""
        return self.held / self.of


def coverage(kind: str, n: int, sets: int, draws: int = DRAWS) -> dict[str, dict[str, Tally]]:
    """How many of `sets` simulated data sets of `n` subjects have the truth in their interval: by rule, then score."""
    truth, rng = true_scores(SIMULATIONS[kind]), np.random.default_rng(n)
    tallies: dict[str, dict[str, Tally]] = {}
    for seed in range(sets):
        evaluate = SIMULATIONS[kind](n, rng)
        for rule, found in intervals(n, evaluate, seed, draws).items():
            for name, (low, high) in found.items():
                tallies.setdefault(rule, {}).setdefault(name, Tally()).add(low <= truth[name] <= high)
    return tallies


def false_alarms(kind: str, n: int, sets: int, permutations: int = 499) -> tuple[dict[str, Tally], dict[str, Tally]]:
    """Of pairs of runs of one quality: how often p < .05, and how often the interval of the difference holds 0."""
    rng = np.random.default_rng(n)
    alarms: dict[str, Tally] = {}
    holds: dict[str, Tally] = {}
    pairing = Pairing(np.arange(n), np.arange(n, 2 * n))
    for seed in range(sets):
        pool = SIMULATIONS[kind](n, rng, runs=2)
        swapped, exact = swaps(n, permutations, seed)

        def between(weights: Floats, pool: Evaluate = pool) -> dict[str, Floats]:
            one, other = pool(pairing.first_alone(weights)), pool(pairing.second_alone(weights))
            return {name: one[name] - other[name] for name in one}

        permuted = permuted_differences(pool, pairing, swapped)
        found = Resampling.of_subjects(["one"] * n, DRAWS, seed).scores("", between, scale_of_difference)
        for name, difference in found.items():
            value, low, high = difference["value"], difference["low"], difference["high"]
            if value is not None and low is not None and high is not None:
                p = permutation_p(value, permuted[name], exact)
                alarms.setdefault(name, Tally()).add(p is not None and p < 0.05)
                holds.setdefault(name, Tally()).add(low <= 0 <= high)
    return alarms, holds


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of the intervals and errors of the tests, simulated.")
    parser.add_argument("--sets", type=int, default=2000, help="simulated data sets for each number of subjects")
    parser.add_argument("--subjects", type=int, nargs="+", default=[6, 10, 15, 19, 20, 30, 68])
    args = parser.parse_args()
    for n in args.subjects:
        for kind in SIMULATIONS:
            for rule, tallies in coverage(kind, n, args.sets).items():
                shown = "  ".join(f"{name} {tally.share:.3f}" for name, tally in tallies.items())
                print(f"{n:3} subjects  {rule:10}  {shown}", flush=True)
            alarms, holds = false_alarms(kind, n, max(args.sets // 4, 1))
            shown = "  ".join(f"{name} {alarms[name].share:.3f} {holds[name].share:.3f}" for name in alarms)
            print(f"{n:3} subjects  false alarms, difference held  {shown}", flush=True)


if __name__ == "__main__":
    main()
