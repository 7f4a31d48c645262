"""The leak guard: no person on two sides of a fold, under any id; and the audit of a run: which value saw which
subjects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mebench.account import Account
from mebench.annotations.accounting import accounts_of, unknown_labels
from mebench.annotations.copies import groups_of_copies, hash_of_pictures
from mebench.core import Dataset, Scheme, Timing, Video
from mebench.core.types import Fold
from mebench.errors import DataError, list_first
from mebench.finding import Finding
from mebench.output.terminal import format_count
from mebench.runner.inputs import describe_people
from mebench.runner.job import Access, MethodJob
from mebench.runner.plan import create_weightless
from mebench.runner.provenance import name_with_hash
from mebench.runner.run_data import Leak, RunData, class_counts
from mebench.runner.run_features import RunFeatures
from mebench.runs.access_text import SEATBELT
from mebench.sandbox.confinement import NO_VIEW, SEEN_BESIDE_SEATBELT, find_isolation, missing_sentence

if TYPE_CHECKING:
    from mebench.runs.folder import RunFolder

MOST_REPORTED = 3
"""Signs of a changed copy, and remarks on frames, that a run reports."""
_PRINTS: dict[Hashable, str] = {}
"""Hashes of frames that this process has read."""


def classes_without_training(data: RunData, scheme: Scheme | None = None) -> dict[str, Counter[str]]:
    """For each fold the tested classes without training clips, with their numbers of clips: these can only be answered
    wrongly.
    """
    scheme = scheme or data.scheme
    missing = {}
    for fold in data.folds:
        sides = data.split_videos(fold)
        trained = class_counts(scheme, sides.train)
        tested = class_counts(scheme, sides.test)
        missing[fold.key] = Counter({name: n for name, n in tested.items() if name not in trained})
    return {key: lacking for key, lacking in missing.items() if lacking}


def find_run_warnings(data: RunData, access: Access) -> list[Finding]:
    """Warnings about data and folds: missing parts of a copy, classes that cannot be learnt, data other than the
    protocol's.
    """
    sentences = [
        *_altered_rows(data.dataset),
        *_lost_expressions(data.dataset),
        *_missing_isolation(access),
        *_known_leaks(data),
    ]
    if "recognize" in data.task.tasks:
        sentences += [str(finding) for finding in unknown_labels(data.dataset)]
        sentences += [*_untrained_classes(data), *_unpublished_data(data)]
    return [Finding("warning", "", sentence) for sentence in sentences]


def find_frame_warnings(features: RunFeatures) -> list[Finding]:
    """Warnings about the frames of a run: the first ones, and the number of the others."""
    notes = features.notes_on_frames
    found = [Finding("warning", "", str(note)) for note in notes[:MOST_REPORTED]]
    if len(notes) > MOST_REPORTED:
        more = f"{format_count(len(notes) - MOST_REPORTED, 'more remark')} on frames: mebench data verify lists them"
        found.append(Finding("warning", "", more))
    return found


def accounts_of_data(data: RunData) -> list[Account]:
    """What the data of a run hold, and what is used: expressions and files, and clips of the emotion scheme."""
    accounts = accounts_of(data.dataset)
    if "recognize" in data.task.tasks:
        n_scored = sum(len(data.scheme.scored(video)) for video in data.videos)
        accounts.append(account_of_clips(data.scheme.name, n_scored, data.left_out()))
    return accounts


def account_of_clips(scheme: str, n_scored: int, left_out: Mapping[str, int]) -> Account:
    """The account of annotated clips: those with a scored class, and the others by label."""
    account = Account("recognition")
    account.hold("clip", n_scored + sum(left_out.values()))
    for label, n in left_out.items():
        account.leave_out("clip", n, f"the scheme {scheme!r} has no class for the label {label!r}")
    return account


def _altered_rows(dataset: Dataset) -> list[str]:
    """The first signs that this copy was changed."""
    return [str(repair) for repair in dataset.repair_rows() if repair.altered][:MOST_REPORTED]


def _lost_expressions(dataset: Dataset) -> Iterator[str]:
    """Expressions that lie in no existing frames."""
    lost = dataset.unplaced()
    if lost:
        of = len(lost) + sum(len(video.expressions) for video in dataset.videos())
        yield (
            f"{len(lost)} of {format_count(of, 'expression')} lie in no existing frames and are neither trained nor "
            f"scored on, such as row {lost[0].row} of {lost[0].subject}/{lost[0].video}: {lost[0].reason}. mebench "
            "data verify lists them"
        )


def _missing_isolation(access: Access) -> Iterator[str]:
    """Parts of the sandbox that are off or missing, and what methods ask to read."""
    if access.sandbox == "off":
        yield "sandbox=off: a method of this run could read any file and process of this machine"
        return
    isolation = access.isolation or find_isolation()
    missing = missing_sentence(isolation.lacks, isolation.reason)
    if missing:
        yield missing
    elif isolation.by == SEATBELT:
        yield SEEN_BESIDE_SEATBELT
    elif not access.view:
        yield NO_VIEW
    for files in access.methods:
        if files.declared:
            places = list_first([name_with_hash(place) for place in files.declared], MOST_REPORTED)
            yield f"{files.plugin.id!r} asks to read more than code in its folds: {places}"


def _known_leaks(data: RunData) -> Iterator[str]:
    """Uses of tested subjects that the settings or the protocol allow."""
    if data.leak is not None:
        by = ", and ".join(_leaking_choices(data, data.leak))
        by = by or "the tested subjects are available, though this method uses nothing of them"
        yield f"audit={data.leak.audit}: {by}: no result of this run says how good the method is on new people"
    if data.subject_dependent:
        yield (
            f"subject_dependent: protocol {data.protocol.name} tests people whom it trains on, so scores are too high for new ones"
        )


def _leaking_choices(data: RunData, leak: Leak) -> Iterator[str]:
    """Choices of a leaking run that the tested subjects shape."""
    spots = "spot" in data.task.tasks
    if spots and leak.shapes_k_prime:
        yield "k' is that of all subjects"
    if data.selects:
        yield "choices are made on tested subjects"
    elif leak.trains:
        best = "the epoch" if leak.shapes_k_prime or not spots else "epoch and threshold"
        yield f"each training keeps {best} that tested best"


def _untrained_classes(data: RunData) -> Iterator[str]:
    """Tested classes without a training clip, and the emotion schemes that have no such gap."""
    missing = classes_without_training(data)
    if not missing:
        return
    fold, lacking = next(iter(missing.items()))
    clips = "; ".join(f"{name}, {format_count(n, 'clip')}" for name, n in sorted(lacking.items()))
    yield (
        f"in {len(missing)} of {len(data.folds)} folds a tested class has no training clip, so its clips cannot be "
        f"classified correctly (fold {fold!r}: {clips}); {_advice_on_classes(data)}"
    )


def _advice_on_classes(data: RunData) -> str:
    """The schemes under which folds train all tested classes, else other advice."""
    others = [scheme for scheme in data.dataset.schemes.values() if scheme != data.scheme]
    if callable(data.protocol.scheme):  # the protocol decides
        others = []
    full = [s.name for s in others if len(class_counts(s, data.videos)) > 1 and not classes_without_training(data, s)]
    return f"scheme={' or scheme='.join(full)} has no such gap" if full else "more subjects would close the gap"


def _unpublished_data(data: RunData) -> Iterator[str]:
    """Numbers of clips and subjects other than those that the protocol is published on."""
    expected = data.protocol.schemes.get(data.scheme.name) or data.protocol.expects(data.protocol_params)
    if not expected:
        return
    n_clips = class_counts(data.scheme, data.videos).total()
    n_subjects = len({data.dataset.person(video.subject_key) for video in data.videos})
    if (n_clips, n_subjects) != expected:
        yield (
            f"protocol {data.protocol.name} is published on {expected[0]} clips of {expected[1]} subjects, and this dataset has "
            f"{n_clips} of {n_subjects}: not comparable with published results"
        )


def check_duplicate_people(features: RunFeatures, dataset_params: Mapping[str, Any]) -> None:
    """Refuse one recording under two subjects of different sides: the first and the middle frame are equal, pixel for
    pixel.

    Ready-made features are compared where a dataset has no frames; recordings with missing frames are passed over.
    Copies within one subject are allowed unless a fold splits the subject's videos, and so are two ids that the
    protocol itself treats as one person.

    Args:
        features: features of the run, with its data.
        dataset_params: the `Params` of each dataset, by its id.

    Raises:
        DataError: there is one: a model would have seen a tested person.
    """
    data = features.data
    for copies in groups_of_copies(data.videos, partial(_fingerprint, features, dataset_params)):
        if data.protocol.subject_dependent and len({video.dataset for video in copies}) == len(copies):
            continue  # one person in several recordings
        for fold in data.folds:
            train, valid, test = fold.split(copies)
            if test and (train or valid):
                raise DataError(
                    f"{(*train, *valid)[0].key} and {test[0].key} are one recording under two names, and fold {fold.key!r} trains on "
                    "one and tests the other: leave one of them out of the dataset, or give both the same subject"
                )


def _fingerprint(features: RunFeatures, dataset_params: Mapping[str, Any], video: Video, middle: bool) -> str | None:
    """Hash of a video's frame or ready-made features; None if it has neither. Runs of a sweep share it while the files
    are unchanged.
    """
    dataset, _ = features.data.find_home(video)
    ready = [dataset.provided(video, chain.name) for chain in features.chains_of(video)]
    if ready_made := [np.asarray(feature) for feature in ready if feature is not None]:
        return hash_of_pictures(ready_made)
    try:
        frames = dataset.frames(video)
        key = (tuple(dataset_params.items()), video.key, frames.fingerprint(), middle)
        if key not in _PRINTS:
            _PRINTS[key] = hash_of_pictures([frames[len(frames) // 2 if middle else 0]])
    except (DataError, IndexError):
        return None
    return _PRINTS[key]


FILE = "audit.json"


@dataclass(frozen=True)
class AuditedRun:
    """The parts of a run that its audit tells.

    Attributes:
        data: data of the run.
        methods: the method, or the spotter and the recognizer.
        settings: the settings of `method` and `recognizer`, as stored.
        selection: see `Plan`.
        transductive: see `Plan`.
    """

    data: RunData
    methods: Sequence[MethodJob]
    settings: Mapping[str, Any]
    selection: str
    transductive: str


def write_audit(folder: RunFolder, run: AuditedRun, *more: Mapping[str, Any]) -> None:
    """Write `audit.json` when all folds are finished.

    It holds `selection`, `transductive`, `subject_dependent` and `switch` (`guard` or `leak`) of the run; `sides`: for each
    fold the number and a hash of the subjects on each side (their names are in `folds.json`); and `values`: for each value that shapes
    predictions its name, what it `saw` (`nobody`, `train`, `valid`, `train+valid`, `test`, `all`, or `video`: the tested
    video itself, without labels) and the value, for all folds or by fold.

    Args:
        folder: folder of the run.
        run: the run.
        more: further values.

    Raises:
        RunError: the record of a fold is missing or damaged.
    """
    records = {fold.key: folder.fold_record(fold.key) for fold in run.data.folds}
    if elsewhere := {key: record["trained_in"] for key, record in records.items() if record.get("trained_in")}:
        trained = {"name": "the run whose frame scores and weights these are", "saw": "train", "folds": elsewhere}
        more = (trained, *more)
    audit = audit_of(run, {key: record.get("notes") or {} for key, record in records.items()})
    folder.write_json(FILE, {**audit, "values": [*audit["values"], *more]})


def audit_of(run: AuditedRun, notes: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The content of `audit.json`.

    Args:
        run: the run.
        notes: for each fold the notes of its method, such as a learnt threshold.
    """
    data = run.data
    values = _timing_values(data)
    for name, part in zip(("method", "recognizer"), run.methods):
        values += _method_values(data, name, part, run.settings[name])
    values += _noted_values(data, notes)
    if run.transductive != "none":
        values.append(_transductive_value(run.transductive))
    return {
        "selection": run.selection,
        "transductive": run.transductive,
        "subject_dependent": data.subject_dependent,
        "switch": "guard" if data.leak is None else data.leak.audit,
        "sides": {fold.key: _sides_of(data, fold) for fold in data.folds},
        "values": values,
    }


def _sides_of(data: RunData, fold: Fold) -> dict[str, dict[str, Any]]:
    """Number and hash of the subjects on each side of a fold."""
    sides = {
        "train": data.training_subjects(fold),
        "valid": fold.valid if data.selects else (),
        "test": fold.test,
    }
    return {side: describe_people(subjects) for side, subjects in sides.items()}


def _timing_values(data: RunData) -> list[dict[str, Any]]:
    """The gap k and, where the run spots, k' of each fold; and who set them."""
    timings = {fold.key: data.find_timings(fold) for fold in data.folds}
    values: list[dict[str, Any]] = []
    gap_of = {}
    for timing_of in timings.values():
        for group, timing in timing_of.items():
            if timing.fps:
                gap_of[group] = _duration(timing.k, timing)
    if gap_of:
        values.append({"name": "k", "saw": "nobody", "value": gap_of})
    if "spot" in data.task.tasks:
        lengths = {
            key: {group: _half_lengths(timing) for group, timing in timing_of.items()}
            for key, timing_of in timings.items()
        }
        values.append({"name": "k_prime", "saw": "all" if data.leaks_k_prime else "train", "folds": lengths})
    return values


def _half_lengths(timing: Timing) -> dict[str, dict[str, Any]]:
    """K' of each kind, as durations."""
    return {kind: _duration(frames, timing) for kind, frames in timing.k_prime.items()}


def _method_values(data: RunData, name: str, part: MethodJob, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A method's parameters, weights and choice of epoch, each with the people that set it."""
    method = create_weightless(part)
    values: list[dict[str, Any]] = [{"name": f"{name} parameters", "saw": "nobody", "value": settings}]
    if learnt := sorted(method.state_dict()):
        values.append({"name": f"{name} weights and statistics", "saw": "train", "value": learnt})
    stages = method.stages()
    if method.holds_out(part.params):
        values.append({"name": f"choices of the {name}", "saw": "test" if data.leak else "valid", "value": None})
    elif stages and data.leak and not data.selects:
        epochs = {"best of epochs": {stage.name: stage.epochs for stage in stages}}
        values.append({"name": f"{name} epoch", "saw": "test", "value": epochs})
    return values


def _noted_values(data: RunData, notes: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """What methods noted in each fold. It may come from held-out people, where some are held out."""
    saw = "train"
    if data.selects:
        saw = "all" if data.leak else "train+valid"
    values = []
    for name in sorted({name for of_fold in notes.values() for name in of_fold}):
        noted = {key: of_fold[name] for key, of_fold in notes.items() if name in of_fold}
        values.append({"name": name, "saw": saw, "folds": noted})
    return values


def _transductive_value(saw: str) -> dict[str, Any]:
    """What the run takes from tested videos without their labels."""
    what = "threshold or normalisation of a tested video"
    if saw == "database":
        what = "features of all tested clips, unlabelled"
    return {"name": what, "saw": saw, "value": None}


def _duration(frames: int, timing: Timing) -> dict[str, Any]:
    """In frames and in milliseconds."""
    return {"frames": frames, "ms": round(1000 * frames / timing.fps, 3) if timing.fps else None}
