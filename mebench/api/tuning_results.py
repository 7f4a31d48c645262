"""Tuning from Python: parameters chosen on some people, and their gain on others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.result import notebook_html
from mebench.api.run_results import Names, Run, list_paths, load_run
from mebench.api.trainer_objects import store_trainer_objects
from mebench.errors import RunError
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.number_format import format_number
from mebench.output.progress import Progress
from mebench.output.table import Column, Table

with lazy_imports():
    from mebench.config import resolving, sources
    from mebench.inspection import dataset_summary
    from mebench.reports import plots
    from mebench.runs import fold_files
    from mebench.tuning import outcome, records, run_studies

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from mebench.tuning.outcome import Tuned
else:
    pd = load_lazily("pandas")


class Tuning:
    """The outcome of a tuning.

    Attributes:
        summary: all of it as plain data, as `mebench tune --json` writes it.
    """

    def __init__(self, tuned: Tuned) -> None:
        self._tuned = tuned
        self.summary = dict(tuned.plain)

    @property
    def values(self) -> dict[str, Any]:
        """The tuned values by key, such as `method.p`; of nested studies the middle ones, as `write` takes them."""
        chosen = [trial.params for trial in self._tuned.best.values()]
        return dict(chosen[0]) if len(chosen) == 1 else outcome.middle_values(self._tuned.space, chosen)

    @property
    def conclusion(self) -> str:
        """What the paired test on people whom no trial has used says of the gain."""
        return str(self.summary["conclusion"])

    @cached_property
    def default(self) -> Run:
        """The run of the untuned values on the outer people."""
        return load_run(self.summary["runs"]["default"])

    @cached_property
    def tuned(self) -> Run:
        """The run of the tuned values on the outer people."""
        return load_run(self.summary["runs"]["tuned"])

    @property
    def scores(self) -> pd.DataFrame:
        """A row for each objective on the outer people: `default`, `tuned`, their difference `gain` with the ends of its 95 %
        interval (`low`, `high`), `p`, and `optimism`, how much better the tuned values look on the tuning people.
        """
        rows = {}
        for name, score in self.summary["scores"].items():
            outer = score["outer"]
            gain = outer["gain"]
            values = {side: outer[side]["value"] for side in ("default", "tuned")}
            ends = {"gain": gain["value"], "low": gain["low"], "high": gain["high"]}
            rows[name] = {**values, **ends, "p": outer["p"], "optimism": score["flattered"]}
        columns = ["default", "tuned", "gain", "low", "high", "p", "optimism"]
        return pd.DataFrame.from_dict(rows, "index", columns=columns).astype("float64").rename_axis("score")

    @property
    def trials(self) -> pd.DataFrame:
        """A row for each trial: `study`, `trial`, `state`, a column for each value and objective, `seconds`, `reason`."""
        folder = Path(self.summary["folder"])
        studies = self.summary["studies"]
        parts = []
        for name in studies:
            place = folder / fold_files.folder_name(folder, name) if self.summary["nested"] else folder
            parts.append(pd.read_csv(place / "trials.csv").assign(study=name))
        table = pd.concat(parts, ignore_index=True)
        return table[["study", *table.columns.drop("study")]]

    def plot_history(self) -> Figure:
        """Plot the first objective of each trial on the tuning people.

        A line holds the best value so far, another that of the untuned configuration.

        Raises:
            RunError: the studies are nested, and each has trials of its own; or no trial is complete.
        """
        if self.summary["nested"]:
            raise RunError("nested studies have trials of their own: look at history.png in the folder of each")
        objective, direction = next(iter(self.summary["objectives"].items()))
        table = self.trials
        complete = table[table["state"].str.lower() == "complete"]
        if complete.empty:
            raise RunError(f"no trial of {self.summary['study']} is complete")
        values = dict(zip(complete["trial"].astype(int), complete[objective].astype(float)))
        default = values.get(0)  # the configuration's own values are the first trial
        return plots.notebook_figure(plots.draw_trials(values, objective, direction == "maximize", default))

    def write(self, file: str | Path) -> list[str]:
        """Write a configuration with the tuned values, for `mebench.run(config=file)`.

        Args:
            file: a YAML file; it is replaced.

        Returns:
            the remarks at its start.

        Raises:
            RunError: it cannot be written.
        """
        return outcome.write_tuned(self._tuned, Path(file).expanduser())

    def _table(self) -> Table:
        """The scores on the outer people: untuned, tuned, gain and p."""
        heads = ("score", "default", "tuned", "gain", "p")
        rows = [
            [str(name), *(format_number(value) for value in (row["default"], row["tuned"], row["gain"], row["p"]))]
            for name, row in self.scores.iterrows()
        ]
        return Table([Column(head, head, right=head != "score") for head in heads], rows)

    def _repr_html_(self) -> str:
        values = outcome.describe_values(self.values)
        return notebook_html(f"tuning {self.summary['study']}", self._table(), [values, self.conclusion])

    def __str__(self) -> str:
        values = outcome.describe_values(self.values)
        lines = [f"tuning {self.summary['study']}", values, self._table().to_plain_text(), self.conclusion]
        return "\n".join(filter(None, lines))

    def __repr__(self) -> str:
        return f"<Tuning {self.summary['study']}: {outcome.describe_values(self.values)}>"


def tune(
    *words: str,
    config: Names = (),
    plugins: Names = (),
    progress: Progress | None = None,
    trials: int = 50,
    objective: str | Sequence[str] = (),
    param: str | Sequence[str] | Mapping[str, Mapping[str, Any]] = (),
    acts: str | Sequence[str] = (),
    nested: bool = False,
    tuning_subjects: float | None = None,
    inner_folds: int = 5,
    sampler: str = "tpe",
    pruner: str = "median",
    storage: str | None = None,
    study: str | None = None,
    heartbeat: int = 30,
    out: str | Path = "tuning",
    **settings: Any,
) -> Tuning:
    """Tune a method on some people and score it on others, as `mebench tune` does.

        tuned = mebench.tune(method="mean", dataset="synthetic", trials=20)
        tuned.values, tuned.conclusion
        mebench.run(config=…)                                    # after tuned.write(file)

    Give the same call again to continue a study, and in several processes at once to share it.

    Args:
        words: `key=value`, as for `run`.
        config: YAML files of settings.
        plugins: folders with more plugins.
        progress: see `run`.
        trials: number of trials of the study, over all processes.
        objective: score to improve, such as `f1` or `cost:min`; several for a Pareto front.
        param: parameters to tune, or a map of them to their ranges, `{"lr": {"low": 1e-4, "high": 1e-2, "log": True}}`; all by default.
        acts: kinds of parameters to tune: `postprocess`, `training`, `features`.
        nested: one study for each outer fold.
        tuning_subjects: number or share of the people of the only study; 0.4 by default.
        inner_folds: largest number of folds inside a study.
        sampler: name of Optuna's sampler.
        pruner: `median`, `hyperband`, `halving` or `none`.
        storage: address of a database, or a sqlite file; `optuna.db` in `out` by default.
        study: name of the study; made of the settings by default.
        heartbeat: seconds between signs of life.
        out: folder for studies.
        settings: the same as words; in `trainer` objects as in `run`.

    Raises:
        MebenchError: see `run`; the storage cannot be used, or trial after trial fails.
    """
    ranges = param if isinstance(param, Mapping) else dict.fromkeys(_as_words(param))
    options = records.TuneOptions(
        trials=trials,
        objectives=_as_words(objective),
        params=tuple(_range_in_words(name, values) for name, values in ranges.items()),
        acts=_as_words(acts),
        nested=nested,
        tuning_subjects=tuning_subjects,
        inner_folds=inner_folds,
        sampler=sampler,
        pruner=pruner,
        storage=storage,
        study=study,
        heartbeat=heartbeat,
        out=str(out),
    )
    reporter = progress or Progress()
    settings = store_trainer_objects(words, settings, list_paths(config))
    values = sources.settings_of(words, settings) if settings else words
    settled = resolving.resolve(values, list_paths(config), list_paths(plugins))
    (settled,) = dataset_summary.check_needs([settled], reporter.notify)
    return Tuning(run_studies.tune_and_judge(settled, options, reporter))


def _as_words(words: str | Sequence[str]) -> tuple[str, ...]:
    """A word, or several, as a tuple."""
    return (words,) if isinstance(words, str) else tuple(words)


def _range_in_words(name: str, values: Mapping[str, Any] | None) -> str:
    """A parameter with its range, if it has one, as the command line writes it.

    >>> _range_in_words("lr", {"low": 0.0001, "high": 0.01, "log": True})
    'lr={"low": 0.0001, "high": 0.01, "log": true}'
    """
    if values is None:
        return name
    return f"{name}={json.dumps(dict(values))}"
