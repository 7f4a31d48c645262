"""Several runs in one set of tables, so that one scoring serves all of them and any exchange between them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import product
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.errors import ConfigError, DataError, unknown
from mebench.grouping import grouped
from mebench.lazy_imports import load_lazily
from mebench.metrics import catalogue
from mebench.metrics.bootstrap import (
    BasisOf,
    Evaluate,
    Resampling,
    Score,
    Section,
    averaged,
    derived_seed,
    standard_error,
)
from mebench.metrics.conventions import Convention, named
from mebench.metrics.emotions import OF_SAMPLES
from mebench.metrics.paired import (
    PERMUTATIONS,
    McNemar,
    holm,
    mcnemar,
    paired_weights,
    permutation_p,
    permuted_differences,
    signed_rank,
    swaps,
)
from mebench.metrics.ranking import hardest, personal
from mebench.metrics.ratios import Floats, Indices
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables, members_of, of_first_draw

if TYPE_CHECKING:
    import scipy
else:
    scipy = load_lazily("scipy")


def pooled(runs: Sequence[Tables]) -> Tables:
    """All runs in one set of tables, as if each had been scored on subjects of its own: the second's `a/01` is
    `2|a/01`.

    Methods that predict by chance contribute their first draw. The column `run` of the videos separates the runs for
    rules about all answers of one run: their order, and whether intervals can be ranked.
    """
    runs = [of_first_draw(run) for run in runs]
    person = {
        subject: person_id
        for run in runs
        if "person" in run.videos  # runs of earlier versions lack it
        for subject, person_id in zip(run.videos["subject"], run.videos["person"])
    }

    def joined(name: str) -> Any:
        """The tables of that name; None where a run has none."""
        tables = [getattr(run, name) for run in runs]
        if any(table is None for table in tables):
            return None
        if name == "videos" and person:
            tables = [table.assign(person=table["subject"].map(lambda own: person.get(own, own))) for table in tables]
        marked = [
            table.assign(
                **{
                    column: f"{number}|" + table[column].astype(str)
                    for column in ("video", "subject", "person")
                    if column in table
                }
            )
            for number, table in enumerate(tables, 1)
        ]
        if name == "videos":
            marked = [table.assign(run=number) for number, table in enumerate(marked, 1)]
        # Columns of an empty table have no type, which would spoil the types of the other tables.
        return pd.concat([table for table in marked if len(table)] or marked[:1], ignore_index=True)

    return Tables(*map(joined, ("videos", "truths", "predictions", "clips")))


def sections_of(
    pool: Tables, n_units: int, kinds: Sequence[str], classes: Sequence[str], convention: str | Convention
) -> dict[str, Section]:
    """The score functions of a pool of `n_units` subjects, by section of the summary."""
    units = Resampling(np.empty((0, n_units)))
    summarize(pool, kinds=kinds, classes=classes, seed=0, convention=convention, draws=0, resampling=units)
    return units.sections


def path_of(section: str, name: str) -> str:
    """The path of a score within a summary.

    >>> path_of("spotting.micro", "f1"), path_of("analysis.strs", "strs"), path_of("spotting.micro.f1_at_iou", "0.50")
    ('spotting.micro.f1', 'analysis.strs', 'spotting.micro.details.f1_at_iou.0.50')
    """
    part, _, last = section.rpartition(".")
    return {"strs": part, "f1_at_iou": f"{part}.details.{last}"}.get(last, section) + f".{name}"


@dataclass(frozen=True)
class Pool:
    """Runs on the same truth, as if each had been scored on subjects of its own.

    Attributes:
        tables: of all runs; run 2's copy of the subject `a/01` is `2|a/01`.
        units: (n_runs, n_subjects) positions of each run's predictions of each subject among the units of scoring.
        strata: (n_subjects,) the member dataset of each subject, see `metrics.tables.members_of`.
    """

    tables: Tables
    units: NDArray[np.int32]
    strata: tuple[str, ...]

    @classmethod
    def of(cls, runs: Sequence[Tables]) -> Self:
        """The pool of several runs' predictions; for a method that predicts by chance, its first draw.

        Raises:
            DataError: the tables of a run do not fit together.
        """
        tables = pooled(runs)
        people = tables.ordered().videos.drop_duplicates("unit")
        parts = people["subject"].str.partition("|")
        ranked = people.assign(run=parts[0].astype("int64"), own=parts[2]).sort_values(["run", "dataset", "own"])
        units = ranked["unit"].to_numpy(np.int32).reshape(len(runs), -1)  # in half the time of 64 bits
        return cls(tables, units, tuple(ranked["stratum"][: units.shape[1]]))

    def scorer(
        self, path: str, kinds: Sequence[str], classes: Sequence[str], convention: str
    ) -> Callable[[Floats], Floats]:
        """A function from (m, n_units) weights to (m,) values of the score at `path`, such as `spotting.micro.f1`.

        Raises:
            ConfigError: these runs have no such score.
        """
        rule, wanted = named(convention), path.rpartition(".")[2]
        # Compute only what is requested, and what it is made of: all scores take several times as long. The score of
        # an action unit exists only among all scores of classes.
        needed = frozenset(filter(None, (wanted, catalogue.find(wanted).factor)))
        scores, of_classes = (
            needed if defined is None else needed & defined for defined in (rule.scores, rule.class_scores)
        )
        alone = replace(rule, scores=scores, class_scores=None if catalogue.find(wanted).of_unit else of_classes)
        sections = sections_of(self.tables, self.units.size, kinds, classes, alone)
        ones = np.ones((1, self.units.size))
        for section, part in sections.items():
            for name in part.evaluate(ones):
                if path == path_of(section, name):
                    return lambda weights: part.evaluate(weights)[name]
        raise ConfigError(unknown("score of these runs", path, sections))


LEVEL = 0.05
"""Level of a test: probability of a false difference."""


def detectable_difference(error: float, degrees: int, level: float = LEVEL, power: float = 0.8) -> float | None:
    """The smallest true difference that a two-sided test of this level finds with this probability.

    (t_{1 - level / 2} + t_{power}) x standard error, the usual approximation (Bloom 1995, Minimum Detectable Effects);
    with many subjects 2.80 standard errors. It depends on the subjects, not on the result: a smaller difference may
    exist and go unnoticed.

    Args:
        error: standard error of the difference over subjects, paired.
        degrees: of freedom, subjects minus strata.
        level: of the test.
        power: wanted probability to find the difference.

    Returns:
        In the units of the score; None without a degree of freedom or without any difference.

    >>> round(detectable_difference(1.0, 10_000), 2), round(detectable_difference(1.0, 9), 2)
    (2.8, 3.15)
    """
    if not degrees or np.isnan(error) or error < 1e-12:
        return None
    quantile = scipy.special.stdtrit  # of Student's t
    return float((quantile(degrees, 1 - level / 2) + quantile(degrees, power)) * error)


MAIN = (
    "spotting.micro.f1",
    "spotting.macro.f1",
    "spotting.overall.f1",
    "analysis.strs",
    "recognition.uf1",
    "recognition.uar",
    "recognition.unit_f1",
)
"""The scores that are compared by default."""


@dataclass(frozen=True)
class ComparedScore:
    """One score of two runs.

    Attributes:
        first: of the first run, with its interval.
        second: of the second run.
        difference: first minus second; the interval is over subjects, paired.
        p: of the permutation test over subjects, None where the difference is undefined.
        p_holm: the same, adjusted for all compared scores.
        wilcoxon_n: subjects whose own score is defined in both runs; 0 without this test.
        wilcoxon_p: of the signed-rank test over these, or None.
        rank_biserial: effect size over these, -1 to 1, positive where the first run's scores are higher, or None.
        detectable: smallest true difference that these subjects show with 80 % power; None with too few subjects or
            without any difference.
        subjects: the number that the score depends on: those of the member dataset for a member's scores.
        skipped: resampled data sets that lack a class or a truth, left out of the difference's interval.
        same: whether the runs' scores agree under every exchange, so that the score sees no difference.
        hardest: see `on_hardest`.
    """

    first: Score
    second: Score
    difference: Score
    p: float | None
    p_holm: float | None
    wilcoxon_n: int
    wilcoxon_p: float | None
    rank_biserial: float | None
    detectable: float | None
    subjects: int
    skipped: int
    same: bool
    hardest: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Two runs, compared.

    Attributes:
        convention: name of the convention.
        subjects: their number.
        interval: `bootstrap` or `jackknife`, for all subjects.
        draws: of the bootstrap.
        permutations: number of tried exchanges.
        exact: whether all possible exchanges were tried.
        scores: by path, for example `spotting.micro.f1`.
        mcnemar: of the annotated clips, where both runs recognize; None over seeds.
    """

    convention: str
    subjects: int
    interval: str
    draws: int
    permutations: int
    exact: bool
    scores: dict[str, ComparedScore]
    mcnemar: McNemar | None

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def compare(
    first: Tables | Sequence[Tables],
    second: Tables | Sequence[Tables],
    *,
    kinds: Sequence[str],
    classes: Sequence[str],
    convention: str = "strict",
    metrics: Sequence[str] = (),
    draws: int = 1000,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Comparison:
    """Compare the scores of two runs.

    Every test is over subjects. The permutation test exchanges the two runs' predictions of a subject as a whole and
    computes the pooled score again; all 2^(n - 1) exchanges up to 14 subjects, else `permutations` random ones. Average
    precision ranks the confidences of both runs in one list, which keeps the test valid but may reduce its power.
    Wilcoxon's test takes each subject's own score, so it uses only subjects for whom the score is defined. It leaves
    out means over classes (UF1, UAR and STRS): few subjects show every class, and it finds differences in 1 to 4 of 100
    cases where the permutation test finds them in 50 to 86.

    Args:
        first: predictions and truth of the first run; of several runs that differ in the seed alone, each score is
            their mean, and subjects are exchanged or resampled under all seeds at once.
        second: the same of the second run, or runs; videos and truths must be those of the first, clips in the same order too.
        kinds: the kinds that both spotted.
        classes: the scheme's classes.
        convention: name of the convention.
        metrics: paths as in a summary (`spotting.micro.f1`), parts of them (`f1`, `spotting.micro`) or `all`; by default `MAIN`.
        draws: of the bootstrap.
        permutations: the most to try.
        seed: of draws and permutations.

    Returns:
        The comparison; swapping the runs negates differences and changes no p value.

    Raises:
        ConfigError: the metric or convention is unknown or does not apply to these runs.
        DataError: the tables do not fit together.
    """
    firsts, seconds = ([runs] if isinstance(runs, Tables) else list(runs) for runs in (first, second))
    pairs = list(zip(firsts, seconds)) if len(firsts) == len(seconds) else list(product(firsts, seconds))
    pools = [Pool.of(pair) for pair in pairs]
    units, strata = pools[0].units.astype(np.int64), pools[0].strata
    rule = named(convention)
    if not metrics:  # of spotting only F1: most time goes to what ranks intervals
        rule = replace(rule, scores=frozenset({"f1"} if rule.scores is None else {"f1"} & rule.scores))
    of_pools = [sections_of(pool.tables, pool.units.size, kinds, classes, rule) for pool in pools]
    # The pools of several seeds have the same units: their scores are averaged.
    sections = {
        section: part._replace(evaluate=averaged([one[section].evaluate for one in of_pools]))
        for section, part in of_pools[0].items()
    }
    chosen = _chosen(sections, units.size, metrics)
    subjects = Resampling.of_subjects(strata, draws, seed)
    swapped, exact = swaps(len(strata), permutations, derived_seed(seed, "permutation"))
    rows = {
        path: row
        for section, names in chosen.items()
        for path, row in _compare_section(section, sections, names, units, subjects, swapped, exact).items()
    }
    adjusted, of_clips = holm([row.p for row in rows.values()]), None
    if len(pairs) == 1 and firsts[0].clips is not None and seconds[0].clips is not None:
        one, other, keys = firsts[0].clips, seconds[0].clips, ["video", "truth"]
        if one[keys].to_numpy().tolist() != other[keys].to_numpy().tolist():
            raise DataError(
                "the clips of the two runs differ or stand in another order: compare runs on the same truth"
            )
        scored = one["truth"].isin(list(classes)).to_numpy()
        right = [(table["truth"] == table["predicted"]).fillna(False).to_numpy(np.bool_) for table in (one, other)]
        of_clips = mcnemar(right[0][scored], right[1][scored])
    return Comparison(
        convention=convention,
        subjects=len(strata),
        interval=subjects.interval,
        draws=draws,
        permutations=len(swapped),
        exact=exact,
        scores={path: replace(row, p_holm=p) for (path, row), p in zip(rows.items(), adjusted)},
        mcnemar=of_clips,
    )


def _chosen(sections: dict[str, Section], n_units: int, metrics: Sequence[str]) -> dict[str, list[str]]:
    """The names of the wanted scores, by section."""
    ones = np.ones((1, n_units))
    paths = {
        path_of(section, name): (section, name) for section, part in sections.items() for name in part.evaluate(ones)
    }
    called = {path: {path, ".".join(of)} for path, of in paths.items()}  # as in the summary, or by its section
    wanted: set[str] = set()
    for word in metrics:
        matches = {path for path in paths if word == "all" or any(f".{n}".endswith(f".{word}") for n in called[path])}
        matches = matches or {path for path in paths if any(f".{word}." in f".{n}." for n in called[path])}
        if not matches:
            last = {path.rpartition(".")[2] for path in paths}
            known = {part for part in last if not part.isdecimal()} | set(paths)  # f1_at_iou.0.50 is no "50"
            raise ConfigError(unknown("metric of these runs", word, known))
        wanted |= matches
    chosen = [of for path, of in paths.items() if path in (wanted if metrics else MAIN)]
    return {section: [name for _, name in group] for section, group in grouped(chosen, key=itemgetter(0)).items()}


def on_hardest(
    sections: dict[str, Section],
    section: str,
    names: Sequence[str],
    people: Resampling,
    sides: Sequence[tuple[Callable[[Floats], Floats], BasisOf]],
) -> dict[str, dict[str, Any]]:
    """Scores of some runs on the fifth of the people who are hardest for all of them, see `metrics.ranking.hardest`.

    Args:
        sections: of `sections_of`.
        section: one of them.
        names: of scores in it.
        people: whose draws give intervals.
        sides: for each run the weights of the pool, (m, n_units), from those of its people, and what its scores depend on.

    Returns:
        For each name `people`, their number, and `scores` of the runs; nothing where no person has a score.
    """
    part, nothing, results = sections[section], np.full(people.n_units, np.nan), dict[str, dict[str, Any]]()
    for path, group in grouped(names, key=lambda name: personal(path_of(section, name))).items():
        judge, _, by = path.rpartition(".")
        each = [sections.get(judge, part).evaluate(pool(np.eye(people.n_units))).get(by, nothing) for pool, _ in sides]
        if len(cohort := hardest(np.stack(each))):
            alone = [people.of_some(cohort, partial(_scores, part, group, pool), basis_of) for pool, basis_of in sides]
            results |= {name: {"people": len(cohort), "scores": [scores[name] for scores in alone]} for name in group}
    return results


def _scores(
    part: Section, names: Sequence[str], pool: Callable[[Floats], Floats], weights: Floats
) -> dict[str, Floats]:
    """Some scores of a section, of the run that the pool's weights stand for."""
    return {name: values for name, values in part.evaluate(pool(weights)).items() if name in names}


def _compare_section(
    section: str,
    sections: dict[str, Section],
    names: Sequence[str],
    units: Indices,
    subjects: Resampling,
    swapped: np.ndarray[Any, np.dtype[np.bool_]],
    exact: bool,
) -> dict[str, ComparedScore]:
    for member in {member for stratum in subjects.strata for member in members_of(stratum)}:
        if f"{section}.".startswith(f"recognition.members.{member}."):
            subjects = subjects.within(member)
    part = sections[section]
    pools: list[Callable[[Floats], Floats]] = [
        lambda weights: paired_weights(units, weights, 0 * weights),
        lambda weights: paired_weights(units, 0 * weights, weights),
    ]
    runs: list[Evaluate] = [partial(_scores, part, names, pool) for pool in pools]
    basis_of: list[BasisOf] = [
        lambda own, name: part.basis_of(units[0, list(own)].tolist(), name),
        lambda own, name: part.basis_of(units[1, list(own)].tolist(), name),
    ]
    paired = replace(subjects, skipped={})
    least_p = 2.0 ** (1 - len(subjects.subjects))  # where all differ in one direction
    first, second, differences, without = paired.compared(runs, basis_of)
    alone = [run(np.eye(subjects.n_units)) for run in runs]
    permuted = permuted_differences(partial(_scores, part, names, np.asarray), units, swapped)
    hard = on_hardest(sections, section, names, subjects, list(zip(pools, basis_of)))
    rows = {}
    for name in names:
        difference = differences[name]
        observed = np.nan if difference["value"] is None else difference["value"]
        own = section.startswith("spotting.") or name in OF_SAMPLES
        error = standard_error(without[name], subjects.own_strata)
        n, p, effect = signed_rank(alone[0][name], alone[1][name]) if own else (0, None, None)
        rows[path_of(section, name)] = ComparedScore(
            first=first[name],
            second=second[name],
            difference=difference,
            p=permutation_p(observed, permuted[name], exact),
            p_holm=None,
            wilcoxon_n=n,
            wilcoxon_p=p,
            rank_biserial=effect,
            detectable=detectable_difference(*error) if least_p < LEVEL else None,
            subjects=len(subjects.subjects),
            skipped=paired.skipped[""] + paired.skipped.get(f".{name}", 0),
            same=bool(np.all(np.abs(permuted[name]) < 1e-12) and abs(observed) < 1e-12),
            hardest=hard.get(name, {}),
        )
    return rows
