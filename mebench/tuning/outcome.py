"""The outcome of tuning: the tuned configuration compared with the default on subjects that no trial saw; as data,
printed, drawn, and as the file of tuned values for `mebench run -c`.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, median_low
from typing import Any

import numpy as np
import optuna
import yaml
from matplotlib import pyplot
from optuna.visualization import matplotlib as plots

from mebench.config import RunConfig
from mebench.config.settings import is_place
from mebench.errors import RunError, refused_by_system
from mebench.files import whole_file, write_text
from mebench.metrics import RunComparison, catalogue
from mebench.metrics.compared_tables import LEVEL, ComparedScore
from mebench.output.number_format import format_number
from mebench.output.progress import Progress
from mebench.output.table import INTERVAL, Column, Table
from mebench.output.terminal import format_count, make_console, shell_command
from mebench.runs.folder import RunFolder
from mebench.tuning.records import COST, Objective, Study, Trial
from mebench.tuning.space import Space, is_number, with_values
from mebench.tuning.splits import Split
from mebench.tuning.study import silence_optuna


class TrialReporter:
    """A line for each trial, or some of many quick ones, with the best value.

    Args:
        progress: shows the lines.
        name: name of the study.
        trials: number of trials.
        split: subjects of the study.
        space: space of the study.
    """

    def __init__(self, progress: Progress, name: str, trials: int, split: Split, space: Space) -> None:
        self._progress = progress
        self._name = name
        self._trials = trials
        self._split = split
        self._space = space
        self._last = 0.0
        self._best = -1

    def begin(self, study: Study) -> None:
        """Announce the trials."""
        n_folds = len(self._split.inner.data.folds)
        n_people = len(self._split.subjects)
        work = f"each trial trains {n_folds} inner folds"
        if self._space.never_trains:
            work = "no trial trains: frame scores are computed once"
        names = ", ".join(d.key.removeprefix("method.") for d in self._space.dimensions)
        over = f"over {n_folds} inner folds of {n_people} subjects"
        self._progress.notify(f"study {self._name}: {self._trials} trials of {names} {over}; {work}")
        n_finished = _count_finished(study)
        if n_finished:
            self._progress.notify(f"{n_finished} trials are already there")

    def report(self, study: Study, trial: Trial) -> None:
        """Report a finished trial."""
        best = study.best_trial()
        n_finished = _count_finished(study)
        now = time.monotonic()
        is_new_best = best is not None and best.number != self._best
        is_last = n_finished >= self._trials
        must_report = is_new_best or is_last or trial.state == "failed"
        if not must_report and now - self._last < REPORT_SECONDS:
            return
        self._last = now
        self._best = -1 if best is None else best.number
        outcome = _trial_in_words(trial, study.objectives[0])
        record = "" if best is None else f"; best {_best_in_words(best)}"
        self._progress.notify(f"trial {trial.number}, {n_finished} of {self._trials} finished: {outcome}{record}")


REPORT_SECONDS = 2.0
"""Trials at shorter intervals are reported together, except for a new best, a failed and the last one."""


def _trial_in_words(trial: Trial, objective: Objective) -> str:
    """The value of a finished trial, or why it has none."""
    if trial.state == "pruned":
        last_step = max(trial.steps)
        return f"pruned after {format_count(len(trial.steps), 'fold')} at {trial.steps[last_step]:.4f}"
    if trial.values:
        return f"{objective.path} {trial.values[0]:.4f}"
    return f"{trial.state}: {trial.reason}"


def _best_in_words(best: Trial) -> str:
    """The value of the best trial so far, its name and its parameters."""
    name = f"trial {best.number}" if best.number >= 0 else "the default"
    return f"{best.values[0]:.4f} ({name}: {describe_values(best.params)})"


def describe_values(values: Mapping[str, Any]) -> str:
    """Values in one line.

    >>> describe_values({"method.p": 0.51234567, "method.rule": "paper"})
    'p=0.5123 rule=paper'
    """
    return " ".join(f"{key.removeprefix('method.')}={value_in_words(value)}" for key, value in values.items())


def value_in_words(value: Any) -> str:
    """One value, numbers with four digits."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _count_finished(study: Study) -> int:
    """The number of trials that ended, also early."""
    return sum(trial.state in ("complete", "pruned") for trial in study.trials)


def print_tuning(plain: Mapping[str, Any]) -> None:
    """Print the tuned values, their gain on new subjects, and the paths of all files."""
    out = make_console()
    for line in trials_in_words(plain):
        out.print(line)
    out.print(value_table(plain))
    for table in front_tables(plain):
        out.print(table)
    scores = score_table(plain)
    if scores:
        out.print(scores)
    for line in tuning_remarks(plain):
        out.print(line)
    compared = shell_command("compare", [plain["runs"]["tuned"], plain["runs"]["default"]])
    out.print(f"figures and trials are in {plain['folder']}; all scores: {compared}")


TRIALS_FOR_IMPORTANCE = 30
"""Least complete trials of a study whose importances are shown: those of fewer change with each trial."""


def value_table(plain: Mapping[str, Any]) -> Table:
    """The tuned values beside the default's."""
    heads = ["parameter", "acts on", "searched", "default", "tuned", "importance"]
    return _table("values", heads, _value_rows(plain))


def front_tables(plain: Mapping[str, Any]) -> list[Table]:
    """The Pareto front of each study; none with a single objective."""
    paths = list(plain["objectives"])
    if len(paths) < 2:
        return []
    tables = []
    for name, study in plain["studies"].items():
        of_fold = f" of {name}" if plain["nested"] else ""
        title = f"Pareto front{of_fold} (inner scores)"
        tables.append(_table(title, ["trial", *paths, "values"], _front_rows(study, paths)))
    return tables


def score_table(plain: Mapping[str, Any]) -> Table | None:
    """The scores of both configurations on inner and outer subjects; None if only a cost was tuned."""
    rows = _score_rows(plain)
    title = (
        f"scores: inner subjects, and {format_count(plain['outer_subjects'], 'outer one')} that no trial has touched"
    )
    return _table(title, ["score", "configuration", "inner", "outer", INTERVAL, "p"], rows) if rows else None


def trials_in_words(plain: Mapping[str, Any]) -> list[str]:
    """The study, its trials by state, and the seconds that they took."""
    studies = list(plain["studies"].values())
    spent = plain["seconds"]
    states = studies[0]["trials"]
    total = {state: sum(study["trials"][state] for study in studies) for state in states}
    trials = ", ".join(f"{n} {state}" for state, n in total.items() if n or state == "complete")
    over = f"one study over a tuning set of {len(studies[0]['subjects'])} subjects"
    if plain["nested"]:
        over = f"{len(studies)} studies, one for each outer fold"
    return [
        f"study {plain['study']} in {plain['storage']}",
        f"{over}; trials: {trials}",
        f"seconds: {spent['inner_folds']:.0f} for inner folds, {spent['trials']:.0f} for all else in the trials, {spent['outer']:.0f} "
        "for the outer folds",
    ]


def _value_rows(plain: Mapping[str, Any]) -> list[list[str]]:
    """A row for each parameter: what was searched, its default and tuned values, its importance."""
    studies = list(plain["studies"].values())
    has_enough_trials = min(study["trials"]["complete"] for study in studies) >= TRIALS_FOR_IMPORTANCE
    rows = []
    for key, entry in plain["parameters"].items():
        scale = ", log" if entry.get("log") else ""
        listed = entry.get("choices") or [f"{entry['low']:g} to {entry['high']:g}{scale}"]
        shares = [study["importance"].get(key) for study in studies]
        known = [share for share in shares if share is not None]
        tuned = [value_in_words(study["best"]["params"][key]) for study in studies]
        rows.append(
            [
                key,
                entry["acts"],
                " | ".join(map(value_in_words, listed)),
                value_in_words(plain["default_values"][key]),
                ", ".join(tuned),
                format_number(fmean(known) if known and has_enough_trials else None, 2),
            ]
        )
    return rows


MOST_OF_A_FRONT = 20
"""Number of trials of a Pareto front that are printed; all are in the files."""


def _front_rows(study: Mapping[str, Any], paths: Sequence[str]) -> list[list[str]]:
    """A row for each trial of a Pareto front."""
    rows = []
    for trial in study["front"][:MOST_OF_A_FRONT]:
        values = [_number(path, trial["values"][path]) for path in paths]
        rows.append([str(trial["trial"]), *values, describe_values(trial["params"])])
    return rows


def _score_rows(plain: Mapping[str, Any]) -> list[list[str]]:
    """Three rows for each score: of the default, of the tuned configuration, and the gain."""
    rows = []
    for path, score in plain["scores"].items():
        for name in ("default", "tuned", "gain"):
            sign = "+" if name == "gain" else ""
            outer = score["outer"][name]
            value, low, high = (_number(path, outer[end], sign) for end in ("value", "low", "high"))
            interval = "-" if "-" in (low, high) else f"[{low}, {high}]"
            p = format_number(score["outer"]["p"]) if name == "gain" else ""
            rows.append(
                [path if name == "default" else "", name, _number(path, score["inner"][name], sign), value, interval, p]
            )
    return rows


def tuning_remarks(plain: Mapping[str, Any]) -> list[str]:
    """Remarks on the optimism of the inner score and on the conclusion."""
    judged = {path: score for path, score in plain["scores"].items() if score["flattered"] is not None}
    lines = [_optimism_in_words(path, score) for path, score in judged.items()]
    if plain["scores"] and plain["least_p"] >= LEVEL:
        remedy = "" if plain["nested"] else "; take fewer --tuning-subjects, or --nested"
        lines.append(
            f"with {format_count(plain['outer_subjects'], 'outer subject')} no p can be below {plain['least_p']:.4f}: too few to show "
            f"any gain, however large{remedy}"
        )
    if len(plain["objectives"]) > 1:
        lines.append(
            f"of each Pareto front the trial that is best in {next(iter(plain['objectives']))} was scored, and "
            "--write writes it; the values of the others are in trials.csv"
        )
    if plain["conclusion"]:
        lines.append(plain["conclusion"])
    return lines


def _optimism_in_words(path: str, score: Mapping[str, Any]) -> str:
    """How much better the tuned values look on the tuning subjects than on new ones."""
    optimism, lost = score["flattered"], score["flattered_gain"]
    direction = "better" if optimism > 0 else "worse"
    look = f"{path}: the tuned values score {_number(path, abs(optimism))} {direction} on the tuning subjects than on new ones"
    if lost is None:
        return look
    inner = _number(path, score["inner"]["gain"], "+")
    outer = _number(path, score["outer"]["gain"]["value"], "+")
    verdict = f"{_number(path, lost)} of the gain is lost" if lost > 0 else "none of the gain is lost"
    return f"{look}; over the default they gain {inner} on the tuning subjects and {outer} on new ones: {verdict}"


def _number(path: str, value: float | None, sign: str = "") -> str:
    """A score with four decimals; a cost or another scale with four digits."""
    share = path != COST and catalogue.find_metric(path).scale == "share"
    return format_number(value, sign=sign) if share or value is None else f"{value:{sign}.4g}"


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table whose scores and names of trials stay on one line."""
    columns: list[Column] = []
    for name in heads:
        is_unbroken = name in ("score", "configuration", INTERVAL, "p")
        columns.append(Column(name, name, wrap="never" if is_unbroken else "anywhere"))
    return Table(columns, rows, title)


@dataclass(frozen=True)
class Tuned:
    """The outcome of a tuning.

    Attributes:
        plain: everything, for JSON.
        config: the configuration before tuning.
        best: the chosen trial of each study by its name.
        space: the tuned parameters.
    """

    plain: dict[str, Any]
    config: RunConfig
    best: Mapping[str, Trial]
    space: Space


@dataclass(frozen=True)
class TuningFacts:
    """Facts about a tuning besides its trials and scores.

    Attributes:
        name: name of the study.
        storage: address of the study's storage, for messages.
        is_nested: True for one study for each outer fold.
        seconds: time spent on inner folds, on the rest of the trials, and on outer folds.
    """

    name: str
    storage: str
    is_nested: bool
    seconds: Mapping[str, float]


def summarize_tuning(
    config: RunConfig,
    splits: Sequence[Split],
    space: Space,
    studies: Mapping[str, Study],
    judged: tuple[RunFolder, RunFolder, RunComparison],
    facts: TuningFacts,
) -> Tuned:
    """The outcome as one object.

    Args:
        config: configuration before tuning.
        splits: subjects of the studies.
        space: the tuned parameters.
        studies: studies by name of the split, each with a complete trial.
        judged: runs of the default and of the tuned values on the outer subjects, and their comparison.
        facts: further facts.
    """
    objectives = next(iter(studies.values())).objectives
    chosen = {key: study.chosen_trial() for key, study in studies.items()}
    before = {key: study.default for key, study in studies.items()}
    default, tuned, comparison = judged
    paths = [objective.path for objective in objectives if objective.path != COST]
    scores = {path: _score(objectives, path, comparison.scores[path], chosen, before) for path in paths}
    conclusion = ""
    if paths:
        unchanged = all(dict(trial.params) == space.own_values() for trial in chosen.values())
        conclusion = conclude_test(paths[0], scores[paths[0]], comparison.subjects, unchanged)
    plain = {
        "study": facts.name,
        "storage": facts.storage,
        "method": "+".join(filter(None, (config.method, config.recognizer))),
        "dataset": config.dataset,
        "protocol": config.protocol,
        "tuned_on": "the training subjects of each outer fold" if facts.is_nested else "a tuning set",
        "nested": facts.is_nested,
        "objectives": {o.path: o.direction for o in objectives},
        "parameters": space.plain(),
        "studies": {split.name: _plain_study(split, studies[split.name]) for split in splits},
        "outer_subjects": comparison.subjects,
        "least_p": 1 / (comparison.permutations if comparison.exact else comparison.permutations + 1),
        "default_values": space.own_values(),
        "scores": scores,
        "conclusion": conclusion,
        "runs": {"default": str(default.path), "tuned": str(tuned.path)},
        "seconds": dict(facts.seconds),
        "folder": str(tuned.path.parent.parent),
    }
    return Tuned(plain, config, chosen, space)


def _plain_study(split: Split, study: Study) -> dict[str, Any]:
    """A study as plain data: its subjects, trials, best values and importance of parameters."""
    objectives = study.objectives
    has_front = len(objectives) > 1
    return {
        "subjects": [*map(str, split.subjects)],
        "inner_folds": len(split.inner.data.folds),
        "trials": study.count_trials(),
        "best": _trial(study.chosen_trial(), objectives),
        "default": None if study.default is None else _trial(study.default, objectives),
        "importance": dict(study.importance),
        "front": [_trial(trial, objectives) for trial in study.pareto_front()] if has_front else [],
    }


def _score(
    objectives: Sequence[Objective],
    path: str,
    row: ComparedScore,
    best: Mapping[str, Trial],
    before: Mapping[str, Trial | None],
) -> dict[str, Any]:
    """Inner and outer value of both configurations, and the optimism of the inner one."""
    place = [o.path for o in objectives].index(path)
    sign = 1 if objectives[place].direction == "maximize" else -1
    tuned = fmean(trial.values[place] for trial in best.values())
    of_default = [trial.values[place] for trial in before.values() if trial is not None]
    default = fmean(of_default) if len(of_default) == len(before) else None
    outer = row.first.value
    gain = row.difference.value
    inner_gain = None if default is None else tuned - default
    return {
        "direction": objectives[place].direction,
        "inner": {"default": default, "tuned": tuned, "gain": inner_gain},
        "outer": {
            "default": row.second.plain(),
            "tuned": row.first.plain(),
            "gain": row.difference.plain(),
            "p": row.p,
        },
        "flattered": None if outer is None else sign * (tuned - outer),
        "flattered_gain": None if gain is None or inner_gain is None else sign * (inner_gain - gain),
        "detectable": row.detectable,
    }


def conclude_test(path: str, score: Mapping[str, Any], subjects: int, unchanged: bool) -> str:
    """The conclusion that the paired test supports."""
    if unchanged:
        return "no tried values were better than the default's on the inner folds: the configuration stays unchanged"
    gain = score["outer"]["gain"]
    p = score["outer"]["p"]
    if gain["value"] is None or p is None:
        return f"{path} is undefined on the outer subjects, so the gain is unknown"
    better = gain["value"] if score["direction"] == "maximize" else -gain["value"]
    between = "" if gain["low"] is None else f", 95 % interval {gain['low']:+.4f} to {gain['high']:+.4f}"
    change = f"{gain['value']:+.4f}{between}, p {p:.4f} over {subjects} subjects"
    if p >= LEVEL or better == 0:
        return f"no gain is shown on new subjects: {path} changes by {change}"
    verdict = "helps on new subjects" if better > 0 else "is worse here"
    return f"tuning {verdict}: {path} changes by {change}"


def _trial(trial: Trial, objectives: Sequence[Objective]) -> dict[str, Any]:
    """A trial as plain data."""
    return {
        "trial": None if trial.number < 0 else trial.number,
        "params": dict(trial.params),
        "values": {o.path: value for o, value in zip(objectives, trial.values)},
    }


DEFAULT = "#111827"
DPI = 150


def write_study_figures(stored: optuna.Study, study: Study, folder: Path) -> list[Path]:
    """Write the figures of a study as PNG.

    `history`, `slices` and `importance` are about the first objective, with a line at that of the default; `folds` shows it after each
    inner fold, where trials may be pruned; `pareto` the first two objectives.

    Args:
        stored: the study in Optuna.
        study: the same study as plain data; without a complete trial nothing is written.
        folder: folder of the files.

    Returns:
        the files.
    """
    names = [objective.path for objective in study.objectives]
    several = len(names) > 1
    # Optuna refuses a target for a study of one objective, and a pair for one of two.
    about: dict[str, Any] = {"target": (lambda trial: trial.values[0]) if several else None, "target_name": names[0]}
    pair = (lambda trial: trial.values[:2]) if len(names) > 2 else None
    drawn: dict[str, Callable[[], Any]] = {
        "history": partial(plots.plot_optimization_history, stored, **about),
        "slices": partial(plots.plot_slice, stored, **about),
        "importance": partial(plots.plot_param_importances, stored, **about),
        "folds": partial(plots.plot_intermediate_values, stored),
        "pareto": partial(plots.plot_pareto_front, stored, targets=pair, target_names=names[:2]),
    }
    lacking = {
        "importance": not study.importance,
        "folds": not any(t.steps for t in study.trials),
        "pareto": not several,
    }
    if not study.complete:
        return []
    files = []
    for name, draw in drawn.items():
        if lacking.get(name):
            continue
        # The context takes back the style that Optuna chooses for everybody.
        with pyplot.rc_context(), pyplot.ioff(), silence_optuna():
            axes = np.atleast_1d(draw())
            if name == "history":
                for line in axes[0].lines:
                    line.set_drawstyle("steps-post")  # the best value holds until the next trial
            if study.default is not None and name in ("history", "slices"):
                for axis in axes.flat:
                    axis.axhline(study.default.values[0], color=DEFAULT, linestyle=":", label="default")
            if name == "history":
                axes[0].legend()
            file = folder / f"{name}.png"
            with whole_file(file) as writing:
                axes.flat[0].figure.savefig(writing, dpi=DPI, bbox_inches="tight")
            pyplot.close(axes.flat[0].figure)
            files.append(file)
    return files


def write_tuned(tuned: Tuned, file: Path) -> list[str]:
    """Write the configuration with the tuned values.

    Of several studies, one for each outer fold, it takes for each parameter the middle value (the lower of two middle
    ones) or the most frequent choice (see `middle_values`): their outer score belongs to the procedure, not to this file.

    Args:
        tuned: the outcome.
        file: overwritten.

    Returns:
        the remarks at the start of the file.

    Raises:
        RunError: it cannot be written.
        ConfigError: the middle values of several studies do not go together.
    """
    plain = tuned.plain
    every = [trial.params for trial in tuned.best.values()]
    config = with_values(tuned.config, every[0] if len(every) == 1 else middle_values(tuned.space, every))
    remarks = [f"Tuned by mebench: study {plain['study']}, {', '.join(plain['objectives'])}."]
    if plain["conclusion"]:
        remarks.append(f"{plain['conclusion'][0].upper()}{plain['conclusion'][1:]}.")
    if plain["nested"]:
        remarks += [
            "One study for each outer fold: these are the median of numbers and the most frequent of choices "
            "over the folds. The outer score belongs to the procedure, in which each fold has its own values; "
            "a run of this file scores too high.",
            *(f"{d.key}: {', '.join(value_in_words(one[d.key]) for one in every)}" for d in tuned.space.dimensions),
        ]
    else:
        (study,) = plain["studies"].values()
        remarks += [
            (
                "A run over all subjects also tests the tuning set, and scores too high: "
                f"{', '.join(study['subjects'])}."
            ),
            f"The honest scores are those on the {format_count(plain['outer_subjects'], 'other subject')}: {plain['runs']['tuned']}.",
        ]
    people = sorted({subject for study in plain["studies"].values() for subject in study["subjects"]})
    content = {key: value for key, value in config.values.items() if not is_place(key)} | {"tuned_on": people}
    dumped = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    tuned_keys = {dimension.key for dimension in tuned.space.dimensions}
    marked = mark_tuned_lines(dumped, tuned_keys)
    counted = format_count(len(tuned_keys), "line is", "lines are")
    head = [*remarks, f"{counted} tuned, and marked so; the others are the settings as they were."]
    text = "".join(f"# {line}\n" for line in head) + marked
    with refused_by_system(f"--write {file}", "the tuned values are also in outcome.json", RunError):
        write_text(file, text)
    return remarks


def mark_tuned_lines(text: str, keys: Collection[str]) -> str:
    r"""YAML of settings with a comment at the lines of some keys.

    >>> print(mark_tuned_lines("seed: 0\nmethod:\n  name: mean\n  p: 0.5\n", {"method.p"}), end="")
    seed: 0
    method:
      name: mean
      p: 0.5  # tuned
    """
    lines = []
    section = ""
    for line in text.splitlines():
        name = line.strip().partition(":")[0]
        depth = len(line) - len(line.lstrip())
        if depth == 0:
            section = name
        key = name if depth == 0 else f"{section}.{name}"
        lines.append(f"{line}  # tuned" if depth <= 2 and key in keys else line)
    return "\n".join(lines) + "\n"


def middle_values(space: Space, values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """For each parameter the median, or the most frequent choice; at ties the first in the map.

    A default outside the choices counts as the last choice. A default that is no number, outside a range, is taken if
    most studies chose it.
    """
    middles = {}
    for d in space.dimensions:
        tried = [chosen[d.key] for chosen in values]
        if d.choices:
            order = (*d.choices, d.default)  # the default may have won against the user's choices
            counts = Counter(order.index(value) for value in tried)
            middles[d.key] = order[min(counts, key=lambda place: (-counts[place], place))]
        else:
            numbers = [value for value in tried if is_number(value)]
            middles[d.key] = median_low(numbers) if 2 * len(numbers) >= len(tried) else d.default
    return middles
