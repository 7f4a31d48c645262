"""Runs from Python: run, sweep, resume and load."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.result import Result, notebook_html
from mebench.api.tracked_runs import check_tracker, send_runs
from mebench.api.trainer_objects import store_trainer_objects
from mebench.errors import ConfigError, MebenchError, RunError, at_fault, check_known, unknown
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.progress import Progress

with lazy_imports():
    from mebench.config import (
        combinations as setting_combinations,
        registry,
        resolving,
        sections,
        settings as run_settings,
        sources,
        trainer,
        typed_values,
    )
    from mebench.inspection import dataset_summary, scheme_remark
    from mebench.records import record as run_record
    from mebench.reports import plots, report as run_report, score_trust, scores as score_report, sweep_scores
    from mebench.runner import execute, guard, session
    from mebench.runs import answers as run_answers, chance_levels, folder as run_folder, origin as run_origin, scoring

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from mebench.config.combinations import Lists
    from mebench.metrics.tables import Tables
    from mebench.reports.timeline import JudgedRun
else:
    pd = load_lazily("pandas")

Names = str | Path | Iterable[str | Path]
"""A path, or several."""


class Run(Result):
    """A finished run; its folder is read on access.

    Attributes:
        summary: all scores as plain data, as `mebench run --json` writes them.
        tracked: where its tracker shows the run, in words; None if it was not sent.
        tracker: name of the tracker, `MLflow` by default.
        fresh: whether folds were computed just now.
    """

    def __init__(
        self,
        folder: run_folder.RunFolder,
        summary: Mapping[str, Any],
        tracked: str | None = None,
        fresh: bool = False,
        tracker: str = "MLflow",
    ) -> None:
        self.folder = type(folder)(folder.path.absolute())  # the same folder from wherever the program works later
        self.summary = dict(summary)
        self.tracked = tracked
        self.fresh = fresh
        self.tracker = tracker

    @property
    def id(self) -> str:
        """The run's name, which is the name of its folder."""
        return self.folder.id

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.folder.path

    @property
    def title(self) -> str:
        """Method, dataset, protocol and seed."""
        return score_report.title_of(self.config)

    @property
    def config(self) -> dict[str, Any]:
        """Every setting by its key, such as `method.p`; of a record without folders."""
        stored = self.folder.read_json("record.json" if run_record.is_record(self.folder) else "config.json")
        return sources.flatten_keys(stored["config"])

    @property
    def warnings(self) -> list[str]:
        """Warnings about its folds and data."""
        about = self.folder.read_json("folds.json")
        return [line for line in [*about.get("warnings", ()), about["remark"]] if line]

    @property
    def account(self) -> list[dict[str, Any]]:
        """What its data hold and how much is used: expressions, files, and clips of the emotion scheme.

        Records and runs of earlier versions know their clips alone.
        """
        about = self.folder.read_json("folds.json")
        clips = self.tables.clips
        if "account" in about:
            return list(about["account"])
        if clips is None:
            return []
        return guard.account_of_clips(about["scheme"], len(clips), about.get("left_out", {})).plain()

    @property
    def tables(self) -> Tables:
        """The tables that scoring reads: videos, truths, predictions, clips."""
        return scoring.read_tables(self.folder)

    @property
    def frame_scores(self) -> pd.DataFrame:
        """A row for each frame and kind: `fold`, `video`, `frame` (from 0), `kind`, `score` (NaN where undefined).
        Empty where nothing was spotted, and in a record, which keeps none.
        """
        return self._table("frame_scores", "spot", ["fold", "video", "frame", "kind", "score"])

    @property
    def clips(self) -> pd.DataFrame:
        """A row for each annotated clip that was to be named: `fold`, `video`, `onset`, `offset`, `predicted`, and in
        `probabilities` a number for each class of the scheme. Empty where nothing was named.
        """
        return self._table("clips", "recognize", ["fold", "video", "onset", "offset", "predicted", "probabilities"])

    @property
    def folds(self) -> pd.DataFrame:
        """One row per fold, by its name: the tested subjects (`test`), the numbers of training and validation subjects,
        and the cost: seconds of features, training and prediction, memory in MiB, number of learnt parameters.
        """
        folds = self.folder.read_json("folds.json")["folds"]
        rows = {fold["fold"]: (fold["test"], len(fold["train"]), len(fold["valid"])) for fold in folds}
        table = pd.DataFrame.from_dict(rows, "index", columns=["test", "n_train", "n_valid"]).rename_axis("fold")
        if not (self.path / "costs.csv").is_file():
            return table
        return table.join(self.folder.read_costs().set_index("fold"))

    @property
    def history(self) -> pd.DataFrame:
        """The training history: `fold`, `stage`, `epoch`, `split`, `loss`, `accuracy` …; empty for a method without
        training.
        """
        return plots.history_of(self.folder)

    def plot_training(self, stage: str | None = None) -> Figure:
        """Plot a stage of training over its epochs: loss and accuracy, the mean over folds.

        Args:
            stage: its name in `history`; the last one by default.

        Raises:
            RunError: nothing was trained, or there is no such stage.
        """
        history = self.history
        stages = list(dict.fromkeys(history["stage"].astype(str)))
        if not stages:
            raise RunError(f"run {self.id!r} has no training to draw: its method does not train in epochs")
        wanted = stages[-1] if stage is None else stage
        check_known("stage", wanted, stages)
        of_stage = history[history["stage"].astype(str) == wanted]
        title = f"training: {wanted}, mean over {of_stage['fold'].nunique()} folds"
        return plots.notebook_figure(plots.draw_training({wanted: of_stage}, title))

    def trust(self, people: str | Path | None = None) -> dict[str, Any]:
        """Scores by halves of the face and, with a table of people, by their groups; how far class probabilities can be
        trusted.

        Args:
            people: a CSV with `subject` and a column for each attribute, see docs/understand/trust.md.

        Raises:
            DataError: the table does not fit.
        """
        return score_trust.measure_trust(self._side(), None if people is None else Path(people).expanduser())

    @property
    def _classes(self) -> list[str]:
        return list(self.folder.read_json("folds.json")["classes"])

    def _answers(self) -> pd.DataFrame | None:
        names_clips = "recognize" in self.folder.read_json("folds.json")["tasks"]
        return run_answers.read_answers_of_run(self.folder) if names_clips else None

    def _side(self) -> JudgedRun:
        return run_report.judge_run(run_record.read_record(self.folder))

    def _table(self, name: str, task: str, columns: Sequence[str]) -> pd.DataFrame:
        """A table of a task's answers; empty where the run was not asked for it, and what a record does not keep."""
        kept = task in self.folder.read_json("folds.json")["tasks"] and not run_record.is_record(self.folder)
        stored = kept or (self.path / f"{name}.parquet").is_file()
        return self.folder.read_table(f"{name}.parquet") if stored else pd.DataFrame(columns=list(columns))

    def _notes(self) -> Sequence[str]:
        return [*super()._notes(), f"run folder: {self.path}"]


def run(*words: str, config: Names = (), plugins: Names = (), progress: Progress | None = None, **settings: Any) -> Run:
    """Run a method on a dataset, as `mebench run` does.

        mebench.run("method=mean", "dataset=synthetic", seed=1)
        mebench.run(method={"name": "mean", "p": 0.6}, dataset="synthetic")

    The run is sent to its tracker, MLflow by default. An unfinished run of the same settings is continued; after a
    finished one, a new one begins. It works in threads and notebooks, too; SIGTERM ends it like Ctrl-C only in the main
    thread of a program.

    Args:
        words: `key=value`, such as `method.p=0.6`.
        config: YAML files of settings; later ones rank higher.
        plugins: folders with more methods, datasets and protocols.
        progress: where to tell how it goes; standard error by default, `mebench.output.progress.Silent()` tells nothing.
        settings: the same as words, with Python's values; in `trainer` callbacks, loggers, a strategy, a profiler and an optimizer
            may be objects, or functions that make them.

    Raises:
        ConfigError: a setting is unknown or wrong.
        PluginError: there is no such method or dataset, or it is broken.
        DataError: something that the run needs is not there.
        RunError: folds failed; the others are kept.
    """
    settings = store_trainer_objects(words, settings, list_paths(config))
    values = sources.settings_of(words, settings) if settings else words
    settled = resolving.resolve(values, list_paths(config), list_paths(plugins))
    reporter = progress or Progress()
    (settled,) = dataset_summary.check_needs([settled], reporter.notify)
    if remark := scheme_remark.remark_on_scheme(settled):
        reporter.notify(remark)
    return execute_config(settled, reporter)


def execute_config(config: run_settings.RunConfig, progress: Progress | None = None, run_id: str | None = None) -> Run:
    """Execute the run of a configuration, or continue the unfinished one of that id."""
    reporter = progress or Progress()
    with at_fault("tracking"):
        check_tracker(config.tracking)
    outcome = execute.execute_run(config, reporter, run_id)
    return _mirrored(outcome.folder, outcome.summary, config, reporter, fresh=True)


def resume(
    run: str | Path | Run,
    *words: str,
    runs: str = "",
    progress: Progress | None = None,
    trusted: bool = False,
    **settings: Any,
) -> Run:
    """Resume a run that was stopped, or repair one whose files are damaged: its whole folds are kept, all else is made
    again. A finished run is returned as it is, and sent to MLflow if it is missing there; under another `convention`, or
    with other `bootstrap` draws, its answers are rescored and its folder stays unchanged.

    Args:
        run: its id, the beginning of its id, or its folder.
        words: settings that shape no prediction, such as `workers=4` or `trainer.logger=CSVLogger`.
        runs: folder of the runs; that of the user's file, or `runs`, if left out.
        progress: see `run`.
        trusted: agreement to the code that somebody else's run names: folders of plugins, callbacks and loggers.
        settings: the same as words; in `trainer` objects as in `run`, where they shape no prediction: loggers, a profiler, callbacks
            that only watch.

    Raises:
        RunError: there is no such run; its data, plugins or versions have changed; folds failed.
        ConfigError: a setting would make it another run, or somebody else began it and it is not `trusted`.
    """
    word = str(run.path if isinstance(run, Run) else run)
    reporter = progress or Progress()
    folder = run_folder.RunFolder.open(runs_folder(runs), word)
    settings = store_trainer_objects((), {**settings, "runs": str(folder.path.parent)}, ())
    del settings["runs"]
    of_words = sources.settings_of(words)
    of_settings = sources.settings_of(values=settings)
    _refuse_other_run(of_words | of_settings, folder)
    if not trusted:
        refuse_code_of_others(folder, "resume the run with trusted=True")
    config = _config_of_resumed(folder, of_words, of_settings)
    if not folder.done or folder.list_changed_files():
        return execute_config(config, reporter, folder.id)
    reporter.notify(f"run {folder.id} is finished")
    return _mirrored(folder, session.cached_outcome(folder, config).summary, config, reporter)


def refuse_code_of_others(folder: run_folder.RunFolder, next_step: str, trains: bool = True) -> None:
    """Refuse to run the code that somebody else's run names.

    Args:
        folder: folder of the run.
        next_step: advice for a user who has read the code.
        trains: whether callbacks and loggers run, too.

    Raises:
        ConfigError: this user neither began the run nor has agreed to its code.
    """
    if question := run_origin.question_about_code(folder, trains):
        raise ConfigError(f"{question}: read this code, then {next_step}")


def _refuse_other_run(settings: Mapping[str, Any], folder: run_folder.RunFolder) -> None:
    """Refuse a setting that would make it another run."""
    fixed = ("runs", "plugins", "looks")  # folds with looks and folds without do not mix
    known = sorted(key for key in run_settings.NOT_IN_KEY if "." not in key and key not in fixed)
    stored = sources.flatten_keys(folder.read_json("config.json")["config"])
    for key, value in settings.items():
        is_root = key.startswith("dataset.") and key.endswith(".root")
        if key not in known and not is_root and not _only_watches(key, value, stored.get(key)):
            watching = [f"{trainer.PREFIX}{name}" for name in sorted(trainer.ONLY_WATCH)]
            hint = "Any other would make it another run: begin that with mebench run"
            raise ConfigError(unknown("setting of a resumed run", key, [*known, *watching, "dataset.root"], hint))


def _only_watches(key: str, value: Any, stored: Any) -> bool:
    """Whether another value of an option of the trainer changes no prediction.

    Args:
        key: flat key of a setting.
        value: new value.
        stored: value of the run, or None.
    """
    prefix = trainer.PREFIX
    if not key.startswith(prefix):
        return False
    option = key.removeprefix(prefix)
    listed = [value] if option == "callbacks" and isinstance(value, Mapping) else value
    return bool(trainer.shaping_option(option, listed) == trainer.shaping_option(option, stored))


def _config_of_resumed(
    folder: run_folder.RunFolder, of_words: Mapping[str, Any], of_settings: Mapping[str, Any]
) -> run_settings.RunConfig:
    """The stored configuration of a run with some settings changed."""
    local: dict[str, None] = {}
    if {**of_words, **of_settings}.get("executor") == "local":
        local["executor_address"] = None
    stored = folder.read_json("config.json")
    origins = dict.fromkeys([*of_words, *local], typed_values.COMMAND_LINE)
    origins |= dict.fromkeys(of_settings, typed_values.ARGUMENT)
    # The folder may have been moved; resume the named run.
    values = {**stored["config"], **of_words, **of_settings, **local, "runs": str(folder.path.parent)}
    return resolving.from_plain(values, {**stored["origins"], **origins})


def load_run(run: str | Path, runs: str = "") -> Run:
    """An earlier run, or the record of one.

    Args:
        run: its id, the beginning of its id, or its folder.
        runs: folder of the runs; that of the user's file, or `runs`, if left out.

    Raises:
        RunError: there is no such run, or it is not finished.
    """
    folder = run_folder.RunFolder.open_finished(runs_folder(runs), str(run))
    if run_record.is_record(folder):
        return Run(folder, folder.read_json("record.json")["summary"])
    return Run(folder, chance_levels.with_levels_of_chance(scoring.current_summary(folder), folder))


def runs_folder(runs: str) -> str:
    """The folder of runs: as it is given, else as the user's file says."""
    return runs or sources.user_setting("runs", "runs")


def list_paths(names: Names) -> list[str | Path]:
    """A path, or several, as a list."""
    return [names] if isinstance(names, str | Path) else list(names)


def _mirrored(
    folder: run_folder.RunFolder,
    summary: dict[str, Any],
    config: run_settings.RunConfig,
    progress: Progress,
    fresh: bool = False,
) -> Run:
    """A finished run, sent to its tracker; a leaking one with the gain of the leak."""
    folders = [folder]
    if config.audit != "guard":
        summary = {**summary, "leak": execute.leak_gain(config, summary, progress)}
        folders.append(type(folder)(folder.path.with_name(summary["leak"]["honest"])))
    choices = config.tracking_folds, config.tracking_models, config.tracking_figures
    sent = send_runs(folders, config.tracking, progress, *choices)
    return Run(folder, summary, sent.shown_at, fresh, sent.title)


class Sweep:
    """Many runs as one.

    Attributes:
        runs: the finished runs, in the order of the combinations.
        rows: one row for all seeds of equal settings, as in `mebench run -m --json`.
        failures: reasons of the others, by their settings.
        tracked: where their tracker shows them, in words; empty if none finished.
        words: the varied settings of each finished run.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        rows: Sequence[dict[str, Any]],
        failures: Sequence[tuple[dict[str, str], MebenchError]],
        words: Sequence[dict[str, str]],
        tracked: str,
    ) -> None:
        self.runs = list(runs)
        self.rows = list(rows)
        self.failures = list(failures)
        self.words = list(words)
        self.tracked = tracked

    @property
    def scores(self) -> pd.DataFrame:
        """A row for each setting and main score: the settings that vary, `score`, its mean over seeds (`value`), their
        standard deviation (`spread`), the interval of the mean (`low`, `high`), and `seeds`.
        """
        rows: list[dict[str, Any]] = [
            {**row["settings"], "score": name, **score, "seeds": row["seeds"]}
            for row in self.rows
            for name, score in row["scores"].items()
        ]
        return pd.DataFrame(rows)

    def _notes(self) -> list[str]:
        """Lines below the rows: what the brackets mean, and the runs that failed."""
        failed = [f"failed: {' '.join(words.values())}: {reason}" for words, reason in self.failures]
        return [*sweep_scores.sweep_notes(self.rows), *failed]

    def _repr_html_(self) -> str:
        return notebook_html("sweep", sweep_scores.sweep_table(self.rows), self._notes())

    def __str__(self) -> str:
        return "\n".join([repr(self), sweep_scores.sweep_table(self.rows).to_plain_text(), *self._notes()])

    def __repr__(self) -> str:
        return f"<Sweep of {len(self.runs) + len(self.failures)} runs, {len(self.failures)} failed>"


def sweep(
    *words: str,
    config: Names = (),
    plugins: Names = (),
    progress: Progress | None = None,
    where_known: bool = False,
    **settings: Any,
) -> Sweep:
    """Run every combination of the listed values, as `mebench run -m` does.

        mebench.sweep(method=["mean", "softnet"], dataset="synthetic", seed=range(3))

    All runs are in one queue and share features. Finished runs of the same settings are kept, so a stopped sweep
    continues, and a wider one adds runs. With several methods, `mean.p=0.6` is a setting of one of them.

    Args:
        words: `key=value`, values separated by commas or a range: `seeds=0..2`.
        config: YAML files of settings; later ones rank higher.
        plugins: folders with more plugins.
        progress: see `run`.
        where_known: leave out settings and presets (`method.p`) for methods that lack them, with a notice.
        settings: the same as words; a list or a range is several values, so `dataset=[["casme2", "samm"]]` is one composite,
            and `trainer={"callbacks": [[first, second]]}` two callbacks in each run.

    Returns:
        The finished runs, and in `failures` the reasons of the others.

    Raises:
        MebenchError: no run can start, or all are stopped, for example by a full disk.
    """
    settings = store_trainer_objects([word for word in words if word.startswith("runs=")], settings, list_paths(config))
    lists = [
        *setting_combinations.lists_of_words(words),
        *setting_combinations.lists_of_settings(sources.settings_of(values=settings)),
    ]
    origin = typed_values.ARGUMENT if settings else typed_values.COMMAND_LINE
    reporter = progress or Progress()
    return execute_planned(*plan_sweep(lists, config, plugins, origin, reporter if where_known else None), reporter)


def plan_sweep(
    lists: Lists,
    config: Names,
    plugins: Names,
    origin: str,
    where_known: Progress | None = None,
) -> tuple[list[setting_combinations.Combination], list[run_settings.RunConfig]]:
    """The runs of a sweep, each with its configuration, after a check of their needs.

    Args:
        lists: the values of each key.
        config: YAML files of settings.
        plugins: folders with more plugins.
        origin: source of the values, for messages.
        where_known: shows which settings are left out for methods that lack them; None refuses these.

    Raises:
        ConfigError: a value is wrong, or two runs are the same, which would hide the spread over seeds.
    """
    lists = [(key, [sources.usual_value(key, value) for value in values]) for key, values in lists]
    every = setting_combinations.expand_lists(lists)
    layers = sources.layers_of(every[0].settings, list_paths(config))
    registry.add_paths([*list_paths(plugins), *sources.more_plugins(layers)])
    keys = {key for key, _ in lists}
    methods = {str(combination.settings.get("method")) for combination in every}
    if len(methods) > 1:
        _refuse_keys_of_other_methods(keys, methods)
    combinations = list[setting_combinations.Combination]()
    configs = list[run_settings.RunConfig]()
    named = dict[str, tuple[str, bool]]()
    notified = set[str]()
    for combination in every:
        lacked = _lacked_settings(combination.settings, keys, methods, where_known is not None)
        if where_known is None:
            _refuse_lacked(lacked, combination.settings)
        settings = _without_keys(combination.settings, lacked)
        varied = _without_keys(combination.varied, lacked)
        settled = resolving.resolve(settings, list_paths(config), list_paths(plugins), origin)
        if where_known is not None:
            new = {*lacked.values()} - notified
            where_known.notify(*(f"{sentence}: left out" for sentence in sorted(new)))
            notified |= new
        name = " ".join(f"{key}={value}" for key, value in varied.items())
        values = json.dumps(settled.values, sort_keys=True, default=str)
        same, lacks_settings = named.setdefault(values, (name, bool(lacked)))
        if same != name:
            raise ConfigError(f"{same} and {name} are the same run: name each value once")
        is_known = len(named) == len(configs)
        if lacks_settings and is_known:  # it differs only in settings that its method lacks
            continue
        combinations.append(replace(combination, settings=settings, varied=varied))
        configs.append(settled)
    return combinations, dataset_summary.check_needs(configs, (where_known or Progress()).notify)


def _refuse_lacked(lacked: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Refuse the first setting that a run's method lacks.

    Args:
        lacked: sentence for each such setting.
        settings: settings of the run.
    """
    for key, sentence in lacked.items():
        raise ConfigError(
            f"{sentence}, and other methods of the sweep may: give it to one of them as "
            f"NAME{key.removeprefix('method')}={settings[key]}, or leave it out where it is unknown with --where-known"
        )


def _refuse_keys_of_other_methods(keys: Iterable[str], methods: Collection[str]) -> None:
    """Refuse settings of a method that is not in the sweep.

    Args:
        keys: keys of the sweep.
        methods: methods of the sweep.

    Raises:
        ConfigError: there is one.
    """
    for key in keys:
        name, dot, _ = key.partition(".")
        if dot and name not in methods and name in registry.list_plugins("method"):
            raise ConfigError(
                f"{key} is for the method {name}, which is not in this sweep: add it to method=, or leave {key} out"
            )


def _without_keys(values: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """The values of all other keys."""
    return {key: value for key, value in values.items() if key not in keys}


def _lacked_settings(
    settings: Mapping[str, Any], keys: Collection[str], methods: Collection[str], leave_out: bool
) -> dict[str, str]:
    """A sentence for each setting of a run that its method lacks; none in a sweep of one method.

    Args:
        settings: settings of the run.
        keys: keys of the sweep, as they are written; what one writes for a single method must be known to it.
        methods: methods of the sweep.
        leave_out: whether settings may be left out, too, that every method lacks.
    """
    lacked = dict[str, str]()
    if len(methods) == 1:
        return lacked
    method = str(settings.get("method"))
    for key, value in settings.items():
        is_for_this_method = key.replace("method", method, 1) in keys
        if is_for_this_method or not lacks_setting(method, key, value):
            continue
        if leave_out or not all(lacks_setting(other, key, value) for other in methods):
            lacked[key] = f"method {method} has no {key.removeprefix('method.')}={value}"
    return lacked


def lacks_setting(method: str, key: str, value: Any) -> bool:
    """Whether a key names a parameter or preset that a method does not have."""
    part, _, name = key.partition(".")
    info = registry.list_plugins("method").get(method)
    if part != "method" or not name or info is None:
        return False
    if name == "preset":
        return str(value) not in info.read_section("presets")
    return name not in sections.parameter_types(info)


def execute_planned(
    combinations: Sequence[setting_combinations.Combination],
    configs: Sequence[run_settings.RunConfig],
    progress: Progress,
) -> Sweep:
    """The runs of some combinations, each with its configuration."""
    check_tracker(configs[0].tracking)
    finished = []
    failures = []
    for combination, outcome in zip(combinations, execute.execute_sweep(configs, progress)):
        if isinstance(outcome, MebenchError):
            failures.append((combination.varied, outcome))
        else:
            finished.append((combination.varied, outcome))
    sent = send_runs([outcome.folder for _, outcome in finished], configs[0].tracking, progress)
    runs = [
        Run(outcome.folder, outcome.summary, sent.opening or None, fresh=True, tracker=sent.title)
        for _, outcome in finished
    ]
    rows = sweep_scores.sweep_rows([(varied, outcome.folder, outcome.summary) for varied, outcome in finished])
    return Sweep(runs, rows, failures, [varied for varied, _ in finished], sent.opening)
