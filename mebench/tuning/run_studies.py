"""Run a study: trials over the inner folds, then the tuned values and the default over the outer ones.

Frame scores and models of finished folds stay on disk, so that another trial, or another process, need not train them again.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from mebench._installation import VERSION
from mebench.atomic import replace_file
from mebench.config import RunConfig
from mebench.core.types import Fold
from mebench.errors import DataError, RunError, refuse_if
from mebench.metrics import TABLE_COLUMNS, RunComparison
from mebench.metrics.compared_tables import compare_tables
from mebench.metrics.score_table import ScoreTable
from mebench.metrics.summary import summarize
from mebench.output.progress import Progress
from mebench.runner import find_abilities, make_plan
from mebench.runner.describe import describe_run, made_by, truth_tables
from mebench.runner.execute import InterruptedRunError, stopped_by_signals, worker_pool
from mebench.runner.host import fold_task
from mebench.runner.identity import has_reusable_training, hash_annotations, hash_contents
from mebench.runner.inputs import code_and_settings, inputs_of, short_hash, with_absolute_places
from mebench.runner.plan import Plan
from mebench.runner.prepare import prepare_features
from mebench.runner.session import write_skipped
from mebench.runner.workers import Workers
from mebench.runs import FoldResult, RunFolder
from mebench.runs.fold_files import folder_name, read_fold, safe_name
from mebench.runs.folder import TUNED
from mebench.runs.scoring import read_tables, score_run, select_scored_clips
from mebench.sandbox.isolation import Failure
from mebench.sandbox.process import one_thread
from mebench.tuning.outcome import TrialReporter, Tuned, TuningFacts, summarize_tuning, write_study_figures
from mebench.tuning.proposing import Proposer
from mebench.tuning.records import COST, Objective, Study, Terms, Trial, TuneOptions, read_objectives, tuned_member
from mebench.tuning.space import Space, read_space, select_for_task, with_values
from mebench.tuning.splits import Split, nested_studies, people_of_folds, tuning_set
from mebench.tuning.study import SharedStudy, Step, StudyStorage
from mebench.tuning.tuning_page import write_tuning_page


def _lock_folder(folder: RunFolder) -> FileLock:
    """A lock for one process at a time on a folder; the others wait and then find its results."""
    folder.path.mkdir(parents=True, exist_ok=True)
    return FileLock(folder.path / ".lock")


def change_parameters(plan: Plan, values: Mapping[str, Any]) -> Plan:
    """The run with other values of some parameters, over the same people and folds.

    Raises:
        ConfigError: the values do not go together.
    """
    config = with_values(plan.config, values)
    selects = any(method.selects for method in find_abilities(config.methods, config.trainer))
    return replace(plan, config=config, data=replace(plan.data, selects=selects))


def run_folds(
    pool: Workers, plan: Plan, folds: Sequence[Fold], stored: Mapping[str, FoldResult] | None = None
) -> Iterator[FoldResult]:
    """Results of some folds in order of completion.

    Args:
        pool: pool of workers.
        plan: plan of the run with stored features; the folds know its people only.
        folds: among these people.
        stored: frame scores and models by key of the fold, if only intervals are computed.

    Raises:
        RunError: a fold failed.
    """
    results: Mapping[str, FoldResult | None] = stored or dict.fromkeys(fold.key for fold in folds)
    tasks = [fold_task(fold.key, plan, fold, results[fold.key]) for fold in folds]
    for task, outcome in pool.run(tasks):
        if isinstance(outcome, Failure):
            raise outcome.error or RunError(f"fold {task.key!r}: {outcome.reason}")
        yield outcome


def plan_of_part(plan: Plan, part: int | None) -> Plan:
    """The run of one method of a pair by itself, or the whole run."""
    return plan if part is None else replace(plan, data=replace(plan.data, task=plan.methods[part].task))


class StoredFeatures:
    """The features of runs, stored once for equal videos and chains.

    Args:
        pool: pool of workers.
        progress: progress of the work.
    """

    def __init__(self, pool: Workers, progress: Progress) -> None:
        self._pool = pool
        self._progress = progress
        self._known: dict[str, dict[str, str]] = {}

    def prepare(self, plan: Plan) -> Plan:
        """The run with stored features, without the videos that show no face (`no_face=skip`).

        Raises:
            MebenchError: features failed.
        """
        chains = sorted(c.fingerprint() for group in plan.features.chains.values() for c in group)
        name = short_hash([[video.key for video in plan.data.videos], chains])
        if name not in self._known:
            prepared = prepare_features([plan.feature_needs], self._pool, self._progress)
            self._known[name], failed = prepared.failed(plan.config.no_face == "skip")
            for key, failure in failed.items():
                raise failure.error or DataError(f"the features of {key} failed: {failure.reason}")
        return replace(plan, data=replace(plan.data, skipped=self._known[name]))


MOST_KEPT = 8
"""Trainings whose results stay in memory."""


class Evaluator:
    """Scores values over the inner folds of one study. Of a pair of methods it runs one alone if the other changes no objective.

    Args:
        split: subjects of the study.
        space: space of the study.
        objectives: objectives of the study.
        pool: pool of workers.
        folder: folder of frame scores and models that other trials can reuse.
        features: features of the runs.
        proposer: makes intervals again of stored frame scores.

    Attributes:
        waited: wall seconds spent waiting for features and inner folds, over all trials so far.
    """

    def __init__(
        self,
        split: Split,
        space: Space,
        objectives: Sequence[Objective],
        pool: Workers,
        folder: Path,
        features: StoredFeatures,
        proposer: Proposer,
    ) -> None:
        self._proposer = proposer
        self._split = split
        self._space = space
        self._objectives = tuple(objectives)
        self._pool = pool
        self._folder = folder
        self._features = features
        inner = split.inner
        sections = {objective.path.partition(".")[0] for objective in self._objectives}
        self._part = tuned_member(objectives, inner.config.recognizer is not None)
        self._run = plan_of_part(inner, self._part)
        self._fold_of = {fold.key: fold for fold in self._run.data.folds}
        self._inputs = (
            inputs_of(inner.config, inner.data.dataset),
            hash_annotations(inner.data),
            *hash_contents(inner.features, inner.access.methods),
        )
        self._names = "analysis" in sections
        self._classes = inner.data.task.classes if {"analysis", "recognition"} & sections else ()
        self.waited = 0.0
        # Results by key of the fold, by name of the training. Those of older trainings are read again when a trial proposes from them.
        self._kept = lru_cache(MOST_KEPT)(lambda name: dict[str, FoldResult]())

    def __call__(self, values: Mapping[str, Any], step: Step) -> list[float]:
        """The objectives over all inner folds together.

        Args:
            values: by key.
            step: called with the first objective after each fold, in order; may raise to end the trial.

        Raises:
            MebenchError: the values do not go together, a fold failed, or an objective is undefined.
        """
        done: list[FoldResult] = []
        seconds = 0.0
        for result in self._results(values):
            done.append(result)
            seconds += result.costs["fit_seconds"] + result.costs["predict_seconds"]
            has_open_folds = len(done) < len(self._run.data.folds)
            can_prune = len(self._objectives) == 1 and not self._space.never_trains  # else no trial is pruned
            if can_prune and has_open_folds:
                first = self._values(done, seconds)[0]
                if first is not None:
                    step(first)
        scores = self._values(done, seconds)
        for objective, score in zip(self._objectives, scores):
            if score is None:
                raise RunError(f"{objective.path} is undefined over the inner folds, so these values have no score")
        return [score for score in scores if score is not None]

    def _results(self, values: Mapping[str, Any]) -> Iterator[FoldResult]:
        """The inner folds in order, each as soon as all earlier ones are complete."""
        plan = plan_of_part(change_parameters(self._split.inner, values), self._part)
        began = time.perf_counter()
        plan = self._features.prepare(plan)
        self.waited += time.perf_counter() - began
        if not (self._space.reuses_scores and has_reusable_training(plan.config)):
            yield from self._computed(plan, {})
            return
        about = [
            *self._inputs,
            self._split.name,
            self._part,
            people_of_folds(self._run.data.folds),
            self._space.values_of_training(values),
        ]
        name = short_hash(about)
        folder = RunFolder(self._folder / name)
        stored = self._kept(name)
        lacks_folds = len(stored) < len(plan.data.folds)
        with _lock_folder(folder) if lacks_folds else nullcontext():
            for key in folder.finished_folds() - stored.keys():
                stored[key] = read_fold(folder.fold_folder(key), plan.data.task.kinds)
            for result in self._computed(plan, stored):
                if result.key not in stored:
                    folder.write_fold(result, plan.data.task.kinds)
                    stored[result.key] = result
                yield self._proposer.propose(plan, self._fold_of[result.key], result, self._names)

    def _computed(self, plan: Plan, stored: Mapping[str, FoldResult]) -> Iterator[FoldResult]:
        """The folds in order; missing ones are computed by the workers."""
        running = run_folds(self._pool, plan, [fold for fold in plan.data.folds if fold.key not in stored])
        results = dict(stored)
        try:
            for fold in plan.data.folds:
                began = time.perf_counter()
                while fold.key not in results:
                    result = next(running)
                    results[result.key] = result
                self.waited += time.perf_counter() - began
                yield results[fold.key]
        finally:
            running.close()  # type: ignore[attr-defined]

    def _values(self, done: Sequence[FoldResult], seconds: float) -> list[float | None]:
        """The values of the objectives over some inner folds."""
        folds = tuple(self._fold_of[result.key] for result in done)
        plan = replace(self._run, data=replace(self._run.data, folds=folds))
        task = plan.data.task
        tables = truth_tables(plan.data)
        tables = replace(
            tables,
            predictions=_predictions_of_results(done) if "spot" in task.tasks else None,
            clips=_clips_of_results(done, tables.truths) if "recognize" in task.tasks else None,
        )
        summary = summarize(
            tables, kinds=task.kinds, classes=self._classes, seed=0, convention=plan.config.convention, draws=0
        )
        known = {**ScoreTable.read(summary).numbers(), COST: seconds}
        return [known.get(objective.path) for objective in self._objectives]


def _predictions_of_results(results: Sequence[FoldResult]) -> pd.DataFrame:
    """The predictions of some folds as a table."""
    columns = TABLE_COLUMNS["predictions"]
    rows = []
    for result in results:
        rows += [[getattr(prediction, column) for column in columns] for prediction in result.predictions]
    return pd.DataFrame(rows, columns=columns)


def _clips_of_results(results: Sequence[FoldResult], truths: pd.DataFrame) -> pd.DataFrame:
    """The scored clips with the answers of some folds."""
    answers: dict[tuple[str, int, int], str] = {}
    for result in results:
        answers |= {(clip.video, clip.onset, clip.offset): clip.predicted for clip in result.clips}
    scored = select_scored_clips(truths)[["video", "onset", "offset", "emotion"]].to_numpy(object).tolist()
    rows = [(video, label, answers.get((video, onset, offset))) for video, onset, offset, label in scored]
    return pd.DataFrame(rows, columns=TABLE_COLUMNS["clips"])


class Judge:
    """Runs the outer folds of the default and of the tuned configurations.

    Args:
        plan: plan of the run.
        splits: the studies, whose outer folds together are the run.
        space: space of the studies.
        pool: pool of workers.
        folder: folder of the study.
        progress: progress of the work.
        features: features of the runs.
    """

    def __init__(
        self,
        plan: Plan,
        splits: Sequence[Split],
        space: Space,
        pool: Workers,
        folder: Path,
        progress: Progress,
        features: StoredFeatures,
    ) -> None:
        self._splits = tuple(splits)
        self._space = space
        self._pool = pool
        self._folder = folder
        self._progress = progress
        self._features = features
        outer_folds = tuple(fold for split in splits for fold in split.outer)
        self._plan = replace(plan, data=replace(plan.data, folds=outer_folds))

    def judge(
        self, tuned: Mapping[str, Mapping[str, Any]], objectives: Sequence[Objective]
    ) -> tuple[RunFolder, RunFolder, RunComparison]:
        """Run the outer folds under tuned and default values, and compare both.

        Args:
            tuned: the values of each study by its name.
            objectives: objectives to compare.

        Returns:
            The run of the default; the run of the tuned values, which differ by fold if each outer fold has its own
            study; and the scores of tuned (first) and default (second) with the paired test over subjects.

        Raises:
            MebenchError: a fold failed.
        """
        default = self._run("default", {split.name: {} for split in self._splits})
        other = self._run("tuned", tuned, default)
        paths = [objective.path for objective in objectives if objective.path != COST]
        comparison = compare_tables(
            read_tables(other),
            read_tables(default),
            kinds=self._plan.data.task.kinds,
            classes=self._plan.data.task.classes,
            convention=self._plan.config.convention,
            metrics=paths or ("all",),
            draws=self._plan.config.bootstrap,
            seed=self._plan.config.seed,
        )
        return default, other, comparison

    def _run(self, name: str, tuned: Mapping[str, Mapping[str, Any]], default: RunFolder | None = None) -> RunFolder:
        """The outer folds as a run folder; finished folds are kept and scored by the present rules and draws."""
        plan = self._plan
        tables = truth_tables(self._plan.data)
        # Different from a plain run: folds and values are not those of its configuration.
        inputs = (
            inputs_of(plan.config, plan.data.dataset),
            hash_annotations(plan.data),
            *hash_contents(plan.features, plan.access.methods),
        )
        key = short_hash([*inputs, people_of_folds(plan.data.folds), tuned])
        folder = RunFolder(self._folder / "outer" / f"{name}-{key[:8]}")
        with _lock_folder(folder):
            if folder.done:
                self._score_by_present_rules(folder)
                return folder
            described = change_parameters(plan, tuned[self._splits[0].name]) if len(self._splits) == 1 else plan
            # First, because an end between the two would leave an apparent plain run.
            folder.write_json(TUNED, {name: dict(values) for name, values in tuned.items()})
            describe_run(folder, described, tables, key)
            changed = [change_parameters(plan, tuned[split.name]) for split in self._splits]
            parts = [self._features.prepare(part) for part in changed]
            if plan.config.no_face == "skip":
                reasons = {key: reason for part in parts for key, reason in part.data.skipped.items()}
                line = write_skipped(folder, reasons, len(plan.data.videos))
                if line:
                    self._progress.notify(f"outer {name}: {line}")
            finished = folder.finished_folds()
            with self._progress.stage(
                f"outer {name}",
                len(plan.data.folds),
                "folds",
                done=len(finished),
                at_once=min(self._pool.size, max(len(split.outer) for split in self._splits)),
                begins="the first folds are being computed",
            ) as advance:
                for split, part in zip(self._splits, parts):
                    lacking = [fold for fold in split.outer if fold.key not in finished]
                    for result in self._results(part, tuned[split.name], lacking, default):
                        folder.write_fold(result, plan.data.task.kinds)
                        advance()
            folder.merge_folds([fold.key for fold in plan.data.folds])
            self._score(folder)
            folder.finish()
        return folder

    def _score_by_present_rules(self, folder: RunFolder) -> None:
        """Score a finished run again if its rules or number of draws are others.

        The run notes these last.
        """
        config = self._plan.config
        about = folder.read_json("config.json")
        settings = {name: config.values[name] for name in ("convention", "bootstrap")}
        known = about["config"] | settings
        if known == about["config"]:
            return
        self._score(folder)
        origins = about["origins"] | {name: config.origins[name] for name in settings}
        folder.write_json("config.json", {**about, "config": known, "origins": origins})

    def _score(self, folder: RunFolder) -> None:
        """Score the merged folds of a run."""
        config = self._plan.config
        summary = score_run(folder, config.seed, config.bootstrap, config.convention)
        folder.write_json("summary.json", {"run_id": folder.id, "seconds": 0.0, **summary})

    def _results(
        self, plan: Plan, values: Mapping[str, Any], folds: Sequence[Fold], default: RunFolder | None
    ) -> Iterable[FoldResult]:
        """The results of some folds, computed by workers unless the default's training can be reused.

        Args:
            plan: plan of the values, once its features are stored.
            values: by key; empty for the default.
            folds: outer folds to compute.
            default: the finished run of the default, unless this is it.
        """
        spots = "spot" in plan.data.task.tasks
        if default is None or not self._can_reuse(plan, values, spots):
            return run_folds(self._pool, plan, folds)
        places = {fold.key: default.fold_folder(fold.key) for fold in folds}
        stored = {key: read_fold(place, plan.data.task.kinds) for key, place in places.items()}
        return run_folds(self._pool, plan, folds, stored) if spots else stored.values()

    def _can_reuse(self, plan: Plan, values: Mapping[str, Any], spots: bool) -> bool:
        """Whether the default's training serves values: they are its own, or differ only in what acts on frame scores."""
        defaults = self._space.own_values()
        if spots and has_reusable_training(plan.config) and has_reusable_training(self._plan.config):
            return self._space.values_of_training(values) == self._space.values_of_training(defaults)
        return dict(values) == defaults


def tune_and_judge(config: RunConfig, options: TuneOptions, progress: Progress) -> Tuned:
    """Tune, judge, and write everything into the folder of the study.

    Raises:
        MebenchError: bad input, a storage that cannot be used, repeated failure of trials, Ctrl-C; finished trials stay
            in the storage.
    """
    began = time.perf_counter()
    planned = _plan_study(config, options, progress)
    _notify_of_plan(planned, progress)
    with stopped_by_signals(), one_thread(), worker_pool(config) as pool:
        features = StoredFeatures(pool, progress)
        proposer = Proposer(pool)
        try:
            studies, waited = _run_studies(planned, pool, progress, features, proposer)
            tried = time.perf_counter()
            chosen = {name: study.chosen_trial().params for name, study in studies.items()}
            judge = Judge(planned.plan, planned.splits, planned.space, pool, planned.folder, progress, features)
            judged = judge.judge(chosen, planned.objectives)
        except KeyboardInterrupt as stop:
            pool.stop()
            raise InterruptedRunError(
                f"stopped: finished trials are kept in {planned.place}. Give the same command again to continue", stop
            ) from None
        finally:
            proposer.close()
    seconds = {
        "inner_folds": round(waited, 3),
        "trials": round(tried - began - waited, 3),
        "outer": round(time.perf_counter() - tried, 3),
    }
    facts = TuningFacts(planned.name, str(planned.place), options.nested, seconds)
    tuned = summarize_tuning(config, planned.splits, planned.space, studies, judged, facts)
    replace_file(planned.folder / "outcome.json", json.dumps(tuned.plain, indent=1, allow_nan=False) + "\n")
    write_tuning_page(tuned.plain)
    return tuned


@dataclass(frozen=True)
class _PlannedStudy:
    """A study before its first trial: what is searched, over whom, and where it is kept.

    Attributes:
        config: configuration of the run.
        options: options of the study.
        plan: plan of the run.
        space: values to search.
        objectives: scores to improve.
        splits: subjects of each study: one study, or one for each outer fold.
        about: settings that must agree for two processes in one study.
        name: name of the study.
        folder: folder of its files.
        place: storage of its trials.
    """

    config: RunConfig
    options: TuneOptions
    plan: Plan
    space: Space
    objectives: tuple[Objective, ...]
    splits: Sequence[Split]
    about: Mapping[str, Any]
    name: str
    folder: Path
    place: StudyStorage

    def name_of_split(self, split: Split) -> str:
        """The name of the study over the subjects of a split."""
        return f"{self.name}/{split.name}" if self.options.nested else self.name

    def subfolder_of_split(self, split: Split) -> str:
        """The folder of that study, below the folder of all."""
        return folder_name(self.folder, split.name) if self.options.nested else "."


def _plan_study(config: RunConfig, options: TuneOptions, progress: Progress) -> _PlannedStudy:
    """The plan of a study; a new one notifies of similar ones that it does not continue."""
    space = read_space(config, options.params, options.acts)
    plan = make_plan(config)
    space = select_for_task(space, plan.data.task, bool(options.params))
    objectives = read_objectives(options.objectives, plan.data.task)
    _refuse_untunable(plan)
    splits = _splits_of(plan, options)
    about = _identity_of_study(plan, space, objectives, splits, options)
    design = "nested" if options.nested else "tuned"
    beginning = f"{about['method']}-{config.dataset}-{config.protocol}-seed{config.seed}-{design}-"
    name = options.study or f"{beginning}{short_hash(about)[:8]}"
    out = Path(options.out).expanduser()
    folder = out / folder_name(out, name)
    if not options.study and not folder.exists():
        progress.notify(*remarks_on_former_studies(out, safe_name(beginning), name))
    place = StudyStorage.at_url(options.storage or str(out / "optuna.db"))
    return _PlannedStudy(config, options, plan, space, objectives, splits, about, name, folder, place)


def _notify_of_plan(planned: _PlannedStudy, progress: Progress) -> None:
    """Notify of left-out parameters, if the user named any, and of several studies."""
    if planned.options.params:
        progress.notify(*(f"not tuned: {reason}" for reason in planned.space.left_out))
    if planned.options.nested:
        progress.notify(f"tuning {planned.name}: {len(planned.splits)} studies, one for each outer fold")


def _run_studies(
    planned: _PlannedStudy, pool: Workers, progress: Progress, features: StoredFeatures, proposer: Proposer
) -> tuple[dict[str, Study], float]:
    """The finished study of each split, and the seconds spent waiting. It waits for features and inner folds."""
    options = planned.options
    space = planned.space
    objectives = planned.objectives
    studies: dict[str, Study] = {}
    waited = 0.0
    for split in planned.splits:
        name = planned.name_of_split(split)
        terms = Terms(name, planned.about, space, objectives, options, planned.config.seed)
        shared = SharedStudy(planned.place, terms)
        if not studies:  # nothing is written before a study of that name about something else has refused
            replace_file(planned.folder / "study.json", json.dumps(_description_of(planned), indent=1) + "\n")
        reporter = TrialReporter(progress, name, options.trials, split, space)
        evaluator = Evaluator(split, space, objectives, pool, planned.folder / "inner", features, proposer)
        folder = planned.folder / planned.subfolder_of_split(split)
        studies[split.name] = _run_study(shared, options.trials, evaluator, reporter, folder)
        waited += evaluator.waited
    return studies, waited


def _description_of(planned: _PlannedStudy) -> dict[str, Any]:
    """The content of `study.json`."""
    config = planned.config
    options = planned.options
    splits = planned.splits
    return {
        "study": planned.name,
        "config": with_absolute_places(config.values),
        "origins": config.origins,
        "source": made_by(),
        "mebench": VERSION,
        "nested": options.nested,
        "parts": {split.name: planned.subfolder_of_split(split) for split in splits},
        "search": planned.space.plain(),
        "objectives": {objective.path: objective.direction for objective in planned.objectives},
        "how": {
            "sampler": options.sampler,
            "pruner": options.pruner,
            "inner_folds": len(splits[0].inner.data.folds),
            "tuning_subjects": len(splits[0].subjects),
            "storage": str(planned.place),
        },
    }


def _refuse_untunable(plan: Plan) -> None:
    """Refuse runs in which tested people cannot be kept from the trials."""
    config = plan.config
    refuse_if(
        (
            plan.data.leak is not None,
            f"audit={config.audit} lets tested subjects influence a run, but tuning must not see them: leave it out",
        ),
        (
            plan.data.subject_dependent,
            f"protocol {config.protocol!r} tests its own training people, so no trial can leave them out: tune under "
            "protocol=loso or protocol=kfold",
        ),
    )


def _splits_of(plan: Plan, options: TuneOptions) -> Sequence[Split]:
    """The subjects of the studies: one for each outer fold, or a single one."""
    if options.nested:
        return nested_studies(plan, options.inner_folds)
    return tuning_set(plan, options.tuning_subjects or SHARE_OF_TUNING, options.inner_folds)


SHARE_OF_TUNING = 0.4
"""Share of the subjects in a tuning set, unless the user gives another."""


def _identity_of_study(
    plan: Plan, space: Space, objectives: Sequence[Objective], splits: Sequence[Split], options: TuneOptions
) -> dict[str, Any]:
    """The settings that must agree for two processes in one study, the most informative first."""
    config = plan.config
    subjects: Any = "nested"
    if not options.nested:
        subjects = {split.name: [*map(str, split.subjects)] for split in splits}
    identity = {
        "method": "+".join(filter(None, (config.method, config.recognizer))),
        "dataset": config.dataset,
        "protocol": config.protocol,
        "parameters": space.plain(),
        "objectives": {o.path: o.direction for o in objectives},
        "subjects": subjects,
        "inner folds": len(splits[0].inner.data.folds),
        **code_and_settings(config),
        "convention": config.convention,
        "annotations": hash_annotations(plan.data),
    }
    for content_hash in hash_contents(plan.features, plan.access.methods):  # none if neither frames nor files are read
        identity["frames or files"] = content_hash
    return identity


def remarks_on_former_studies(out: Path, beginning: str, name: str) -> list[str]:
    """A sentence on each similar study that a new one does not continue.

    They have the same method, data and seed.

    Args:
        out: folder of all studies.
        beginning: name of their folders without the hash at its end.
        name: name of the new study.
    """
    remarks = []
    for file in sorted(out.glob(f"{beginning}*/study.json")):
        with suppress(OSError, ValueError, TypeError, AttributeError):  # of another program, or damaged
            then = json.loads(file.read_text(encoding="utf-8"))
            begun_by = f"mebench {then['mebench']}" if "mebench" in then else "an earlier mebench"
            remarks.append(
                f"study {then['study']} does not continue: {begun_by} began it with other code, settings or subjects. "
                f"Its trials stay in {file.parent}; this begins {name}"
            )
    return remarks


def _row_of_trial(trial: Trial, keys: Sequence[str], paths: Sequence[str]) -> dict[str, Any]:
    """A trial as a row of a table: its values of the dimensions `keys`, its scores by path, and how it went."""
    scores = trial.values or [None] * len(paths)
    return {
        "trial": trial.number,
        "state": trial.state,
        **{key: trial.params.get(key) for key in keys},
        **dict(zip(paths, scores)),
        "seconds": trial.seconds,
        "retry_of": trial.retry_of,
        "reason": trial.reason,
    }


TABLE_SECONDS = 5.0
"""Least seconds between two writings of the table of trials while a study runs."""


def _run_study(shared: SharedStudy, trials: int, evaluator: Evaluator, reporter: TrialReporter, folder: Path) -> Study:
    """All trials of one study, by this process and by others; their table and figures in the folder."""
    reporter.begin(shared.read_study(importance=False))
    written = 0.0

    def write(study: Study) -> None:
        nonlocal written
        keys = [dimension.key for dimension in shared.terms.space.dimensions]
        paths = [objective.path for objective in study.objectives]
        rows = [_row_of_trial(trial, keys, paths) for trial in study.trials]
        table = pd.DataFrame(rows).astype({"retry_of": "Int64"})
        replace_file(folder / "trials.csv", table.to_csv(index=False, lineterminator="\n"))
        written = time.monotonic()

    def after(study: Study, trial: Trial) -> None:
        reporter.report(study, trial)
        if time.monotonic() - written >= TABLE_SECONDS:
            write(study)

    shared.run(trials, evaluator, after)
    shared.try_default(evaluator)
    found = shared.read_study()
    write(found)
    write_study_figures(shared.stored, found, folder)
    return found
