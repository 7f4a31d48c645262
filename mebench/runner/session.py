"""A run in progress in this process, and the videos that it skips."""

import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from mebench.config import RunConfig, registry, trainer
from mebench.config.settings import plugins_of
from mebench.core.types import Fold
from mebench.errors import DataError, MebenchError, RunError, list_first
from mebench.output.progress import Progress
from mebench.output.terminal import format_count
from mebench.runner.describe import describe_run, truth_tables
from mebench.runner.guard import AuditedRun, check_duplicate_people, write_audit
from mebench.runner.host import fold_task, place_of, unstorable
from mebench.runner.identity import identity_of, refuse_changed, run_key, run_name, training_key
from mebench.runner.inputs import instructions_of_folds, refuse_other_processor, short_hash
from mebench.runner.plan import Plan, make_plan
from mebench.runner.prepare import Prepared, SharedVideo, missing_videos, shared_video
from mebench.runner.selection_worth import EpochAnswers, epochs_of, measure_worth, with_epoch_predictions, without_leak
from mebench.runner.workers import WorkerTask
from mebench.runs import RunFolder
from mebench.runs.chance_levels import add_levels_of_chance, with_levels_of_chance
from mebench.runs.fold_files import MODEL, WrittenFold, safe_name
from mebench.runs.folder import TRAINING, first_id
from mebench.runs.scoring import current_summary, read_tables, score_run
from mebench.sandbox.isolation import Failure

FILE = "skipped.json"
"""In the run folder, written where `no_face=skip`: the reason for each video, by its key."""

MOST_LISTED = 5


def read_skipped(folder: RunFolder) -> dict[str, str]:
    """The skipped videos of a run with the reason of each; empty where none is skipped.

    Raises:
        RunError: the file is damaged.
    """
    return dict(folder.read_json(FILE)) if (folder.path / FILE).is_file() else {}


def write_skipped(folder: RunFolder, reasons: Mapping[str, str], n_videos: int) -> str:
    """Record the skipped videos, and return a line for the run's warnings.

    Args:
        folder: folder of the run, described already.
        reasons: why each video is left out, by its key.
        n_videos: number of videos of the run.

    Returns:
        The line, empty if nothing is left out.
    """
    folder.write_json(FILE, dict(reasons))
    if not reasons:
        return ""
    how_many = f"no face in {len(reasons)} of {n_videos} videos"
    line = f"{how_many}, left out of training and counted as missed: {list_first(list(reasons), MOST_LISTED)}"
    about = folder.read_json("folds.json")
    if line not in about["warnings"]:  # a continued run has reported it already
        folder.write_json("folds.json", {**about, "warnings": [*about["warnings"], line]})
    return line


@dataclass(frozen=True)
class Outcome:
    """A finished run and its summary (with `run_id` and `seconds`)."""

    folder: RunFolder
    summary: dict[str, Any]


@dataclass
class Session:
    """A run in progress in this process.

    Attributes:
        plan: plan of the run; videos without a face are skipped once they are known.
        folder: folder of the run.
        lock: lock of the folder.
        began: `time.perf_counter` at the start.
        finished: keys of the folds that were there before.
        left: keys of the folds to come.
        failures: why folds failed, by key.
        unscored: keys of the videos of which no frame has a score, and in which nothing was spotted.
        leaking: plan of the requested leaking run, if this is the honest run whose per-epoch predictions serve both.
        epoch_predictions: for a leaking run those of its honest run.
        key_of_training: key of all that decides the training, see `identity.training_key`; None where no other run can share it.
        clean: for a degraded run the one whose models predict.
        repair: sentence about a run that was finished and damaged, once it is repaired.
    """

    plan: Plan
    folder: RunFolder
    lock: FileLock
    began: float
    finished: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)
    unscored: set[str] = field(default_factory=set)
    leaking: Plan | None = None
    epoch_predictions: EpochAnswers | None = None
    key_of_training: str | None = None
    clean: RunFolder | None = None
    repair: str = ""

    def record_features(self, prepared: Prepared, reader: int, progress: Progress) -> None:
        """Record the cost of features, and the videos without a face. The features are those that this run is the first to read.

        Args:
            prepared: outcome of computing the features of all runs.
            reader: number of this run among them.
            progress: place to tell what is left out.

        Raises:
            MebenchError: features that the run needs failed.
        """
        plan = self.plan
        shared = {shared_video(plan.feature_needs, video) for video in plan.data.videos}
        seconds = {key: of_video[reader] for (_, key), of_video in prepared.seconds.items() if reader in of_video}
        self.folder.add_feature_seconds(seconds, plan.features.write_cards())
        skips = plan.config.no_face == "skip" or self.clean is not None
        faceless, failed = self._own_failures(prepared, shared).failed(skips)
        if failed:
            raise self._features_error(failed, progress)
        if skips:
            self._skip(faceless, progress)

    def _own_failures(self, prepared: Prepared, shared: set[SharedVideo]) -> Prepared:
        """The outcome with the failures of features that this run needs: in a sweep it may be another run's that failed."""
        missing: set[str] = set()
        if shared & prepared.failures.keys():
            missing = {video.key for video in missing_videos(self.plan.features)}
        failures = {video: f for video, f in prepared.failures.items() if video in shared and video[1] in missing}
        return replace(prepared, failures=failures)

    def _features_error(self, failed: Mapping[str, Failure], progress: Progress) -> MebenchError:
        """The error of a run whose features failed; several failures are listed as progress."""
        key, first = next(iter(failed.items()))
        if len(failed) == 1 and first.error is not None:
            return first.error
        for name in [*failed][:MOST_LISTED]:
            progress.notify(f"failed: {name}: {failed[name].reason}")
        if len(failed) > MOST_LISTED:
            progress.notify(f"failed: {len(failed) - MOST_LISTED} more videos")
        n_videos = len(self.plan.data.videos)
        others = "Those of the others are stored. " if len(failed) < n_videos else ""
        return DataError(
            f"the features of {len(failed)} of {n_videos} videos failed; {key}: {first.reason}. "
            f"{others}Fix the cause and give the same command again"
        )

    def _skip(self, faceless: Mapping[str, str], progress: Progress) -> None:
        """Leave out the videos without a face, each with its reason."""
        plan = self.plan
        if len(faceless) == len(plan.data.videos):
            raise DataError(f"none of the {len(faceless)} videos shows a face. {next(iter(faceless.values()))}")
        if self.finished and set(read_skipped(self.folder)) != set(faceless):
            raise RunError(
                f"run {self.folder.id!r} cannot continue: other videos than before have no face, and its folds must not "
                "mix. Start a new run with: mebench run"
            )
        if line := write_skipped(self.folder, faceless, len(plan.data.videos)):
            progress.notify(line)
        self.plan = replace(plan, data=replace(plan.data, skipped=faceless))

    def trained_elsewhere(self, runs_by_training: Mapping[str, Sequence[RunFolder]]) -> dict[str, Path]:
        """The remaining folds that a run with the same training has trained: its folder, by key. None where an equal
        run exists: then this run is computed again.

        Args:
            runs_by_training: the runs of the same folder, by what their training depends on.
        """
        folders = dict[str, Path]()
        if self.clean is not None:
            return {key: self.clean.fold_folder(key) for key in self.left}
        if self.key_of_training is None or rerun_notice(self):
            return folders
        for other in runs_by_training.get(self.key_of_training, ()):
            if other.id != self.folder.id and set(folders) < self.left:
                with suppress(MebenchError, TypeError, ValueError):  # its skipped videos cannot be read
                    if read_skipped(other).keys() == self.plan.data.skipped.keys():
                        keys = (other.finished_folds() & self.left) - set(folders)
                        found = {key: other.fold_folder(key) for key in keys}
                        folders |= {key: folder for key, folder in found.items() if (folder / MODEL).is_file()}
        return folders

    def make_tasks(self, trained: Mapping[str, Path]) -> list[WorkerTask]:
        """The tasks of the remaining folds; where another run has trained them, only the intervals are computed."""
        mark = self._mark_folder() if self.plan.config.executor == "dask" else ""
        # The largest first: a long fold at the end would leave the other workers idle.
        folds = sorted(self.plan.data.folds, key=lambda f: (-len(f.train) - len(f.valid), f.key))
        return [
            fold_task(
                (self, fold),
                self.plan,
                fold,
                trained.get(fold.key),
                run=self.folder.path,
                keeps_model=self._keeps_model(fold),
                mark=mark,
            )
            for fold in folds
            if fold.key in self.left
        ]

    def _mark_folder(self) -> str:
        """The name of a new file. By it another machine knows that it shares this folder."""
        place = self.folder.path / TRAINING
        place.mkdir(exist_ok=True)
        mark = f"{secrets.token_hex(8)}.shared"
        (place / mark).touch()
        return mark

    def _keeps_model(self, fold: Fold) -> bool:
        """Whether the run keeps the weights of a fold."""
        kept = self.plan.config.keep_models
        return kept == "all" or (kept == "first" and fold == self.plan.data.folds[0])

    def store_fold(self, fold: Fold, outcome: Any) -> list[str]:
        """Store the result of a fold or the reason of its failure; send metrics.

        They go to loggers that talk to a process or a server.

        Returns:
            a sentence for each logger that failed.

        Raises:
            RunError: the disk is full.
        """
        unscored: list[str] = []
        if not isinstance(outcome, Failure):
            try:
                self.folder.take_logs(fold.key, place_of(self.folder.path, self.plan, fold))
                if isinstance(outcome, WrittenFold):
                    unscored = outcome.unscored
                    self.folder.take_fold(fold.key, outcome)
                else:
                    unscored = outcome.list_unscored_videos()
                    self.folder.write_fold(outcome, self.plan.data.task.kinds)
            except (ValueError, TypeError, OverflowError) as error:
                outcome = unstorable(error)
        if isinstance(outcome, Failure):
            self.failures[fold.key] = outcome.reason
            self.folder.write_failure(fold.key, outcome.details)
        else:
            self.unscored |= {*unscored}
        self.left.discard(fold.key)
        config = self.plan.config
        folder = self.folder.path / "logs" / safe_name(fold.key)
        return trainer.hand_over(config.trainer, config.values, fold.key, folder) if folder.is_dir() else []

    def unscored_warning(self) -> list[str]:
        """A warning if the method scored no frame of some videos."""
        silent = [video for video in self.plan.data.videos if video.key in self.unscored]
        if not silent:
            return []
        example = silent[0]
        return [
            f"{self.folder.id}: no frame of {len(silent)} of {len(self.plan.data.videos)} videos has a score, so nothing is spotted there, "
            f"such as {example.key} of {example.n_frames} frames: the gap and the windows of a method may be longer than a short video"
        ]

    def finish(self) -> Outcome:
        """Score the run and mark it as finished.

        Raises:
            RunError: folds failed.
        """
        if self.failures:
            raise self._error_of_failed_folds()
        plan = self.plan
        folder = self.folder
        if folder.done:  # the honest run was there
            return self._leak()
        # The features of each fold's test videos; a video that several folds test counts in the first.
        left = dict(folder.read_json("features.json")["videos"])
        seconds = dict[str, float]()
        for fold in plan.data.folds:
            seconds[fold.key] = sum(left.pop(video.key, 0.0) for video in plan.data.tested_videos(fold))
        folder.merge_folds(list(seconds), seconds)
        summary = score_run(folder, plan.config.seed, plan.config.bootstrap, plan.config.convention)
        summary = add_levels_of_chance(summary, folder, read_tables(folder))
        with_id = {"run_id": folder.id, "seconds": round(time.perf_counter() - self.began, 3), **summary}
        folder.write_json("summary.json", with_id)
        kept = self.epoch_predictions
        config = plan.config
        chosen = [] if kept is None else [measure_worth(kept, folder, config.audit, config.convention)]
        audited = AuditedRun(plan.data, plan.methods, config.values, plan.selection, plan.transductive)
        write_audit(folder, audited, *chosen)
        self.repair = folder.compare_with_former()
        folder.finish()
        return Outcome(folder, with_id) if self.leaking is None else self._leak()

    def _error_of_failed_folds(self) -> RunError:
        """The number of failed folds, one reason, and how the run continues."""
        fold, reason = min(self.failures.items())
        n_folds = len(self.plan.data.folds)
        full_stop = "" if reason.endswith((".", "?")) else "."
        others = ", the other folds are kept" if len(self.failures) < n_folds else ""
        return RunError(
            f"{len(self.failures)} of {n_folds} folds failed; fold {fold!r}: {reason}{full_stop} "
            f"The reasons are in {self.folder.path / 'failed'}{others}. If the cause lies "
            f"outside the program, fix it and continue with: mebench resume {self.folder.quoted_name}; a changed "
            "plugin starts a new run"
        )

    def _leak(self) -> Outcome:
        """The leaking run, made from the epochs with the best test scores; nothing is trained."""
        assert self.leaking is not None
        leaking = self.leaking
        plan = replace(leaking, data=replace(leaking.data, skipped=self.plan.data.skipped))
        answers = epochs_of(self.folder, plan.data, plan.config.convention)
        session = replace(_claim(plan), epoch_predictions=answers)
        try:
            session.folder.add_feature_seconds({}, plan.features.write_cards())
            if plan.config.no_face == "skip":
                write_skipped(session.folder, plan.data.skipped, len(plan.data.videos))
            for result in answers.choose_folds(plan.config.audit):
                session.folder.write_fold(result, plan.data.task.kinds)
            return session.finish()
        finally:
            session.lock.release()

    def describe_size(self) -> str:
        """The run in numbers, for people."""
        plan = self.plan
        counts = {
            "fold": len(plan.data.folds),
            "subject": len({v.subject_key for v in plan.data.videos}),
            "video": len(plan.data.videos),
            "micro-expression": sum(e.kind == "micro" for v in plan.data.videos for e in v.expressions),
        }
        return ", ".join(format_count(n, word) for word, n in counts.items())


def open_session(plan: Plan, run_id: str | None = None, clean: RunFolder | None = None) -> Session:
    """Claim the unfinished run of a plan's key, or begin and describe a new one.

    Args:
        plan: plan of the run.
        run_id: the unfinished run to go on with; its inputs must not have changed.
        clean: for a degraded run the one whose models predict; by default the finished run of the same settings.

    Raises:
        RunError: `run_id` cannot go on; the folder cannot be written; the clean run is missing, or keeps no models.
        PluginError: a plugin was edited since this program imported it.
    """
    if plan.config.degrade != "none":
        clean = with_models(clean or finished_run(make_plan(without_leak(plan.config, degrade="none"))), plan)
        return replace(_claim(plan, run_id), clean=clean, key_of_training=None)
    if plan.data.leak is None or not plan.data.leak.by_epoch_choice_only:
        return _claim(plan, run_id)
    honest = make_plan(without_leak(plan.config, looks=True))
    every = {fold.key for fold in plan.data.folds}
    honest_run = next((run for run in finished_runs(honest) if with_epoch_predictions(run, honest.data) == every), None)
    if honest_run is not None and (lock := honest_run.lock()) is not None:
        return Session(honest, honest_run, lock, time.perf_counter(), every, set(), leaking=plan)
    return replace(_claim(honest, run_id), leaking=plan)


def with_models(clean: RunFolder | None, plan: Plan) -> RunFolder:
    """The clean run of a degraded one, which keeps the models of all folds.

    Raises:
        RunError: there is none, or it keeps none.
    """
    if clean is None:
        raise RunError(
            f"degrade={plan.config.degrade} takes the models of the finished clean run, but {plan.config.runs} "
            "has none with these settings: run it first, by the same command without degrade"
        )
    folders = {fold.key: clean.fold_folder(fold.key) for fold in plan.data.folds}
    if missing := [key for key, folder in folders.items() if not (folder / MODEL).is_file()]:
        raise RunError(
            f"degrade={plan.config.degrade} takes the models of {clean.id}, which keeps none of fold {missing[0]!r}, as degraded runs, "
            "runs that leak and records of the leaderboard never do: compute an honest run with mebench run, and keep_models=all"
        )
    return clean


def _claim(plan: Plan, run_id: str | None = None) -> Session:
    """Lock and describe the run folder of a plan, and find the missing folds.

    Args:
        plan: plan of the run.
        run_id: the unfinished run to go on with; None takes one of the plan's key, or a new one.

    Raises:
        RunError: another process has the run, or a part of it has changed.
    """
    began = time.perf_counter()
    runs = Path(plan.config.runs).expanduser()
    if plan.config.degrade == "none":  # else the clean run was checked
        check_duplicate_people(plan.features, plan.config.dataset_params)
    tables = truth_tables(plan.data)
    parts = identity_of(plan)
    key = short_hash(parts)
    key_of_training = training_key(plan, parts)
    if run_id is not None:
        _refuse_other_conditions(RunFolder(runs / run_id), parts)
    folder, lock = RunFolder.lock_run(runs, run_name(plan.config), key, run_id)
    try:
        for info in plugins_of(plan.config):
            registry.refuse_edited(info)
        folder.remove_leftovers()
        describe_run(folder, plan, tables, key, key_of_training, parts)
        folds = {fold.key for fold in plan.data.folds}
        finished = folder.finished_folds() & folds
        if plan.keeps_epochs:  # the same run without looks may have begun it
            finished &= with_epoch_predictions(folder, plan.data)
    except BaseException:
        lock.release()
        raise
    return Session(plan, folder, lock, began, finished=finished, left=folds - finished, key_of_training=key_of_training)


def _refuse_other_conditions(begun: RunFolder, parts: Mapping[str, Any]) -> None:
    """Refuse to go on with a run on another processor, or with changed inputs."""
    if begun.of_study:  # `RunFolder.lock_run` refuses it, with a better reason
        return
    is_lost = begun.done and "versions.json" in begun.list_damaged_files()  # the parts below hold the processor, too
    versions = {} if is_lost else begun.read_json("versions.json")
    if "processor" in versions:
        refuse_other_processor(f"run {begun.id!r}", versions["processor"], instructions_of_folds())
    refuse_changed(begun, parts)


def rerun_notice(session: Session) -> str:
    """The notice that equal runs exist already, finished or in another process; empty where none does."""
    first = first_id(run_name(session.plan.config), session.folder.read_json("config.json")["key"])
    equal = [
        run
        for run in RunFolder.list_runs_of_id(session.folder.path.parent, first).values()
        if run.id != session.folder.id
    ]
    return "an equal run exists already" if equal else ""


def finished_run(plan: Plan) -> RunFolder | None:
    """The latest finished run of this plan's key, or None."""
    return next(iter(finished_runs(plan)), None)


def finished_runs(plan: Plan) -> list[RunFolder]:
    """The finished runs of this plan's key, the latest first."""
    return RunFolder.all_finished(Path(plan.config.runs).expanduser(), run_name(plan.config), run_key(plan))


def cached_outcome(folder: RunFolder, config: RunConfig) -> Outcome:
    """A finished run; where it was scored under other rules or with other draws, its scores under those asked for now.

    Raises:
        RunError: a file of it is missing or damaged.
    """
    summary = current_summary(folder)
    stored = folder.read_json("config.json")["config"]
    if (stored["convention"], stored["bootstrap"]) != (config.convention, config.bootstrap):
        head = {name: summary[name] for name in ("run_id", "seconds")}
        summary = {**head, **score_run(folder, config.seed, config.bootstrap, config.convention)}
    return Outcome(folder, with_levels_of_chance(summary, folder))
