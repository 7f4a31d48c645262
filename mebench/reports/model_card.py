"""Export of a fold's model to a file, with a card on its training data, scores and limits of use."""

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mebench.config.sections import member_name
from mebench.config.settings import is_place
from mebench.core import KINDS
from mebench.errors import RunError
from mebench.inference.models import ModelHeader, config_of_run, model_of_fold, write_model
from mebench.metrics import Tables
from mebench.metrics.mistakes import quiet_rate
from mebench.metrics.summary import summarize
from mebench.number_format import scored
from mebench.records.record import from_run
from mebench.records.recorded_settings import of_method
from mebench.runner.plan import create_weightless, make_plan
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables_of_folds
from mebench.table import load_template
from mebench.terminal import format_count

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
QUIET_RATE = "fp_per_minute_without"
"""False positives a minute in videos without expressions of any kind."""


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
    record, model, stored = from_run(folder), model_of_fold(folder, fold), folder.read_json("config.json")
    plan = make_plan(config_of_run(folder))
    (tested_fold,) = (f for f in plan.folds if f.key == fold)
    sides, timings = plan.sides(tested_fold), plan.timings(tested_fold)
    words = {member_name(word): word for word in plan.config.dataset_params}
    homes = {words.get(name, name): dataset for dataset, name in map(plan.home, sides.train)}
    tested, timing = dict(read_tables_of_folds(folder))[fold], next(iter(timings.values()))
    scores, lines = _scores(tested, model.about)
    chains = {
        chain: steps.fingerprint()
        for part in plan.parts
        for chain, steps in create_weightless(part).chains(timing).items()
    }
    called = name or f"{record.method}-{record.dataset}-{record.key[:6]}".replace(" + ", "-").replace("+", "-")
    values, kinds = stored["config"], Counter(e.kind for video in sides.train for e in video.expressions)
    header: dict[str, Any] = {
        "name": called,
        "method": _without_places(values, "method"),
        "recognizer": _without_places(values, "recognizer") if values.get("recognizer") else None,
        "task": {key: model.about[key] for key in ("tasks", "kinds", "classes", "scheme", "one_per_video")},
        "timings": [
            {"fps": float(t.fps), "k": t.k, "k_prime": {str(kind): n for kind, n in t.k_prime.items()}}
            for t in timings.values()
        ],
        "fold": fold,
        "seed": record.seed,
        "features": chains,
        "versions": {
            key: record.versions[key]
            for key in (
                "mebench",
                "torch",
                "opencv-contrib-python-headless",
                "dlib-bin",
                "method_plugin",
                "recognizer_plugin",
            )
            if key in record.versions
        },
        "card": load_template(Path(__file__).with_suffix(".md")).render(
            name=called,
            record=record,
            settings=of_method(values, stored["origins"]),
            tasks=[
                *(
                    [f"spots {' and '.join(model.about['kinds'])}-expressions"]
                    if "spot" in model.about["tasks"]
                    else []
                ),
                *([f"names them: {', '.join(model.about['classes'])}"] if "recognize" in model.about["tasks"] else []),
            ],
            homes=[f"`{name}`" for name in homes],
            people=_people({video.subject_key for video in sides.train}),
            videos=format_count(len(sides.train), "video"),
            minutes=sum((video.n_frames or 0) / video.fps for video in sides.train if video.fps) / 60,
            rates=sorted({f"{video.fps:g}" for video in sides.train if video.fps}),
            kinds=[format_count(count, f"{kind}-expression") for kind, count in kinds.items()],
            others=sides.valid and _people({video.subject_key for video in sides.valid}),
            fold=fold,
            unseen=_people(tested.videos["subject"].unique()),
            tested=format_count(len(tested.videos), "video"),
            scores=lines,
            remarks=[dataset.remark for dataset in homes.values() if dataset.remark],
            note=note,
        )
        + "\n",
        "scores": scores,
    }
    try:
        checked = ModelHeader.model_validate(header)
    except ValidationError as error:
        first = error.errors()[0]
        raise RunError(
            f"the model cannot be written ({'.'.join(map(str, first['loc']))}: {first['msg']}): the name of a "
            "model has at most 64 small letters, digits, _, . and -"
        ) from None
    write_model(out, model, checked)
    return checked


def _without_places(values: Mapping[str, Any], part: str) -> dict[str, Any]:
    """The parameters of a method, without paths."""
    params = values[part]
    return {key: value for key, value in params.items() if not is_place(f"{part}.{key}", {part: params["name"]})}


def _people(people: Collection[Any]) -> str:
    return format_count(len(people), "person", "people")


def _scores(tested: Tables, about: Mapping[str, Any]) -> tuple[dict[str, float | None], list[str]]:
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
        for name in (name for name in names if name in scores):
            values[f"{path}.{name}"] = scores[name]["value"]
            if scores[name]["value"] is not None:  # those of a density are of micro-expressions alone
                lines.append(f"{title}: {name} {scored(scores[name])}")
        if title in KINDS:
            values[f"{path}.{QUIET_RATE}"], minutes = quiet_rate(tested, title, tested.truths)
            if (rate := values[f"{path}.{QUIET_RATE}"]) is not None:
                lines.append(
                    f"{title}: {rate:.2f} false positives a minute in {minutes:.1f} minutes of videos without an expression"
                )
    return values, lines
