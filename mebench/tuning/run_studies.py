"""The file of tuned values that `mebench run -c` takes."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median_low
from typing import Any

import yaml

from mebench.atomic import replace_file
from mebench.config import RunConfig
from mebench.errors import RunError
from mebench.progress import Progress
from mebench.runner.describe import made_by
from mebench.runner.execute import InterruptedRunError, stoppable, worker_pool
from mebench.runner.identity import content_of, truth_of
from mebench.runner.inputs import anywhere, code_and_settings, digest
from mebench.runner.plan import make_plan
from mebench.runner.process import one_thread
from mebench.runs.fold_files import safe_name
from mebench.tuning.evaluate import Evaluator, Judge
from mebench.tuning.outcome import TrialReporter, Tuned, summary_of, trials_table, value_in_words, write_figures
from mebench.tuning.records import Study, Terms, Trial, TuneOptions, part_of, read_objectives
from mebench.tuning.space import Space, for_task, is_number, read_space, with_values
from mebench.tuning.splits import nested, tuning_set
from mebench.tuning.study import Place, SharedStudy

_OF_THE_MACHINE = (
    *("runs", "cache", "tracking", "tracking_folds", "tracking_models", "tracking_figures"),
    *("workers", "executor", "executor_address", "plugins"),
)
"""Keys that say where and how fast, not what."""


def write_tuned(tuned: Tuned, file: Path) -> list[str]:
    """Write the configuration with the tuned values.

    Of several studies, one for each outer fold, it takes for each parameter the middle value (of an even number the lower one
    of the two in the middle) or the most frequent choice (see `middle`): their outer score belongs to the procedure, not to
    this file.

    Args:
        tuned: the outcome.
        file: overwritten.

    Returns:
        remarks that the file begins with, for people.

    Raises:
        RunError: it cannot be written.
        ConfigError: the middle values of several studies do not go together.
    """
    plain, every = tuned.plain, [trial.params for trial in tuned.best.values()]
    config = with_values(tuned.config, every[0] if len(every) == 1 else middle(tuned.space, every))
    remarks = [f"Tuned by mebench: study {plain['study']}, {', '.join(plain['objectives'])}."]
    if plain["conclusion"]:
        remarks.append(f"{plain['conclusion'][0].upper()}{plain['conclusion'][1:]}.")
    if plain["nested"]:
        remarks += [
            "One study for each outer fold: these are the median of numbers and the most frequent of choices over the folds. The "
            "outer score is that of the procedure, in which each fold has its own values; a run of this file flatters.",
            *(f"{d.key}: {', '.join(value_in_words(one[d.key]) for one in every)}" for d in tuned.space.dimensions),
        ]
    else:
        (study,) = plain["studies"].values()
        remarks += [
            f"A run over all subjects tests those of the tuning set, too, and flatters: {', '.join(study['subjects'])}.",
            f"The honest scores are those on the {plain['outer_subjects']} other subjects: {plain['runs']['tuned']}.",
        ]
    people = sorted({subject for study in plain["studies"].values() for subject in study["subjects"]})
    content = {key: value for key, value in config.values.items() if key not in _OF_THE_MACHINE} | {"tuned_on": people}
    text = "".join(f"# {line}\n" for line in remarks) + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"--write {file}: {error.strerror}. The tuned values are in outcome.json all the same"
        ) from error
    return remarks


def middle(space: Space, values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """For each parameter the median, or the most frequent choice; of equally frequent ones the first in the map.

    A default beside the choices is one more, the last. One that is no number, beside a range, stands for all where most have it.
    """
    found = {}
    for d in space.dimensions:
        own = [one[d.key] for one in values]
        if d.choices:
            order = (*d.choices, d.default)  # which may have won beside a range of somebody's own
            counts = Counter(order.index(value) for value in own)
            found[d.key] = order[min(counts, key=lambda place: (-counts[place], place))]
        else:
            numbers = [value for value in own if is_number(value)]
            found[d.key] = median_low(numbers) if 2 * len(numbers) >= len(own) else d.default
    return found


TUNING_SUBJECTS = 0.4
"""Share of the subjects that are tuned on unless something else is said."""
STUDY_FILE, OUTCOME_FILE, TRIALS_FILE = "study.json", "outcome.json", "trials.csv"
"""What a study is about, what came of it, and a row for each of its trials, in the folder of the study."""
WRITTEN_SECONDS = 5.0
"""How often the table of trials is written while a study runs."""


def tune(config: RunConfig, options: TuneOptions, progress: Progress) -> Tuned:
    """Tune, judge, and write everything into the folder of the study.

    Raises:
        MebenchError: bad input, a storage that cannot be used, trials that fail one after another, Ctrl-C; finished trials
            stay in the storage.
    """
    began = time.perf_counter()
    space = read_space(config, options.params, options.acts)
    plan = make_plan(config)
    space = for_task(space, plan.task, bool(options.params))
    objectives = read_objectives(options.objectives, plan.task)
    splits = (
        nested(plan, options.inner_folds)
        if options.nested
        else tuning_set(plan, options.tuning_subjects or TUNING_SUBJECTS, options.inner_folds)
    )
    about = {  # what must agree for two processes to work on one study; what tells most comes first
        "method": "+".join(filter(None, (config.method, config.recognizer))),
        "dataset": config.dataset,
        "protocol": config.protocol,
        "parameters": space.plain(),
        "objectives": {o.path: o.direction for o in objectives},
        "subjects": {s.name: [*map(str, s.subjects)] for s in splits} if not options.nested else "nested",
        "inner folds": len(splits[0].inner.folds),
        **code_and_settings(config),
        "convention": config.convention,
        "annotations": truth_of(plan),
        **dict(zip(["frames or files"], content_of(plan))),
    }
    how = "nested" if options.nested else "tuned"
    own_name = f"{about['method']}-{config.dataset}-{config.protocol}-seed{config.seed}-{how}-{digest(about)[:8]}"
    name = options.study or own_name
    out = Path(options.out).expanduser()
    folder, place = out / safe_name(name), Place.of(options.storage or str(out / "optuna.db"))
    for reason in space.left_out:
        progress.notify(f"not tuned: {reason}")
    if options.nested:
        progress.notify(f"tuning {name}: {len(splits)} studies, one for each outer fold")
    part = part_of(objectives, config.recognizer is not None)
    parts = {split.name: safe_name(split.name) if options.nested else "." for split in splits}
    described = {
        "study": name,
        "config": anywhere(config.values),
        "origins": config.origins,
        "source": made_by(),
        "nested": options.nested,
        "parts": parts,
        "search": space.plain(),
        "objectives": {o.path: o.direction for o in objectives},
        "how": {
            "sampler": options.sampler,
            "pruner": options.pruner,
            "inner_folds": len(splits[0].inner.folds),
            "tuning_subjects": len(splits[0].subjects),
            "storage": str(place),
        },
    }
    studies, waited = dict[str, Study](), 0.0
    with stoppable(), one_thread(), worker_pool(config) as pool:
        try:
            for split in (replace(split, part=part) for split in splits):
                whole = f"{name}/{split.name}" if options.nested else name
                by = (options.sampler, options.pruner, config.seed, options.heartbeat)
                shared = SharedStudy(place, Terms(whole, about, space, objectives, *by))
                if not studies:  # nothing is written before a study of that name about something else has refused
                    replace_file(folder / STUDY_FILE, json.dumps(described, indent=1) + "\n")
                reporter = TrialReporter(progress, whole, options.trials, split, space)
                evaluator = Evaluator(split, space, objectives, pool, folder / "inner", progress)
                own = folder / parts[split.name]
                studies[split.name] = _study(shared, options.trials, evaluator, reporter, own)
                waited += evaluator.waited
            tried = time.perf_counter()
            best = {name: study.chosen() for name, study in studies.items()}
            judge = Judge(plan, splits, space, pool, folder, progress)
            judged = judge.judge({name: trial.params for name, trial in best.items()}, objectives)
        except KeyboardInterrupt as stop:
            pool.stop()
            raise InterruptedRunError(
                f"stopped: finished trials are kept in {place}. Go on with the same command", stop
            ) from None
    seconds = {
        "inner_folds": round(waited, 3),
        "trials": round(tried - began - waited, 3),
        "outer": round(time.perf_counter() - tried, 3),
    }
    found = summary_of(config, splits, space, studies, judged, name, str(place), options.nested, seconds)
    replace_file(folder / OUTCOME_FILE, json.dumps(found.plain, indent=1, allow_nan=False) + "\n")
    return found


def _study(shared: SharedStudy, trials: int, evaluator: Evaluator, reporter: TrialReporter, folder: Path) -> Study:
    """All trials of one study, by this process and by others; their table and figures in the folder."""
    reporter.begin(shared.study(importance=False))
    written = 0.0

    def write(study: Study) -> None:
        nonlocal written
        replace_file(folder / TRIALS_FILE, trials_table(study, shared.terms.space).to_csv(index=False))
        written = time.monotonic()

    def after(study: Study, trial: Trial) -> None:
        reporter.report(study, trial)
        if time.monotonic() - written >= WRITTEN_SECONDS:
            write(study)

    shared.run(trials, evaluator, after)
    shared.try_default(evaluator)
    found = shared.study()
    write(found)
    write_figures(shared.stored, found, folder)
    return found
