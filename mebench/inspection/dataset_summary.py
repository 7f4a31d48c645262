"""The datasets that a configuration names."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from operator import itemgetter
from pathlib import Path
from statistics import fmean, median
from typing import Any

from mebench.annotations import SheetDataset, ground_truth_hash, shown_units
from mebench.config import RunConfig, flatten, from_plain, load, plugins
from mebench.core import KINDS, Dataset, Kind, Repair, SubjectKey
from mebench.errors import DataError, PluginError
from mebench.exchange.text_table import File
from mebench.features import FaceParams, find_predictor, how_to_get
from mebench.grouping import grouped


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
    found = list[tuple[int, SheetDataset]]()
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
                found.append((len(name.replace("*", "")) or 1000, dataset))
    yield from (dataset for _, dataset in sorted(found, key=lambda fit: fit[0], reverse=True))


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
    found, said = list[RunConfig](), set[str]()
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
                if has_frames(dataset) and (of_all_frames or type(dataset).landmarks is Dataset.landmarks)
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
            if missing not in said:
                said.add(missing)
                notify(f"{missing}: {key}={value} is used instead, and the results say so. {how_to_get('', part)}")
        found.append(settled)
    return found


def has_frames(dataset: Dataset) -> bool:
    """Whether the dataset can have frames; some contain only ready-made features."""
    return type(dataset).frames is not Dataset.frames


@dataclass(frozen=True)
class Summary:
    """The contents of a dataset.

    Attributes:
        hash: of the ground truth, see `ground_truth_hash`.
        people: the people with an annotated expression, by identity across datasets (`Dataset.person`).
        subjects: number of the subjects with an annotated expression.
        videos: videos with an annotated expression.
        with_frames: the number of these with frames here; None if the dataset can have none.
        folders: the folder with the frames, then other folders with frames of these videos, which are not read.
        without_expressions: further videos in the folders without an annotated frame.
        expressions: number by kind, all rows.
        emotions: native label, lower case -> number by kind, the most frequent first.
        without_interval: rows among them without a usable interval.
        durations_ms: by kind, for expressions with an interval and a frame rate: their number `n`, and `min`, `median`,
            `mean` and `max` of their duration (frames, both ends counted, over frames per second); kinds without any
            are absent.
        fps: the distinct frame rates, rising.
        action_units: number of expressions that show each unit, by its number, for any side and intensity; an
            annotation in doubt between two counts for both.
        with_units: expressions for which action units are annotated.
        schemes: by name: under `classes` micro-expressions by scored class, in the scheme's order, including 0; under
            `left_out` native labels and the number of micro-expressions that the scheme does not score, by label or as
            an exception.
        unmapped: native labels that no scheme by emotion scores, and their number.
        repairs: repaired or marked rows of the annotations.
    """

    hash: str
    people: frozenset[SubjectKey]
    subjects: int
    videos: int
    with_frames: int | None
    folders: tuple[str, ...]
    without_expressions: int
    expressions: Mapping[Kind, int]
    emotions: Mapping[str, Mapping[Kind, int]]
    without_interval: int
    durations_ms: Mapping[Kind, Mapping[str, float]]
    fps: tuple[float, ...]
    action_units: Mapping[int, int]
    with_units: int
    schemes: Mapping[str, Mapping[str, Mapping[str, int]]]
    unmapped: Mapping[str, int]
    repairs: tuple[Repair, ...]

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON; `emotions` are counts over all kinds."""
        by_kind = {
            kind: {label: n[kind] for label, n in self.emotions.items() if n[kind]}
            for kind in KINDS
            if self.expressions[kind]
        }
        return {
            "subjects": self.subjects,
            "videos": self.videos,
            "expressions": dict(self.expressions),
            "emotions": {label: sum(n.values()) for label, n in self.emotions.items()},
            "repairs": [asdict(repair) | {"sentence": str(repair)} for repair in self.repairs],
            "emotions_by_kind": by_kind,
            "videos_with_frames": self.with_frames,
            "folder_of_frames": self.folders[0] if self.folders else None,
            "other_folders_of_frames": list(self.folders[1:]),
            "videos_without_expressions": self.without_expressions,
            "expressions_without_interval": self.without_interval,
            "durations_ms": dict(self.durations_ms),
            "fps": list(self.fps),
            "action_units": {f"AU{unit}": n for unit, n in self.action_units.items()},
            "expressions_with_action_units": self.with_units,
            "schemes": dict(self.schemes),
            "unmapped_labels": dict(self.unmapped),
            "hash": self.hash,
        }


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
    named_rows = grouped(((kind, label.lower()) for kind, label in rows if label is not None), key=itemgetter(1))
    labels = {label: Counter(kind for kind, _ in some) for label, some in named_rows.items()}
    own = str(getattr(dataset, "id", ""))
    shown = [video for video in videos if video.expressions]
    subjects = {v.subject_key for v in shown} | {SubjectKey(own, row.subject) for row in lost if row.subject}
    named = {v.key for v in shown} | {f"{own}/{row.subject}/{row.video}" for row in lost if row.video}
    expressions = [e for video in annotated for e in video.expressions]
    by_emotion = [scheme for scheme in dataset.schemes.values() if scheme.by == "emotion"]
    lasting = {
        kind: [1000 * e.length / v.fps for v in annotated if v.fps for e in v.expressions if e.kind == kind]
        for kind in KINDS
    }
    schemes = {}
    for name, scheme in dataset.schemes.items():
        classes = Counter(scheme.class_of(e) for e in expressions if e.kind == "micro")
        schemes[name] = {
            "classes": {class_: classes[class_] for class_ in scheme.classes},
            "left_out": dict(scheme.left_out(expressions).most_common()),
        }
    return Summary(
        hash=ground_truth_hash(annotated),
        people=frozenset(map(dataset.person, subjects)),
        subjects=len(subjects),
        videos=len(named),
        with_frames=sum(v.n_frames is not None for v in shown) if has_frames(dataset) else None,
        folders=tuple(map(str, dataset.frame_folders())),
        without_expressions=len(videos) - len(shown),
        expressions={kind: kinds[kind] for kind in KINDS},
        emotions={label: labels[label] for label in sorted(labels, key=lambda label: (-labels[label].total(), label))},
        without_interval=len(lost),
        durations_ms={
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
        fps=tuple(sorted({video.fps for video in videos if video.fps})),
        action_units=dict(sorted(Counter(unit for e in expressions for unit in shown_units(e.action_units)).items())),
        with_units=sum(bool(e.action_units) for e in expressions),
        schemes=schemes,
        unmapped={
            label: n.total() for label, n in labels.items() if all(scheme.index(label) is None for scheme in by_emotion)
        },
        repairs=tuple(dataset.repair_rows()),
    )


def together(members: Mapping[str, Summary]) -> dict[str, Any]:
    """Plain data of a composite: sums over its members, then each of them under `members`.

    `people` are fewer than `subjects` if a person is in several members. `repairs` carry their member's name. Values
    that cannot be summed appear only in the members.
    """
    parts = {id_: summary.plain() for id_, summary in members.items()}
    return {
        "subjects": sum(part["subjects"] for part in parts.values()),
        "people": len(people_of(members)),
        "videos": sum(part["videos"] for part in parts.values()),
        "expressions": {kind: sum(part["expressions"][kind] for part in parts.values()) for kind in KINDS},
        "emotions": dict(sum((Counter(part["emotions"]) for part in parts.values()), Counter[str]())),
        "repairs": [{"dataset": id_} | repair for id_, part in parts.items() for repair in part["repairs"]],
        "fps": sorted({rate for part in parts.values() for rate in part["fps"]}),
        "members": parts,
    }


def people_of(members: Mapping[str, Summary]) -> frozenset[SubjectKey]:
    """The people in the members of a composite; a person in several members counts once."""
    return frozenset[SubjectKey]().union(*(summary.people for summary in members.values()))
