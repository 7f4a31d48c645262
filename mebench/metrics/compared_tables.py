"""Several runs in one set of tables.

One scoring then serves all of them and any exchange between them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import product
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.errors import ConfigError, DataError, unknown
from mebench.grouping import group_by
from mebench.lazy_imports import load_lazily
from mebench.metrics.bootstrap import (
    Basis,
    BasisOf,
    Resampling,
    SectionScores,
    average_scores,
    derived_seed,
    score_each_alone,
)
from mebench.metrics.catalogue import OF_SAMPLES, find_metric, refuse_curve
from mebench.metrics.conventions import Convention, find_convention
from mebench.metrics.paired import (
    PERMUTATIONS,
    McNemar,
    draw_swaps,
    holm,
    mcnemar,
    paired_weights,
    permutation_p,
    permuted_differences,
    signed_rank,
)
from mebench.metrics.ranking import hardest_people, personal_path
from mebench.metrics.ratios import Bools, Floats, Indices
from mebench.metrics.summary import summarize
from mebench.metrics.tables import NOBODY, Tables, members_of, of_first_draw
from mebench.score_type import Score

if TYPE_CHECKING:
    import scipy
else:
    scipy = load_lazily("scipy")


def pool_runs(runs: Sequence[Tables]) -> Tables:
    """All runs in one set of tables, each on subjects of its own.

    The second run's `a/01` is `2|a/01`. Methods that predict by chance contribute their first draw. The column `run` of
    the videos separates the runs for rules about all answers of one run: their order, and whether intervals can be ranked.
    """
    runs = [of_first_draw(run) for run in runs]
    videos = _with_persons([run.videos for run in runs])
    return Tables(
        videos=_joined([table.assign(run=number) for number, table in enumerate(videos, 1)]),
        truths=_joined([run.truths for run in runs]),
        predictions=_joined_if_all([run.predictions for run in runs]),
        clips=_joined_if_all([run.clips for run in runs]),
    )


def _with_persons(videos: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Tables of videos with the column `person` if a run has it; runs of earlier versions lack it."""
    person: dict[str, str] = {}
    for table in videos:
        if "person" in table:
            person |= dict(zip(table["subject"], table["person"]))
    if not person:
        return list(videos)
    return [table.assign(person=table["subject"].map(lambda own: person.get(own, own))) for table in videos]


def _joined_if_all(tables: Sequence[pd.DataFrame | None]) -> pd.DataFrame | None:
    """The tables of all runs in one; None if a run has none."""
    present = [table for table in tables if table is not None]
    return _joined(present) if len(present) == len(tables) else None


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The tables of all runs in one.

    Names of videos and people follow the number of their run.
    """
    marked = [_with_run_in_names(table, number) for number, table in enumerate(tables, 1)]
    # Columns of an empty table have no type, which would spoil the types of the other tables.
    filled = [table for table in marked if len(table)]
    return pd.concat(filled or marked[:1], ignore_index=True)


def _with_run_in_names(table: pd.DataFrame, number: int) -> pd.DataFrame:
    """A table whose videos, subjects and persons are those of one run alone."""
    columns = [column for column in ("video", "subject", "person") if column in table]
    return table.assign(**{column: f"{number}|" + table[column].astype(str) for column in columns})


def sections_of(
    pool: Tables, n_units: int, kinds: Sequence[str], classes: Sequence[str], convention: str | Convention
) -> dict[str, SectionScores]:
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
    if last == "strs":
        return f"{part}.{name}"
    if last == "f1_at_iou":
        return f"{part}.details.{last}.{name}"
    return f"{section}.{name}"


@dataclass(frozen=True)
class Pool:
    """Runs on the same truth, each as if on subjects of its own.

    Attributes:
        tables: tables of all runs; run 2's copy of the subject `a/01` is `2|a/01`.
        units: (n_runs, n_subjects) positions of each run's predictions of each subject among the units of scoring.
        strata: (n_subjects,) the member dataset of each subject, see `metrics.tables.members_of`.
    """

    tables: Tables
    units: NDArray[np.int32]
    strata: tuple[str, ...]

    @classmethod
    def from_runs(cls, runs: Sequence[Tables]) -> Self:
        """The pool of several runs' predictions; for a method that predicts by chance, its first draw.

        Raises:
            DataError: the tables of a run do not fit together.
        """
        tables = pool_runs(runs)
        people = tables.put_in_order().videos.drop_duplicates("unit")
        parts = people["subject"].str.partition("|")
        ranked = people.assign(run=parts[0].astype("int64"), own=parts[2]).sort_values(["run", "dataset", "own"])
        units = ranked["unit"].to_numpy(np.int32).reshape(len(runs), -1)  # in half the time of 64 bits
        return cls(tables, units, tuple(ranked["stratum"][: units.shape[1]]))

    def make_scorer(
        self, path: str, kinds: Sequence[str], classes: Sequence[str], convention: str
    ) -> Callable[[Floats], Floats]:
        """A function from (m, n_units) weights to (m,) values of a score.

        The score stands at `path`, such as `spotting.micro.f1`.

        Raises:
            ConfigError: these runs have no such score.
        """
        part, name = self._part_with(path, kinds, classes, convention)
        return lambda weights: part.evaluate(weights)[name]

    def personal_scorer(
        self, path: str, kinds: Sequence[str], classes: Sequence[str], convention: str
    ) -> Callable[[int], Floats]:
        """A function from a run to its scores at `path`, (n_people,).

        Each person is scored alone; NaN for people who show nothing that the score depends on.

        Raises:
            ConfigError: these runs have no such score.
        """
        part, name = self._part_with(path, kinds, classes, convention)

        def score(run: int) -> Floats:
            of_people = partial(_scores_of_people, part, name)
            return score_each_alone(of_people, self.units[run].tolist(), self.units.size)[name]

        return score

    def _part_with(
        self, path: str, kinds: Sequence[str], classes: Sequence[str], convention: str
    ) -> tuple[SectionScores, str]:
        """The part of a summary with the score at `path`, and the score's name."""
        alone = with_one_score(find_convention(convention), path)
        sections = sections_of(self.tables, self.units.size, kinds, classes, alone)
        ones = np.ones((1, self.units.size))
        for section, part in sections.items():
            for name in part.evaluate(ones):
                if path == path_of(section, name):
                    return part, name
        raise ConfigError(unknown("score of these runs", path, sections))


def with_one_score(rule: Convention, path: str) -> Convention:
    """A convention under which only the score at a path is computed.

    What it is made of is computed, too. All scores take several times as long. The hardest people, who are found by another score, are
    then unknown. The score of an action unit exists only among all scores of classes.
    """
    wanted = path.rpartition(".")[2]
    metric = find_metric(wanted)
    needed = frozenset(filter(None, (wanted, metric.factor)))
    scores = needed if rule.scores is None else needed & rule.scores
    of_classes = needed if rule.class_scores is None else needed & rule.class_scores
    return replace(rule, scores=scores, class_scores=None if metric.of_unit else of_classes)


def _scores_of_people(part: SectionScores, name: str, weights: Floats) -> dict[str, Floats]:
    """A score on each person alone, (n_people,).

    NaN for people who show nothing that it depends on, or without such a score.

    Args:
        part: section of a summary.
        name: name of the score in it.
        weights: (n_people, n_units) weights that are 1 for the units of one person.
    """
    scores = part.evaluate(weights).get(name, np.full(len(weights), np.nan))
    units_of = [np.flatnonzero(row).tolist() for row in weights]
    is_shown = [part.basis_of(units, name).subjects > 0 for units in units_of]
    return {name: np.where(is_shown, scores, np.nan)}


LEVEL = 0.05
"""Level of a test: probability of a false difference."""


def detectable_difference(error: float, degrees: int, level: float = LEVEL, power: float = 0.8) -> float | None:
    """The smallest true difference that a two-sided test of this level finds with this probability.

    (t_{1 - level / 2} + t_{power}) x standard error, the usual approximation (Bloom 1995, Minimum Detectable Effects);
    with many subjects 2.80 standard errors. It depends on the subjects, not on the result: a smaller difference may
    exist and go unnoticed.

    Args:
        error: standard error of the difference over subjects, paired.
        degrees: degrees of freedom, subjects minus strata.
        level: level of the test.
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
        first: score of the first run, with its interval.
        second: score of the second run.
        difference: first minus second; the interval is over subjects, paired.
        p: p value of the permutation test over subjects, None where the difference is undefined.
        p_holm: the same, adjusted for all compared scores.
        wilcoxon_n: subjects whose own score is defined in both runs; 0 without this test.
        wilcoxon_p: p value of the signed-rank test over these, or None.
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

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        scores = {name: getattr(self, name).plain() for name in ("first", "second", "difference")}
        return {**vars(self), **scores}


@dataclass(frozen=True)
class RunComparison:
    """Two runs, compared.

    Attributes:
        convention: name of the convention.
        subjects: their number.
        interval: `bootstrap` or `jackknife`, for all subjects.
        draws: number of bootstrap draws.
        permutations: number of tried exchanges.
        exact: whether all possible exchanges were tried.
        scores: by path, for example `spotting.micro.f1`.
        mcnemar: McNemar's test of the annotated clips, where both runs recognize; None over seeds.
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
        return {**asdict(self), "scores": {path: score.plain() for path, score in self.scores.items()}}


def compare_tables(
    first: Tables | Sequence[Tables],
    second: Tables | Sequence[Tables],
    *,
    kinds: Sequence[str],
    classes: Sequence[str],
    convention: str | Convention = "strict",
    metrics: Sequence[str] = (),
    draws: int = 1000,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> RunComparison:
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
        convention: the convention, or its name.
        metrics: paths as in a summary (`spotting.micro.f1`), parts of them (`f1`, `spotting.micro`) or `all`; by default `MAIN`.
        draws: number of bootstrap draws.
        permutations: the most to try.
        seed: seed of draws and permutations.

    Returns:
        The comparison; swapping the runs negates differences and changes no p value.

    Raises:
        ConfigError: the metric or convention is unknown or does not apply to these runs.
        DataError: the tables do not fit together.
    """
    firsts = _as_runs(first)
    seconds = _as_runs(second)
    pairs = list(zip(firsts, seconds)) if len(firsts) == len(seconds) else list(product(firsts, seconds))
    pools = [Pool.from_runs(pair) for pair in pairs]
    units = pools[0].units.astype(np.int64)
    strata = pools[0].strata
    rule = find_convention(convention)
    if not metrics:  # of spotting only F1: most time goes to what ranks intervals
        rule = replace(rule, scores=frozenset({"f1"} if rule.scores is None else {"f1"} & rule.scores))
    sections = _sections_over_pools(pools, kinds, classes, rule)
    subjects = Resampling.of_subjects(strata, draws, seed)
    of_people, exact = draw_swaps(len(subjects.subjects), permutations, derived_seed(seed, "permutation"))
    swapped = np.zeros((len(of_people), len(strata)), dtype=np.bool_)  # what is nobody's is never exchanged
    swapped[:, list(subjects.subjects)] = of_people
    exchanges = Exchanges(units, swapped, exact)
    rows: dict[str, ComparedScore] = {}
    for section, names in _chosen(sections, units.size, metrics).items():
        rows |= _compare_section(section, sections, names, subjects, exchanges)
    adjusted = holm([row.p for row in rows.values()])
    return RunComparison(
        convention=rule.name if isinstance(convention, Convention) else convention,
        subjects=len(subjects.subjects),
        interval=subjects.interval,
        draws=draws,
        permutations=len(swapped),
        exact=exact,
        scores={path: replace(row, p_holm=p) for (path, row), p in zip(rows.items(), adjusted)},
        mcnemar=_compare_clips(firsts[0].clips, seconds[0].clips, classes) if len(pairs) == 1 else None,
    )


def _as_runs(runs: Tables | Sequence[Tables]) -> list[Tables]:
    """The tables of each run of a side."""
    return [runs] if isinstance(runs, Tables) else list(runs)


def _sections_over_pools(
    pools: Sequence[Pool], kinds: Sequence[str], classes: Sequence[str], rule: Convention
) -> dict[str, SectionScores]:
    """The score functions of the pools of several seeds, which have the same units: means of the pools' scores."""
    of_pools = [sections_of(pool.tables, pool.units.size, kinds, classes, rule) for pool in pools]
    sections = {}
    for section, part in of_pools[0].items():
        evaluate = average_scores([sections_of_pool[section].evaluate for sections_of_pool in of_pools])
        sections[section] = part._replace(evaluate=evaluate)
    return sections


def _compare_clips(first: pd.DataFrame | None, second: pd.DataFrame | None, classes: Sequence[str]) -> McNemar | None:
    """McNemar's test of the annotated clips; None where a run does not recognize.

    Raises:
        DataError: the clips differ or stand in another order.
    """
    if first is None or second is None:
        return None
    keys = ["video", "truth"]
    if first[keys].to_numpy().tolist() != second[keys].to_numpy().tolist():
        raise DataError("the clips of the two runs differ or stand in another order: compare runs on the same truth")
    scored = first["truth"].isin(list(classes)).to_numpy()
    first_right, second_right = (
        (table["truth"] == table["predicted"]).fillna(False).to_numpy(np.bool_) for table in (first, second)
    )
    return mcnemar(first_right[scored], second_right[scored])


def _chosen(sections: dict[str, SectionScores], n_units: int, metrics: Sequence[str]) -> dict[str, list[str]]:
    """The names of the wanted scores, by section."""
    ones = np.ones((1, n_units))
    paths = {
        path_of(section, name): (section, name) for section, part in sections.items() for name in part.evaluate(ones)
    }
    wanted = {path for word in metrics for path in _paths_of_word(word, paths)} if metrics else set(MAIN)
    chosen = [place for path, place in paths.items() if path in wanted]
    by_section = group_by(chosen, key=itemgetter(0))
    return {section: [name for _, name in names] for section, names in by_section.items()}


def _paths_of_word(word: str, paths: Mapping[str, tuple[str, str]]) -> set[str]:
    """The paths of scores that a word names: `all`, the end of a path (`f1`), or else a part of it (`spotting.micro`).

    Args:
        word: word of the user.
        paths: section and name of each score, by its path in a summary. A word may name either.

    Raises:
        ConfigError: it names none.
    """
    if word == "all":
        return set(paths)
    spellings = {path: (f".{path}.", f".{section}.{name}.") for path, (section, name) in paths.items()}
    ending = {path for path, spelled in spellings.items() if any(text.endswith(f".{word}.") for text in spelled)}
    if ending:
        return ending
    containing = {path for path, spelled in spellings.items() if any(f".{word}." in text for text in spelled)}
    if not containing:
        refuse_curve(word)
        last_words = {path.rpartition(".")[2] for path in paths}
        names = {last for last in last_words if not last.isdecimal()}  # f1_at_iou.0.50 is no "50"
        raise ConfigError(unknown("metric of these runs", word, names | set(paths)))
    return containing


def on_hardest(
    sections: dict[str, SectionScores],
    section: str,
    names: Sequence[str],
    people: Resampling,
    sides: Sequence[tuple[Callable[[Floats], Floats], BasisOf]],
) -> dict[str, dict[str, Any]]:
    """Scores of runs on the people who are hardest for all of them.

    These are a fifth of the people, see `metrics.ranking.hardest_people`.

    Args:
        sections: sections from `sections_of`.
        section: one of them.
        names: names of scores in it.
        people: whose draws give intervals.
        sides: for each run the weights of the pool, (m, n_units), from those of its people, and what its scores depend on.

    Returns:
        For each name `people`, their number, and `scores` of the runs; nothing where no person has a score.
    """
    part = sections[section]
    results: dict[str, dict[str, Any]] = {}
    for judging_path, group in group_by(names, key=lambda name: personal_path(path_of(section, name))).items():
        judging_section, _, judging_name = judging_path.rpartition(".")
        judge = sections.get(judging_section, part)
        each: list[Floats] = []
        for pool, _ in sides:
            of_people = partial(_judge_people, judge, judging_name, pool)
            each.append(score_each_alone(of_people, range(people.n_units), people.n_units)[judging_name])
        cohort = hardest_people(np.stack(each))
        if not len(cohort):
            continue
        scores = [people.of_some(cohort, partial(_scores, part, group, pool), basis_of) for pool, basis_of in sides]
        for name in group:
            results[name] = {"people": len(cohort), "scores": [of_run[name] for of_run in scores]}
    return results


def _judge_people(
    judge: SectionScores, name: str, pool: Callable[[Floats], Floats], weights: Floats
) -> dict[str, Floats]:
    """A score on each person alone, of the run that the pool's weights stand for."""
    return _scores_of_people(judge, name, pool(weights))


def _scores(
    part: SectionScores, names: Sequence[str], pool: Callable[[Floats], Floats], weights: Floats
) -> dict[str, Floats]:
    """Some scores of a section, of the run that the pool's weights stand for."""
    return {name: values for name, values in part.evaluate(pool(weights)).items() if name in names}


@dataclass(frozen=True)
class Exchanges:
    """Exchanges of the predictions of two runs.

    Attributes:
        units: (2, n_subjects) positions of the predictions of each run among the units of the pool.
        swapped: (n_exchanges, n_subjects) subjects whose predictions are exchanged.
        exact: whether these are all exchanges.
    """

    units: Indices
    swapped: Bools
    exact: bool

    def first_alone(self, weights: Floats) -> Floats:
        """Weights of the pool for the first run, from (m, n_subjects) weights of subjects."""
        return paired_weights(self.units, weights, 0 * weights)

    def second_alone(self, weights: Floats) -> Floats:
        """Weights of the pool that stand for the second run."""
        return paired_weights(self.units, 0 * weights, weights)

    def basis_of_run(self, part: SectionScores, run: int, subjects: Sequence[int], name: str) -> Basis:
        """The data behind a score of a run, from positions of subjects."""
        return part.basis_of(self.units[run, list(subjects)].tolist(), name)


def _compare_section(
    section: str, sections: dict[str, SectionScores], names: Sequence[str], subjects: Resampling, exchanges: Exchanges
) -> dict[str, ComparedScore]:
    """The comparison of the wanted scores of a section, by path."""
    subjects = _subjects_of_section(section, subjects)
    part = sections[section]
    pools = (exchanges.first_alone, exchanges.second_alone)
    runs = [partial(_scores, part, names, pool) for pool in pools]
    basis_of = [partial(exchanges.basis_of_run, part, run) for run in (0, 1)]
    paired = replace(subjects, skipped={})
    first, second, differences, errors = paired.compare_runs(runs, basis_of)
    of_people = [unit for unit, stratum in enumerate(subjects.strata) if stratum != NOBODY]
    first_alone, second_alone = (score_each_alone(run, of_people, subjects.n_units) for run in runs)
    permuted = permuted_differences(partial(_scores, part, names, np.asarray), exchanges.units, exchanges.swapped)
    on_hard = on_hardest(sections, section, names, subjects, list(zip(pools, basis_of)))
    # Where all subjects differ in one direction.
    can_reach_level = 2.0 ** (1 - len(subjects.subjects)) < LEVEL
    rows = {}
    for name in names:
        difference = differences[name]["value"]
        observed = np.nan if difference is None else difference
        n = 0
        p = None
        effect = None
        if section.startswith("spotting.") or name in OF_SAMPLES:
            n, p, effect = signed_rank(first_alone[name], second_alone[name])
        error, degrees = errors[name]
        rows[path_of(section, name)] = ComparedScore(
            first=Score.from_plain(first[name]),
            second=Score.from_plain(second[name]),
            difference=Score.from_plain(differences[name]),
            p=permutation_p(observed, permuted[name], exchanges.exact),
            p_holm=None,
            wilcoxon_n=n,
            wilcoxon_p=p,
            rank_biserial=effect,
            detectable=detectable_difference(error, degrees) if can_reach_level else None,
            subjects=len(subjects.subjects),
            skipped=paired.skipped[""] + paired.skipped.get(f".{name}", 0),
            same=bool(np.all(np.abs(permuted[name]) < 1e-12) and abs(observed) < 1e-12),
            hardest=on_hard.get(name, {}),
        )
    return rows


def _subjects_of_section(section: str, subjects: Resampling) -> Resampling:
    """The subjects that the scores of a section depend on: for a member dataset's scores, its own."""
    members = {member for stratum in subjects.strata for member in members_of(stratum)}
    for member in members:
        if f"{section}.".startswith(f"recognition.members.{member}."):
            subjects = subjects.restrict_to(member)
    return subjects
