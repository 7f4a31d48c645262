"""The datasets that a configuration names."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path
from statistics import fmean, median
from typing import Any

from mebench.annotations import SheetDataset, ground_truth_hash, shown_units
from mebench.config import RunConfig, flatten, from_plain, load, plugins
from mebench.core import KINDS, Dataset, SubjectKey
from mebench.errors import DataError, PluginError
from mebench.exchange.text_table import File
from mebench.features import FaceParams, find_predictor, how_to_get


def open_members(dataset_params: Mapping[str, Any]) -> dict[str, Dataset]:
    """The dataset, or the members of a composite, by id in the order of the configuration.

    Args:
        dataset_params: the `Params` of each by its id.

    Raises:
        PluginError: one is broken.
    """
    return {id_: load("dataset", id_)(params) for id_, params in dataset_params.items()}


def adapters_of(file: File) -> Iterator[SheetDataset]:
    """Datasets that recognise the sheet by its content, else by its name, the most specific name first.

    Each has this file as its annotations.
    """
    matches = list[tuple[int, SheetDataset]]()
    if not isinstance(file, Path):
        return
    for id_ in sorted(plugins("dataset")):
        try:
            plugin = load("dataset", id_)
        except PluginError:
            continue
        if not issubclass(plugin, SheetDataset):
            continue
        called: dict[str, Mapping[str, Any]] = {
            name: params
            for name, params in plugin.sheet_names().items()
            if fnmatch(file.name.casefold(), name.casefold())
        }
        for name, params in [("", {}), *called.items()]:
            dataset = plugin(plugin.Params(annotations=str(file), **params))
            if name or dataset.recognised:
                # Above any name: the content of a sheet is better evidence than its name.
                matches.append((len(name.replace("*", "")) or 1000, dataset))
    yield from (dataset for _, dataset in sorted(matches, key=lambda fit: fit[0], reverse=True))


def check_needs(configs: Iterable[RunConfig], notify: Callable[[str], object] | None = None) -> list[RunConfig]:
    """Check the inputs of runs within seconds, before any heavy import: roots, sheets, frames, a landmark file.

    Args:
        configs: of the runs.
        notify: called with a sentence if a landmark file is missing and only defaults need it; then regions at fixed
            places of the face replace those that follow landmarks. None allows no replacement.

    Returns:
        The configurations, with such replacements.

    Raises:
        DataError: something is missing; the message gives the remedy, in words of the command line.
        PluginError: a dataset is broken.
    """
    opened: dict[str, dict[str, Dataset]] = {}
    checked, notified = list[RunConfig](), set[str]()
    for config in configs:
        settled = config
        data = repr(config.dataset_params)
        if data not in opened:
            opened[data] = open_members(config.dataset_params)
            for dataset in opened[data].values():
                dataset.check()
        for part, id_ in (("method", config.method), ("recognizer", config.recognizer)):
            params = getattr(config, f"{part}_params")
            if not isinstance(params, FaceParams) or not params.needs_landmarks:
                continue
            instead = params.without_landmarks
            of_all_frames = params.align == "pose"  # which no dataset contains
            lacking = [
                word
                for word, dataset in opened[data].items()
                if dataset.has_frames and (of_all_frames or type(dataset).landmarks is Dataset.landmarks)
            ]
            if not lacking or find_predictor(params.landmarks) is not None:
                continue
            missing = f"{part}={id_} needs 68 facial landmarks, and {' and '.join(lacking)} contains none"
            key, _, value = f"{part}.{instead}".partition("=")
            if notify is None or not value or not config.origins.get(key, "").startswith("default"):
                raise DataError(f"{missing}: {how_to_get(f'{part}.{instead}' if instead else '', part)}")
            # Origin of a setting without landmarks.
            settled = from_plain(
                {**flatten(settled.values), key: value},
                {**settled.origins, key: "replaces landmarks, because their file is missing"},
            )
            if missing not in notified:
                notified.add(missing)
                notify(f"{missing}: {key}={value} is used instead, and the results say so. {how_to_get('', part)}")
        checked.append(settled)
    return checked


Summary = dict[str, Any]
"""The contents of a dataset, as plain data for JSON.

`subjects` and `videos` are those with an annotated expression. `expressions` counts all rows by kind,
`expressions_without_interval` those without a usable interval; `emotions` counts native labels, lower case, the most frequent first, and
`emotions_by_kind` those of each kind. `repairs` are repaired or marked rows of the annotations. `videos_with_frames` is None if the
dataset can have none; `folder_of_frames` is read, `other_folders_of_frames`, with frames of these videos, are not.
`videos_without_expressions` are further videos in the folders without an annotated frame. `durations_ms` holds, for each kind with an
interval and a frame rate, their number `n`, and `min`, `median`, `mean` and `max` of their duration (frames, both ends counted, over
frames per second); `fps` the distinct rates, rising. `action_units` counts expressions that show each unit, for any side and intensity
(an annotation in doubt between two counts for both), `expressions_with_action_units` those for which units are annotated. `schemes` has
by name under `classes` micro-expressions by scored class, in the scheme's order, including 0, then those of several classes
(`positive+surprise`), and under `left_out` native labels and the number of micro-expressions that the scheme does not score, by label or
as an exception. `unmapped_labels` are those that no scheme by emotion scores. `hash` is that of the ground truth,
see `ground_truth_hash`."""


def _subjects(dataset: Dataset) -> set[SubjectKey]:
    """The subjects with an annotated expression."""
    dataset_id = str(getattr(dataset, "id", ""))
    placed = {video.subject_key for video in dataset.videos() if video.expressions}
    return placed | {SubjectKey(dataset_id, row.subject) for row in dataset.unplaced() if row.subject}


def summarise(dataset: Dataset) -> Summary:
    """Count the contents of a dataset; the annotations are enough.

    Every row counts once: an expression of `Dataset.videos()`, or one of `Dataset.unplaced()`. Durations, schemes and
    hash come from `Dataset.as_annotated()`, so they do not depend on the existing frames.

    Raises:
        DataError: the annotations are missing or cannot be read.
    """
    videos, lost, annotated = dataset.videos(), dataset.unplaced(), dataset.as_annotated()
    rows = [(e.kind, e.emotion) for v in videos for e in v.expressions] + [(row.kind, row.emotion) for row in lost]
    kinds = Counter(kind for kind, _ in rows)
    labels = Counter(label.lower() for _, label in rows if label is not None)
    of_kinds = {
        kind: Counter(label.lower() for own, label in rows if own == kind and label is not None) for kind in KINDS
    }
    emotions = sorted(labels, key=lambda label: (-labels[label], label))
    dataset_id = str(getattr(dataset, "id", ""))
    with_expressions = [video for video in videos if video.expressions]
    named = {v.key for v in with_expressions} | {f"{dataset_id}/{row.subject}/{row.video}" for row in lost if row.video}
    expressions = [e for video in annotated for e in video.expressions]
    by_emotion = [scheme for scheme in dataset.schemes.values() if scheme.by == "emotion"]
    units = Counter(unit for e in expressions for unit in shown_units(e.action_units))
    folders = list(map(str, dataset.frame_folders()))
    lasting = {
        kind: [1000 * e.length / v.fps for v in annotated if v.fps for e in v.expressions if e.kind == kind]
        for kind in KINDS
    }
    micro = [e for e in expressions if e.kind == "micro"]
    of_classes = {name: Counter(map(scheme.class_of, micro)) for name, scheme in dataset.schemes.items()}
    return {
        "subjects": len(_subjects(dataset)),
        "videos": len(named),
        "expressions": {kind: kinds[kind] for kind in KINDS},
        "emotions": {label: labels[label] for label in emotions},
        "repairs": [asdict(repair) | {"sentence": str(repair)} for repair in dataset.repair_rows()],
        "emotions_by_kind": {
            kind: {label: of_kinds[kind][label] for label in emotions if of_kinds[kind][label]}
            for kind in KINDS
            if kinds[kind]
        },
        "videos_with_frames": sum(v.n_frames is not None for v in with_expressions) if dataset.has_frames else None,
        "folder_of_frames": folders[0] if folders else None,
        "other_folders_of_frames": folders[1:],
        "videos_without_expressions": len(videos) - len(with_expressions),
        "expressions_without_interval": len(lost),
        "durations_ms": {
            kind: {
                "n": len(ms),
                "min": round(min(ms), 3),
                "median": round(median(ms), 3),
                "mean": round(fmean(ms), 3),
                "max": round(max(ms), 3),
            }
            for kind, ms in lasting.items()
            if ms
        },
        "fps": sorted({video.fps for video in videos if video.fps}),
        "action_units": {f"AU{unit}": n for unit, n in sorted(units.items())},
        "expressions_with_action_units": sum(bool(e.action_units) for e in expressions),
        "schemes": {
            name: {
                "classes": dict.fromkeys(scheme.classes, 0)
                | {class_: n for class_, n in of_classes[name].items() if class_},
                "left_out": dict(scheme.left_out(expressions).most_common()),
            }
            for name, scheme in dataset.schemes.items()
        },
        "unmapped_labels": {
            label: n for label, n in labels.items() if all(scheme.index(label) is None for scheme in by_emotion)
        },
        "hash": ground_truth_hash(annotated),
    }


def together(members: Mapping[str, Dataset]) -> dict[str, Any]:
    """Plain data of a composite: sums over the summaries of its members, then each of these under `members`.

    `people` are fewer than `subjects` if a person is in several members. `repairs` carry their member's name. Values
    that cannot be summed appear only in the members.
    """
    parts = {id_: summarise(dataset) for id_, dataset in members.items()}
    return {
        "subjects": sum(part["subjects"] for part in parts.values()),
        "people": len({dataset.person(key) for dataset in members.values() for key in _subjects(dataset)}),
        "videos": sum(part["videos"] for part in parts.values()),
        "expressions": {kind: sum(part["expressions"][kind] for part in parts.values()) for kind in KINDS},
        "emotions": dict(sum((Counter(part["emotions"]) for part in parts.values()), Counter[str]())),
        "repairs": [{"dataset": id_} | repair for id_, part in parts.items() for repair in part["repairs"]],
        "fps": sorted({rate for part in parts.values() for rate in part["fps"]}),
        "members": parts,
    }
