"""How often the 95 % intervals hold the truth, and how often one is printed; how often the paired test errs. Simulated.

    python benchmarks/coverage.py [--sets 1000] [--subjects 4 6 10 15 20 30] [--kinds spotting recognition rare analysis]

Subjects differ. Spotting: each shows 1 + a negative binomial (mean 3) of expressions, of which a share of its own is found, drawn
from beta(2 p, 2 - 2 p), so that recall is p; false positives come so that precision is p, too. Recognition: 1 + a negative
binomial (mean 5) of clips of three classes in shares of its own (mean .4, .35, .25; `rare`: .6, .32, .08), each named rightly with
the subject's own probability, beta(8 p, 8 - 8 p), else taken for one of the others. The truth is the score of very many subjects.
Differences are of two such runs on the same subjects, one at p, one at p (alike) or .3 off (apart), whose luck with a
subject is shared in 7 cases of 10. Intervals of means over classes are those of data sets in which every class has 5 samples of 3
subjects: others get a dash (`printed` counts them).

Found with the defaults, in 100 s of one core: the lowest coverage over all shares p, .01 to .99 for spotting and .3 to .97 for the
others, each from 1,000 data sets (spotting; known to .007), 333 (the others, .012) or 200 pairs (differences, .015). In brackets
the share that was printed, where it is not all; below .2 of it nothing is said.

    subjects                            4             6            10            15            20            30
    spotting     recall              .970          .962          .954          .963          .956          .958
                 precision     .977 (.95)          .968          .969          .975          .974          .974
                 F1                  .968          .962          .956          .965          .954          .966
    differences  recall              .920          .925          .950          .955          .960          .960
                 precision     .923 (.93)          .955          .955          .965          .945          .965
                 F1                  .915          .925          .935          .955          .950          .950
    recognition  accuracy            .949          .940          .937          .949          .952          .949
                 UF1                (.11)    .956 (.53)    .943 (.93)    .943 (.99)          .952          .949
                 UAR                (.11)    .962 (.53)    .958 (.93)    .946 (.99)          .958          .961
                 precision          (.11)    .940 (.53)    .950 (.93)    .948 (.99)          .946          .964
    differences  accuracy            .925          .930          .950          .960          .950          .970
                 UF1                (.10)    .929 (.47)    .942 (.92)    .949 (.99)          .955          .970
                 UAR                (.10)    .959 (.47)    .947 (.92)    .960 (.99)          .960          .965
    rare         accuracy            .949          .943          .940          .952          .946          .946
                 UF1                (.01)         (.07)    .955 (.27)    .951 (.53)    .951 (.77)    .959 (.93)
                 UAR                (.01)         (.07)    .961 (.27)    .966 (.53)    .961 (.77)    .955 (.93)
                 precision          (.01)         (.07)    .955 (.27)    .956 (.53)    .940 (.77)    .950 (.93)
    analysis     STRS                .925          .964          .952          .961          .952          .949

The lowest of differences at 4 subjects, tried with 1,200 pairs: recall .941, precision .946, F1 .938. False alarms at a level of
.05: .000 at 4 subjects, who have 8 exchanges, else .005 to .075. The rule before (logit of Student's t below 20 subjects, percentiles
above) held recall of .03 in .28, .54 and .86 of the sets of 6, 12 and 30 subjects. Not simulated, but made alike: average precision,
ASR, AUC, weighted F1, Acc_MESR. What is no share (ms, frames, per minute) has intervals of Student's t or percentiles as before.
"""

from __future__ import annotations

if (
    __name__ == "coverage"
):  # other programs of this folder run, and numba looks for the package of that name, which it can do without
    raise ImportError("benchmarks/coverage.py is not the package coverage")

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from scipy.stats import beta

from mebench.metrics import classification
from mebench.metrics.bootstrap import Basis, BasisOf, Evaluate, Resampling
from mebench.metrics.conventions import find_convention
from mebench.metrics.emotions import Sample
from mebench.metrics.paired import draw_swaps, paired_weights, permutation_p, permuted_differences
from mebench.metrics.ratios import Floats, safe_ratio

MANY = 100_000
CLASSES = ("a", "b", "c")
EVEN, RARE, FIVE = (0.40, 0.35, 0.25), (0.60, 0.32, 0.08), (0.30, 0.12, 0.25, 0.08, 0.25)


@dataclass(frozen=True)
class Drawn:
    """Simulated runs on the same subjects, as units one after the other, and on whom their scores rest."""

    evaluate: Evaluate
    basis_of: BasisOf


def spotting(n: int, rng: np.random.Generator, *shares: float) -> Drawn:
    """Recall, precision and F1 of `n` subjects, of a run for each share."""
    truths = np.tile(1 + rng.negative_binomial(1, 0.25, n), len(shares))
    luck = rng.random(n)
    found, spotted = [], []
    for share in shares:
        own = np.where(rng.random(n) < 0.7, luck, rng.random(n))
        found.append(rng.binomial(truths[:n], beta.ppf(own, 2 * share, 2 - 2 * share)))
        # Of a gamma mean as many as are wrong where a share is right, over all subjects.
        wrong = truths[:n].mean() * (1 - share)
        spotted.append(found[-1] + rng.poisson(rng.gamma(1, wrong, n)))
    one, said = np.concatenate(found), np.concatenate(spotted)

    def evaluate(weights: Floats) -> dict[str, Floats]:
        tp, fp_tp, true = weights @ one, weights @ said, weights @ truths
        return {
            "recall": safe_ratio(tp, true),
            "precision": safe_ratio(tp, fp_tp),
            "f1": safe_ratio(2 * tp, true + fp_tp),
        }

    def basis_of(units: object, name: str) -> Basis:
        chosen = np.asarray(units)
        return Basis(int(((said if name == "precision" else truths)[chosen] > 0).sum()))

    return Drawn(evaluate, basis_of)


def recognition(n: int, rng: np.random.Generator, *shares: float, mixture: tuple[float, ...] = EVEN) -> Drawn:
    """Accuracy, UF1, UAR and mean precision of `n` subjects, of a run for each share that is named rightly."""
    clips = 1 + rng.negative_binomial(1, 1 / 6, n)
    counts = rng.multinomial(clips, rng.dirichlet(np.array(mixture) * 3.3, n))
    luck = rng.random(n)
    matrices = np.zeros((len(shares), n, 3, 4), dtype=np.int64)
    for run, share in enumerate(shares):
        own = np.where(rng.random(n) < 0.7, luck, rng.random(n))
        right = rng.binomial(counts, beta.ppf(own, 8 * share, 8 - 8 * share)[:, None])
        taken = rng.binomial(counts - right, 0.6)
        for true in range(3):
            matrices[run, :, true, true] = right[:, true]
            matrices[run, :, true, (true + 1) % 3] = taken[:, true]
            matrices[run, :, true, (true + 2) % 3] = (counts - right - taken)[:, true]
    sample = Sample(matrices.reshape(-1, 3, 4), np.tile(counts, (len(shares), 1)), CLASSES)
    scores = partial(sample.compute_scores, find_convention("strict"), ("accuracy", "uf1", "uar", "precision"))
    return Drawn(scores, sample.basis_of)


def analysis(n: int, rng: np.random.Generator, *shares: float) -> Drawn:
    """STRS of `n` subjects: a third is spotted, as many are false positives, a share of five classes' is named rightly."""
    shown = rng.multinomial(1 + rng.poisson(9, n), rng.dirichlet(np.array(FIVE) * 8, n))
    matrices, spotted = np.zeros((len(shares), n, 5, 6), dtype=np.int64), np.zeros((len(shares), n))
    for run, share in enumerate(shares):
        found = rng.binomial(shown, rng.beta(4 / 3, 8 / 3, n)[:, None])
        right = rng.binomial(found, rng.beta(8 * share, 8 - 8 * share, n)[:, None])
        for true in range(5):
            others = [said for said in range(5) if said != true]
            matrices[run, :, true, true] = right[:, true]
            matrices[run, :, true, others] += rng.multinomial((found - right)[:, true], [1 / 4] * 4).T
        spotted[run] = found.sum(axis=1) + rng.poisson(rng.gamma(1, found.sum() / n, n))
    truths = np.tile(shown.sum(axis=1), len(shares)).astype(np.float64)
    said, sample = spotted.reshape(-1), matrices.reshape(-1, 5, 6)
    hits = sample.sum(axis=(1, 2)).astype(np.float64)

    def evaluate(weights: Floats) -> dict[str, Floats]:
        f1 = safe_ratio(2 * weights @ hits, weights @ (truths + said))
        return {"strs": f1 * classification.f1_of_macros(np.tensordot(weights, sample, axes=1))}

    return Drawn(evaluate, lambda units, name: Basis(int((truths[list(units)] > 0).sum())))


SIMULATIONS: dict[str, Callable[..., Drawn]] = {
    "spotting": spotting,
    "recognition": recognition,
    "rare": partial(recognition, mixture=RARE),
    "analysis": analysis,
}


@cache
def true_scores(kind: str, *shares: float) -> list[dict[str, float]]:
    """The scores of very many subjects, of each run."""
    drawn = SIMULATIONS[kind](MANY, np.random.default_rng(0), *shares)
    weights = np.repeat(np.eye(len(shares)), MANY, axis=1)
    found = drawn.evaluate(weights)
    return [{name: float(values[run]) for name, values in found.items()} for run in range(len(shares))]


@dataclass
class Tally:
    """How often an interval was printed, and held the truth."""

    held: int = 0
    printed: int = 0
    of: int = 0

    def add(self, score: object, truth: float) -> None:
        """Count one more."""
        low, high = score["low"], score["high"]  # type: ignore[index]
        self.of += 1
        self.printed += low is not None
        self.held += low is not None and low <= truth + 1e-12 and truth <= high + 1e-12

    @property
    def share(self) -> float:
        """That held, of those that were printed."""
        return self.held / self.printed if self.printed else float("nan")


def coverage(kind: str, n: int, share: float, sets: int) -> dict[str, Tally]:
    """Of `sets` simulated data sets of `n` subjects, by score."""
    truth, rng = true_scores(kind, share)[0], np.random.default_rng([n, int(1000 * share)])
    tallies = {name: Tally() for name in truth}
    subjects = Resampling.of_subjects(["one"] * n, 1, 0)
    for _ in range(sets):
        drawn = SIMULATIONS[kind](n, rng, share)
        for name, score in subjects.scores("", drawn.evaluate, drawn.basis_of).items():
            tallies[name].add(score, truth[name])
    return tallies


def differences(kind: str, n: int, shares: tuple[float, float], sets: int) -> dict[str, Tally]:
    """The same of the difference of two runs on the same subjects."""
    truths, rng = true_scores(kind, *shares), np.random.default_rng([n, *(int(1000 * share) for share in shares)])
    truth = {name: truths[0][name] - truths[1][name] for name in truths[0]}
    tallies = {name: Tally() for name in truth}
    subjects, units = Resampling.of_subjects(["one"] * n, 1, 0), np.arange(2 * n).reshape(2, n)
    for _ in range(sets):
        pool = SIMULATIONS[kind](n, rng, *shares)
        runs = [
            lambda weights, alone=alone, pool=pool: pool.evaluate(alone(weights))
            for alone in (lambda w: paired_weights(units, w, 0 * w), lambda w: paired_weights(units, 0 * w, w))
        ]
        for name, score in subjects.compare_runs(runs, [pool.basis_of, pool.basis_of])[2].items():
            tallies[name].add(score, truth[name])
    return tallies


def false_alarms(kind: str, n: int, share: float, sets: int, permutations: int = 499) -> dict[str, float]:
    """Of pairs of runs of one quality: the share with a permutation p below .05."""
    rng = np.random.default_rng(n)
    units = np.arange(2 * n).reshape(2, n)
    alarms: dict[str, list[bool]] = {}
    for seed in range(sets):
        pool = SIMULATIONS[kind](n, rng, share, share)
        swapped, exact = draw_swaps(n, permutations, seed)
        permuted = permuted_differences(pool.evaluate, units, swapped)
        observed = permuted_differences(pool.evaluate, units, np.zeros((1, n), dtype=np.bool_))
        for name, value in observed.items():
            p = permutation_p(float(value[0]), permuted[name], exact)
            if p is not None:
                alarms.setdefault(name, []).append(p < 0.05)
    return {name: float(np.mean(some)) for name, some in alarms.items()}


SHARES = {
    "spotting": (0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99),
    "recognition": (0.3, 0.5, 0.7, 0.9, 0.97),
    "rare": (0.3, 0.5, 0.7, 0.9, 0.97),
    "analysis": (0.3, 0.5, 0.7, 0.9, 0.97),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of the intervals and errors of the tests, simulated.")
    parser.add_argument("--sets", type=int, default=1000, help="simulated data sets of each cell of spotting")
    parser.add_argument("--subjects", type=int, nargs="+", default=[4, 6, 10, 15, 20, 30])
    parser.add_argument("--kinds", nargs="+", choices=list(SIMULATIONS), default=list(SIMULATIONS))
    args = parser.parse_args()
    for kind in args.kinds:
        divisor = 1 if kind == "spotting" else 3
        sets = max(args.sets // divisor, 1)
        pairs = max(args.sets // 5, 1)

        def tell(what: str, n: int, share: float, tallies: dict[str, Tally], kind: str = kind) -> None:
            shown = "  ".join(f"{name} {t.share:.3f} of {t.printed / t.of:.2f}" for name, t in tallies.items())
            print(f"{kind + what:22} {n:3} subjects  {share:4}  {shown}", flush=True)

        for n in args.subjects:
            for share in SHARES[kind]:
                tell("", n, share, coverage(kind, n, share, sets))
            for share in SHARES[kind][1::2]:
                tell(", alike", n, share, differences(kind, n, (share, share), pairs))
                tell(
                    ", apart",
                    n,
                    share,
                    differences(kind, n, (share, share + 0.3 if share < 0.6 else share - 0.3), pairs),
                )
            alarms = false_alarms(kind, n, 0.5, pairs)
            print(f"{kind:22} {n:3} subjects  false alarms  {'  '.join(f'{k} {v:.3f}' for k, v in alarms.items())}")


if __name__ == "__main__":
    main()
