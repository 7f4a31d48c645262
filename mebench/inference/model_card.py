"""Export of a fold's model to a file, with a card."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mebench.config.sections import member_name
from mebench.config.settings import is_place
from mebench.core import KINDS, Dataset
from mebench.core.types import Timing
from mebench.errors import RunError
from mebench.inference.alarm_rates import QUIET_RATE
from mebench.inference.models import Model, ModelHeader, config_of_run, model_of_fold, write_model
from mebench.metrics import Tables
from mebench.metrics.mistakes import quiet_rate
from mebench.metrics.summary import summarize
from mebench.output.number_format import format_score
from mebench.output.table import load_template
from mebench.output.terminal import format_count
from mebench.records.record import Record, record_from_run
from mebench.records.recorded_settings import method_settings
from mebench.runner.plan import Plan, create_weightless, make_plan
from mebench.runner.run_data import Sides
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables_of_folds
from mebench.score_type import Score

SPOTTED = (
    "f1",
    "precision",
    "recall",
    "ap50",
    "fp_per_minute",
    "recall_at_half",
    "recall_at_one",
    "recall_at_two",
    "fp_per_macro",
    "fp_elsewhere",
    "f1@samm_lv",
    "f1@cas_me2",
)
"""Scores of spotting on a card: scores that depend on the density of the tested videos, and scores that do not."""


def export_model(folder: RunFolder, fold: str, out: Path, name: str | None = None, note: str = "") -> ModelHeader:
    """Write the model of a fold; what its file says.

    Args:
        folder: the finished run. Its dataset must be present and unchanged, because the card describes the training
            data.
        fold: the fold of the model.
        out: the file, `.safetensors`.
        name: name of the model; by default method, dataset and the beginning of the run's key.
        note: another paragraph for the card.

    Raises:
        RunError: there is no such fold, the run keeps no model of it, or the name is not valid.
        DataError: the file cannot be written.
    """
    model = model_of_fold(folder, fold)
    header = describe_model(folder, model, name, note)
    write_model(out, model, header)
    return header


def describe_model(folder: RunFolder, model: Model, name: str | None = None, note: str = "") -> ModelHeader:
    """The header of the model of a fold, with its card.

    Args:
        folder: the finished run, whose dataset must be present and unchanged.
        model: model of one of its folds.
        name: name of the model; by default method, dataset and the beginning of the run's key.
        note: another paragraph for the card.

    Raises:
        RunError: the name is not valid.
    """
    record = record_from_run(folder)
    fold = model.fold
    stored = folder.read_json("config.json")
    values = stored["config"]
    plan = make_plan(config_of_run(folder))
    trained = _training_of_fold(plan, fold)
    tested = dict(read_tables_of_folds(folder))[fold]
    scores, lines = card_scores(tested, model.about)
    model_name = name or _default_name(record)
    card = load_template(Path(__file__).with_suffix(".md")).render(
        name=model_name,
        record=record,
        settings=method_settings(values, stored["origins"]),
        tasks=_tasks_in_words(model.about),
        **_training_facts(trained),
        fold=fold,
        unseen=_people(tested.videos["subject"].unique()),
        tested=format_count(len(tested.videos), "video"),
        scores=lines,
        note=note,
    )
    header: dict[str, Any] = {
        "name": model_name,
        "method": _without_places(values, "method"),
        "recognizer": _without_places(values, "recognizer") if values.get("recognizer") else None,
        "task": {key: model.about[key] for key in ("tasks", "kinds", "classes", "scheme", "one_per_video")},
        "timings": [_plain_timing(timing) for timing in trained.timings],
        "fold": fold,
        "seed": record.seed,
        "features": _chain_fingerprints(plan, trained.timings[0]),
        "versions": {key: record.versions[key] for key in VERSIONS if key in record.versions},
        "card": f"{card}\n",
        "scores": scores,
    }
    return _check_header(header)


VERSIONS = ("mebench", "torch", "opencv-contrib-python-headless", "dlib-bin", "method_plugin", "recognizer_plugin")
"""Packages and plugins whose versions a model's file states."""


@dataclass(frozen=True)
class _Training:
    """What the model of a fold was trained on.

    Attributes:
        sides: videos for training, for inner validation, and tested ones.
        timings: durations at each frame rate; the first is used to describe features.
        homes: dataset of the training videos by the name under which a user knows it.
    """

    sides: Sides
    timings: Sequence[Timing]
    homes: Mapping[str, Dataset]


def _training_of_fold(plan: Plan, fold: str) -> _Training:
    """The training of a fold."""
    (tested_fold,) = (candidate for candidate in plan.data.folds if candidate.key == fold)
    sides = plan.data.split_videos(tested_fold)
    word_of_member = {member_name(word): word for word in plan.config.dataset_params}
    homes = {}
    for video in sides.train:
        dataset, name = plan.data.find_home(video)
        homes[word_of_member.get(name, name)] = dataset
    return _Training(sides, list(plan.data.find_timings(tested_fold).values()), homes)


def _training_facts(trained: _Training) -> dict[str, Any]:
    """Facts about the training for the card."""
    train, valid = trained.sides.train, trained.sides.valid
    seconds = [(video.n_frames or 0) / video.fps for video in train if video.fps]
    rates = {f"{video.fps:g}" for video in train if video.fps}
    kinds = Counter(expression.kind for video in train for expression in video.expressions)
    return {
        "homes": [f"`{name}`" for name in trained.homes],
        "people": _people({video.subject_key for video in train}),
        "videos": format_count(len(train), "video"),
        "minutes": sum(seconds) / 60,
        "rates": sorted(rates),
        "kinds": [format_count(count, f"{kind}-expression") for kind, count in kinds.items()],
        "others": _people({video.subject_key for video in valid}) if valid else "",
        "remarks": [dataset.remark for dataset in trained.homes.values() if dataset.remark],
    }


def _chain_fingerprints(plan: Plan, timing: Timing) -> dict[str, str]:
    """Fingerprint of each feature that the parts of the run read, by its name."""
    fingerprints = {}
    for part in plan.methods:
        for name, chain in create_weightless(part).adjusted_chains(timing).items():
            fingerprints[name] = chain.fingerprint()
    return fingerprints


def _plain_timing(timing: Timing) -> dict[str, Any]:
    """Durations in frames, as plain data."""
    return {"fps": float(timing.fps), "k": timing.k, "k_prime": {str(kind): n for kind, n in timing.k_prime.items()}}


def _default_name(record: Record) -> str:
    """Method, dataset and the beginning of the run's key."""
    return f"{record.method}-{record.dataset}-{record.key[:6]}".replace(" + ", "-").replace("+", "-")


def _tasks_in_words(about: Mapping[str, Any]) -> list[str]:
    """What the model does."""
    tasks = []
    if "spot" in about["tasks"]:
        tasks.append(f"spots {' and '.join(about['kinds'])}-expressions")
    if "recognize" in about["tasks"]:
        tasks.append(f"names them: {', '.join(about['classes'])}")
    return tasks


def _check_header(header: Mapping[str, Any]) -> ModelHeader:
    """The header of a model's file.

    Raises:
        RunError: the name is not valid.
    """
    try:
        return ModelHeader.model_validate(header)
    except ValidationError as error:
        first = error.errors()[0]
        raise RunError(
            f"the model cannot be written ({'.'.join(map(str, first['loc']))}: {first['msg']}): the name of a "
            "model has at most 64 small letters, digits, _, . and -"
        ) from None


def _without_places(values: Mapping[str, Any], part: str) -> dict[str, Any]:
    """The parameters of a method, without paths."""
    params = values[part]
    return {key: value for key, value in params.items() if not is_place(f"{part}.{key}", {part: params["name"]})}


def _people(people: Collection[Any]) -> str:
    """The number of some people, in words."""
    return format_count(len(people), "person", "people")


def card_scores(tested: Tables, about: Mapping[str, Any]) -> tuple[dict[str, float | None], list[str]]:
    """The scores on a card, from the predictions for the tested people: by path, and as lines."""
    summary = summarize(tested, kinds=about["kinds"], classes=about["classes"], seed=0)
    parts: list[tuple[str, str, Any, tuple[str, ...]]] = [
        *((f"spotting.{kind}", kind, part["scores"], SPOTTED) for kind, part in summary.get("spotting", {}).items()),
        ("recognition", "recognition", summary.get("recognition", {}).get("scores", {}), ("uf1", "uar")),
        ("analysis", "analysis", summary.get("analysis", {}), ("strs",)),
    ]
    values: dict[str, float | None] = {}
    lines = []
    for path, title, scores, names in parts:
        for name in names:
            if name not in scores:
                continue
            score = scores[name]
            values[f"{path}.{name}"] = score["value"]
            if score["value"] is not None:  # those of a density are of micro-expressions alone
                lines.append(f"{title}: {name} {format_score(Score.from_plain(score))}")
        if title in KINDS:
            rate, minutes = quiet_rate(tested, title, tested.truths)
            values[f"{path}.{QUIET_RATE}"] = rate
            if rate is not None:
                lines.append(
                    f"{title}: {rate:.2f} false positives a minute in {minutes:.1f} minutes of videos without an expression"
                )
    return values, lines
