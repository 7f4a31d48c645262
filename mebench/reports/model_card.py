"""Export of a fold's model to a file, with a card on its training data, scores and limits of use."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mebench.config import is_place, parts
from mebench.console import plural
from mebench.core import Dataset
from mebench.errors import RunError
from mebench.format import scored
from mebench.inference.models import Model, ModelHeader, config_of, of_fold, write_model
from mebench.metrics import Tables, quiet_rate, summarize
from mebench.records import from_run, of_method
from mebench.runner.plan import Sides, make_plan, weightless
from mebench.runs import RunFolder, tables_of

SHOWN = ("f1", "precision", "recall", "ap50", "fp_per_minute")
QUIET_RATE = "fp_per_minute_without"
"""False positives a minute in videos that show no expression, of whatever kind."""
VERSIONS = ("mebench", "torch", "opencv-contrib-python-headless", "dlib-bin", "method_plugin", "recognizer_plugin")


def export_model(folder: RunFolder, fold: str, out: Path, name: str | None = None, note: str = "") -> ModelHeader:
    """Write the model of a fold; what its file says.

    Args:
        folder: the finished run. Its dataset must be there as it was, to say what the model was trained on.
        fold: whose model.
        out: the file, `.safetensors`.
        name: to call it by; by default method, dataset and the beginning of the run's key.
        note: a paragraph more for the card.

    Raises:
        RunError: there is no such fold, the run keeps no model of it, or the name is none.
        DataError: the file cannot be written.
    """
    record, model, stored = from_run(folder), of_fold(folder, fold), folder.read_json("config.json")
    plan = make_plan(config_of(folder))
    (own,) = (one for one in plan.folds if one.key == fold)
    sides, timings = plan.sides(own), plan.timings(own)
    words = {parts.called(word): word for word in plan.config.dataset_params}
    homes = {words.get(name, name): dataset for dataset, name in map(plan.home, sides.train)}
    tables, timing = tables_of(folder), next(iter(timings.values()))
    (entry,) = (entry for entry in model.about["folds"] if entry["fold"] == fold)
    videos = [*(entry.get("videos") or tables.videos["video"][tables.videos["subject"].isin(entry["test"])])]
    kept: dict[str, Any] = {
        part: None if table is None else table[table["video"].isin(videos)].reset_index(drop=True)
        for part in ("videos", "truths", "predictions", "clips")
        for table in [getattr(tables, part)]
    }
    tested = replace(tables, **kept, distractors=None)
    scores, lines = _scores(tested, model.about)
    chains = {
        chain: steps.fingerprint() for part in plan.parts() for chain, steps in weightless(part).chains(timing).items()
    }
    called = name or f"{record.method}-{record.dataset}-{record.key[:6]}".replace(" + ", "-").replace("+", "-")
    values = stored["config"]
    said: dict[str, Any] = {
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
        "versions": {key: record.versions[key] for key in VERSIONS if key in record.versions},
        "card": "\n".join(
            _card(called, model, record, of_method(values, stored["origins"]), sides, homes, tested, lines, note)
        ),
        "scores": scores,
    }
    try:
        checked = ModelHeader.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        raise RunError(
            f"the model cannot be written ({'.'.join(map(str, first['loc']))}: {first['msg']}): a model is called by small letters, "
            "digits, _, . and -, at most 64"
        ) from None
    write_model(out, model, checked)
    return checked


def _without_places(values: Mapping[str, Any], part: str) -> dict[str, Any]:
    """The parameters of a method, without paths."""
    named = {part: values[part]["name"]}
    return {key: value for key, value in values[part].items() if not is_place(f"{part}.{key}", named)}


def _scores(tested: Tables, about: Mapping[str, Any]) -> tuple[dict[str, float | None], list[str]]:
    """The scores that a card shows of what was predicted of the tested: by path, and as its lines."""
    summary = summarize(tested, kinds=about["kinds"], classes=about["classes"], seed=0)
    found: dict[str, float | None] = {}
    lines = []
    for kind, part in summary.get("spotting", {}).items():
        for name in SHOWN:
            if name in part["scores"]:
                found[f"spotting.{kind}.{name}"] = part["scores"][name]["value"]
                lines.append(f"- {kind}: {name} {scored(part['scores'][name], none='undefined')}")
        if kind != "overall":
            rate, minutes = quiet_rate(tested, kind, tested.truths)
            found[f"spotting.{kind}.{QUIET_RATE}"] = rate
            if rate is not None:
                quiet = f"in {minutes:.1f} minutes of videos without an expression"
                lines.append(f"- {kind}: {rate:.2f} false positives a minute {quiet}")
    for section, scores, names in (
        ("recognition", summary.get("recognition", {}).get("scores", {}), ("uf1", "uar")),
        ("analysis", summary.get("analysis", {}), ("strs",)),
    ):
        for name in names:
            if name in scores:
                found[f"{section}.{name}"] = scores[name]["value"]
                lines.append(f"- {section}: {name} {scored(scores[name], none='undefined')}")
    return found, lines


def _card(
    name: str,
    model: Model,
    record: Any,
    settings: str,
    sides: Sides,
    homes: Mapping[str, Dataset],
    tested: Tables,
    scores: Sequence[str],
    note: str,
) -> Iterator[str]:
    """In Markdown."""
    task = " and ".join(
        filter(None, [
            f"spots {' and '.join(model.about['kinds'])}-expressions" if "spot" in model.about["tasks"] else "",
            f"names them: {', '.join(model.about['classes'])}" if "recognize" in model.about["tasks"] else "",
        ])
    )  # fmt: skip
    yield from (f"# {name}", "", f"Method `{record.method}`{f' ({settings})' if settings else ''}. It {task}.", "")
    train, datasets = sides.train, " and ".join(f"`{name}`" for name in homes)
    seconds = sum((video.n_frames or 0) / video.fps for video in train if video.fps)
    kinds = Counter(e.kind for video in train for e in video.expressions)
    shown = " and ".join(plural(kinds[kind], f"{kind}-expression") for kind in kinds) or "no expression"
    people, others = (len({video.subject_key for video in side}) for side in (train, sides.valid))
    rates = " and ".join(sorted({f"{video.fps:g}" for video in train if video.fps}))
    yield from (
        "## Trained on",
        "",
        f"Dataset {datasets}: {plural(people, 'person', 'people')}, {plural(len(train), 'video')} of {seconds / 60:.1f} minutes at {rates} "
        f"frames a second, {shown}."
        + (f" {plural(others, 'person', 'people')} more chose its threshold or epoch." if others else ""),
        "",
        f"Protocol {record.about['protocol']}, fold {model.fold}, seed {record.seed}."
        + (f" Settings: {record.data}." if record.data else ""),
        "",
    )
    unseen = plural(tested.videos["subject"].nunique(), "person", "people")
    yield from (
        "## How good",
        "",
        f"On {unseen} in {plural(len(tested.videos), 'video')} whom it was not trained on:",
        "",
        *scores,
        "",
        "## What it is not good for",
        "",
        *(f"{remark[0].upper()}{remark[1:]}.\n" for dataset in homes.values() if (remark := dataset.remark)),
        "Nobody has measured it on other cameras, people and movements than these: there, take what it spots as places to look at. It says "
        "that something moved, never what a person feels, thinks or hides, and is no ground to judge anybody.",
        "",
        *([note, ""] if note else []),
    )
