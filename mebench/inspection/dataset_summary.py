"""The datasets that a configuration names: opened, checked before a run, and counted."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from statistics import fmean, median
from typing import Any, Literal

from mebench.account import plain_accounts
from mebench.annotations import SheetDataset, shown_units
from mebench.annotations.accounting import accounts_of, unmapped_labels
from mebench.annotations.annotation import ground_truth_hash
from mebench.config import RunConfig
from mebench.config.registry import list_plugins, load_plugin
from mebench.config.resolving import with_parameters
from mebench.core import KINDS, Dataset, Expression, Kind, Scheme, SubjectKey, Video
from mebench.core.types import Unplaced
from mebench.errors import DataError, PluginError
from mebench.exchange.text_table import File
from mebench.features import FaceParams
from mebench.features.landmarks import find_predictor, landmark_advice
from mebench.inspection.other_dataset import refuse_other_dataset


def open_members(dataset_params: Mapping[str, Any]) -> dict[str, Dataset]:
    """The dataset or the members of a composite, by id, in configured order.

    Args:
        dataset_params: the `Params` of each by its id.

    Raises:
        DataError: the root of one holds another dataset.
        PluginError: one is broken.
    """
    members = {id_: load_plugin("dataset", id_)(params) for id_, params in dataset_params.items()}
    for dataset in members.values():
        refuse_other_dataset(dataset)
    return members


RECOGNISED_BY_CONTENT = 1000
"""Rank of a sheet recognised by its content: better evidence than a name of any length."""


def adapters_of(file: File) -> Iterator[SheetDataset]:
    """Datasets that recognise a sheet by its content or its name, the surest first.

    Content is surer than any name, a longer name than a shorter one. Each has this file as its annotations.
    """
    if not isinstance(file, Path):
        return
    matches = list[tuple[int, SheetDataset]]()
    for plugin in _sheet_datasets():
        by_content = plugin(plugin.Params(annotations=str(file)))
        if by_content.recognised:
            matches.append((RECOGNISED_BY_CONTENT, by_content))
        params_by_name: Mapping[str, Mapping[str, Any]] = plugin.sheet_names()
        for pattern, params in params_by_name.items():
            if fnmatch(file.name.casefold(), pattern.casefold()):
                by_name = plugin(plugin.Params(annotations=str(file), **params))
                n_fixed_letters = len(pattern.replace("*", ""))
                matches.append((n_fixed_letters or RECOGNISED_BY_CONTENT, by_name))
    matches.sort(key=lambda match: match[0], reverse=True)
    for _, dataset in matches:
        yield dataset


def _sheet_datasets() -> Iterator[type[SheetDataset]]:
    """The installed datasets that read a sheet, by id; broken plugins are passed over."""
    for id_ in sorted(list_plugins("dataset")):
        try:
            plugin = load_plugin("dataset", id_)
        except PluginError:
            continue
        if issubclass(plugin, SheetDataset):
            yield plugin


def check_needs(configs: Iterable[RunConfig], notify: Callable[[str], object] | None = None) -> list[RunConfig]:
    """Check the inputs of runs within seconds, before any heavy import: roots, sheets, frames, a landmark file.

    Args:
        configs: configurations of the runs.
        notify: function called with a sentence if a landmark file is missing and only defaults need it; then regions at
            fixed regions of the face replace those that follow landmarks. None allows no replacement.

    Returns:
        The configurations, with such replacements.

    Raises:
        DataError: something is missing; the message gives the remedy, in words of the command line.
        PluginError: a dataset is broken.
    """
    opened: dict[str, dict[str, Dataset]] = {}
    notified: set[str] = set()
    checked: list[RunConfig] = []
    for config in configs:
        data = repr(config.dataset_params)
        if data not in opened:
            opened[data] = open_members(config.dataset_params)
            for dataset in opened[data].values():
                dataset.check()
        settled = config
        for part in METHOD_PARTS:
            missing = _missing_landmarks(config, part, opened[data])
            if missing is None:
                continue
            if notify is None or not missing.is_default:
                raise DataError(f"{missing.reason}: {landmark_advice(missing.remedy, part)}")
            settled = missing.replace_landmarks(settled)
            if missing.reason not in notified:
                notified.add(missing.reason)
                instead = f"{missing.key}={missing.value} is used instead, and the results say so"
                notify(f"{missing.reason}: {instead}. {landmark_advice('', part)}")
        checked.append(settled)
    return checked


Part = Literal["method", "recognizer"]
METHOD_PARTS: tuple[Part, ...] = ("method", "recognizer")


@dataclass(frozen=True)
class _MissingLandmarks:
    """A part of a run that needs landmarks and has none.

    Attributes:
        reason: sentence that names the part and the datasets.
        remedy: setting of the command line without landmarks, or empty.
        key: key of that setting.
        value: value of that setting, or empty.
        is_default: whether there is such a setting, and the user has chosen no other value.
    """

    reason: str
    remedy: str
    key: str
    value: str
    is_default: bool

    def replace_landmarks(self, config: RunConfig) -> RunConfig:
        """The configuration with the setting that needs no landmarks."""
        return with_parameters(config, {self.key: self.value}, "replaces landmarks, because their file is missing")


def _missing_landmarks(config: RunConfig, part: Part, datasets: Mapping[str, Dataset]) -> _MissingLandmarks | None:
    """What a part lacks; None if it needs no landmarks or has them."""
    params = getattr(config, f"{part}_params")
    if not isinstance(params, FaceParams) or not params.needs_landmarks:
        return None
    of_all_frames = params.align == "pose"  # no dataset contains landmarks of all frames
    lacking = []
    for id_, dataset in datasets.items():
        gives_landmarks = type(dataset).landmarks is not Dataset.landmarks and not of_all_frames
        if dataset.has_frames and not gives_landmarks:
            lacking.append(id_)
    if not lacking or find_predictor(params.landmarks) is not None:
        return None
    instead = params.without_landmarks
    key, _, value = f"{part}.{instead}".partition("=")
    return _MissingLandmarks(
        reason=f"{part}={getattr(config, part)} needs 68 facial landmarks, and {' and '.join(lacking)} contains none",
        remedy=f"{part}.{instead}" if instead else "",
        key=key,
        value=value,
        is_default=bool(value) and config.origins.get(key, "").startswith("default"),
    )


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
as an exception. `unmapped_labels` are those that no scheme by emotion scores. `account` says how many expressions and files the
dataset holds, how many are taken, and why the others are not. `hash` is that of the ground truth,
see `ground_truth_hash`."""


def summarise_dataset(dataset: Dataset) -> Summary:
    """Count the contents of a dataset; the annotations are enough.

    Every row counts once: an expression of `Dataset.videos()`, or one of `Dataset.unplaced()`. Durations, schemes and
    hash come from `Dataset.as_annotated()`, so they do not depend on the existing frames.

    Raises:
        DataError: the annotations are missing or cannot be read.
    """
    videos = dataset.videos()
    with_expressions = [video for video in videos if video.expressions]
    lost = dataset.unplaced()
    annotated = dataset.as_annotated()
    expressions = [e for video in annotated for e in video.expressions]
    rows = _kinds_and_labels(videos, lost)
    kinds = Counter(kind for kind, _ in rows)
    labels = _count_labels(rows)
    emotions = sorted(labels, key=lambda label: (-labels[label], label))
    folders = [str(folder) for folder in dataset.frame_folders()]
    return {
        "subjects": len(_annotated_subjects(dataset)),
        "videos": len(_annotated_videos(dataset, with_expressions, lost)),
        "expressions": {kind: kinds[kind] for kind in KINDS},
        "emotions": {label: labels[label] for label in emotions},
        "repairs": _plain_repairs(dataset),
        "emotions_by_kind": {kind: _emotions_of_kind(rows, kind, emotions) for kind in KINDS if kinds[kind]},
        "videos_with_frames": _count_with_frames(dataset, with_expressions),
        "first_without_frames": _first_without_frames(dataset, with_expressions),
        "folder_of_frames": folders[0] if folders else None,
        "other_folders_of_frames": folders[1:],
        "videos_without_expressions": len(videos) - len(with_expressions),
        "expressions_without_interval": len(lost),
        "durations_ms": _durations(annotated),
        "fps": _frame_rates(videos),
        "action_units": _action_units(expressions),
        "expressions_with_action_units": sum(bool(e.action_units) for e in expressions),
        "schemes": _counts_by_scheme(dataset.schemes, expressions),
        "unmapped_labels": unmapped_labels(labels, dataset.schemes.values()),
        "account": plain_accounts(accounts_of(dataset)),
        "hash": ground_truth_hash(annotated),
    }


def _kinds_and_labels(videos: Sequence[Video], lost: Sequence[Unplaced]) -> list[tuple[Kind, str | None]]:
    """Kind and native label of each annotated row. Those with an interval come first."""
    placed = [(e.kind, e.emotion) for video in videos for e in video.expressions]
    return placed + [(row.kind, row.emotion) for row in lost]


def _count_labels(rows: Iterable[tuple[Kind, str | None]]) -> Counter[str]:
    """Number of expressions by native label, in lower case."""
    return Counter(label.lower() for _, label in rows if label is not None)


def _frame_rates(videos: Sequence[Video]) -> list[float]:
    """The different frame rates of videos that have one, rising."""
    return sorted({video.fps for video in videos if video.fps})


def _plain_repairs(dataset: Dataset) -> list[dict[str, Any]]:
    """The repaired rows of the annotations as plain data, each with its sentence."""
    return [asdict(repair) | {"sentence": str(repair)} for repair in dataset.repair_rows()]


def _action_units(expressions: Sequence[Expression]) -> dict[str, int]:
    """Number of expressions that show each action unit, by rising unit."""
    units = Counter(unit for e in expressions for unit in shown_units(e.action_units))
    return {f"AU{unit}": n for unit, n in sorted(units.items())}


def _annotated_subjects(dataset: Dataset) -> set[SubjectKey]:
    """The subjects with an annotated expression."""
    dataset_id = str(getattr(dataset, "id", ""))
    placed = {video.subject_key for video in dataset.videos() if video.expressions}
    return placed | {SubjectKey(dataset_id, row.subject) for row in dataset.unplaced() if row.subject}


def _annotated_videos(dataset: Dataset, with_expressions: Sequence[Video], lost: Sequence[Unplaced]) -> set[str]:
    """Keys of the videos with an annotated expression, whether or not it has an interval."""
    dataset_id = str(getattr(dataset, "id", ""))
    placed = {video.key for video in with_expressions}
    return placed | {f"{dataset_id}/{row.subject}/{row.video}" for row in lost if row.video}


def _emotions_of_kind(rows: Iterable[tuple[Kind, str | None]], kind: Kind, order: Sequence[str]) -> dict[str, int]:
    """Number of expressions of a kind by label, in the given order of the labels."""
    of_kind = _count_labels((own, label) for own, label in rows if own == kind)
    return {label: of_kind[label] for label in order if of_kind[label]}


def _count_with_frames(dataset: Dataset, videos: Sequence[Video]) -> int | None:
    """Number of videos whose frames exist; None if the dataset can have none."""
    if not dataset.has_frames:
        return None
    return sum(video.n_frames is not None for video in videos)


def _first_without_frames(dataset: Dataset, videos: Sequence[Video]) -> str | None:
    """Why the first video without frames has none, in words.

    None where all have some, where the dataset can have none, and where a remark says it of all frames.
    """
    if not dataset.has_frames or not dataset.frame_folders():  # annotations alone, which was the user's choice
        return None
    if any(repair.column == "frames" for repair in dataset.repair_rows()):
        return None
    for video in videos:
        if video.n_frames is None:
            try:
                dataset.frames(video)
            except DataError as error:
                return str(error)
    return None


def _durations(videos: Sequence[Video]) -> dict[str, dict[str, float]]:
    """Number and range of the durations in ms, for each kind that has any."""
    found: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        ms = list[float]()
        for video in videos:
            if video.fps:
                ms += [1000 * e.length / video.fps for e in video.expressions if e.kind == kind]
        if ms:
            found[kind] = {
                "n": len(ms),
                "min": round(min(ms), 3),
                "median": round(median(ms), 3),
                "mean": round(fmean(ms), 3),
                "max": round(max(ms), 3),
            }
    return found


def _counts_by_scheme(
    schemes: Mapping[str, Scheme], expressions: Sequence[Expression]
) -> dict[str, dict[str, dict[str, int]]]:
    """The counts of each emotion scheme, by its name."""
    return {name: _scheme_counts(scheme, expressions) for name, scheme in schemes.items()}


def _scheme_counts(scheme: Scheme, expressions: Sequence[Expression]) -> dict[str, dict[str, int]]:
    """Micro-expressions by scored class, 0 included, and the labels that the scheme leaves out."""
    classes = dict.fromkeys(scheme.classes, 0)
    scored = Counter(scheme.class_of(e) for e in expressions if e.kind == "micro")
    classes |= {class_: n for class_, n in scored.items() if class_}
    return {"classes": classes, "left_out": dict(scheme.left_out(expressions).most_common())}


def summarise_members(members: Mapping[str, Dataset]) -> dict[str, Any]:
    """Plain data of a composite: sums over its members, then each summary under `members`.

    `people` are fewer than `subjects` if a person is in several members. `repairs` carry their member's name. Values
    that cannot be summed appear only in the members.
    """
    parts = {id_: summarise_dataset(dataset) for id_, dataset in members.items()}
    emotions = Counter[str]()
    for part in parts.values():
        emotions += Counter(part["emotions"])
    people = set[SubjectKey]()
    for dataset in members.values():
        people |= {dataset.person(subject) for subject in _annotated_subjects(dataset)}
    return {
        "subjects": sum(part["subjects"] for part in parts.values()),
        "people": len(people),
        "videos": sum(part["videos"] for part in parts.values()),
        "expressions": {kind: sum(part["expressions"][kind] for part in parts.values()) for kind in KINDS},
        "emotions": dict(emotions),
        "repairs": [{"dataset": id_} | repair for id_, part in parts.items() for repair in part["repairs"]],
        "fps": sorted({rate for part in parts.values() for rate in part["fps"]}),
        "members": parts,
    }
