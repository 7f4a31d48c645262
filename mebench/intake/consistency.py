"""Checks that a record agrees with itself: folds with protocol, key with settings, shares with answers, costs with
models, audit with selection.

Nothing is scored here. Invented answers that fit everything else are found only by running the method again.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from mebench.config.settings import shaping_part
from mebench.core import Expression, Kind, SubjectKey, Video
from mebench.errors import MebenchError
from mebench.metrics import label_sets
from mebench.protocols import PROTOCOLS, People
from mebench.records.costs import COSTS
from mebench.records.record_files import minutes_of
from mebench.records.recorded_settings import dataset_in_words
from mebench.records.schema import AUDIT, FOLDS, RefusedError, read_record_file
from mebench.runner.inputs import describe_people, short_hash
from mebench.runs.access_text import SEATBELT
from mebench.runs.folder import RunFolder

CLASS_COLUMNS = {"predictions.parquet": "emotion", "clips.parquet": "predicted"}
"""The tables of answers, and the column of each with the class."""
ROUNDED = 0.0006
"""Seconds by which a cost may differ from the measured value: costs have three decimals."""
EQUAL_SHARES = 1e-6
"""Relative difference up to which two shares may be equal in float32."""
LEAST_SECONDS = 0.001
"""Least seconds of training in epochs a fold; the fastest on the committed boards takes a thousand times as long."""
BYTES_OF_WEIGHT = 2
"""Least memory of a process that holds the weights."""


def check_consistency(folder: RunFolder, stored: Mapping[str, Any]) -> None:
    """Refuse a record that contradicts itself.

    Args:
        folder: the record's folder; types and hashes of its files have been checked.
        stored: its `record.json`.

    Raises:
        RunError: names the contradiction.
    """
    about = read_record_file(folder, FOLDS)
    config = stored["config"]
    audit = read_record_file(folder, AUDIT) if AUDIT in stored["files"] else {}
    videos, truths = folder.read_table("videos.parquet"), folder.read_table("truth.parquet")
    answers = {name: folder.read_table(name) for name in CLASS_COLUMNS}
    contradictions = chain(
        _odd_folds(config, about, videos, truths, answers),
        *(_odd_shares(table, name, about["classes"]) for name, table in answers.items()),
        _odd_costs(stored["costs"], config, about, audit, videos),
        _odd_audit(config, about, audit),
        _odd_isolation(config, stored.get("isolation", {})),
        _odd_key(stored),
    )
    first = next(contradictions, None)
    if first is not None:
        raise RefusedError(folder, first)


class FoldSides(NamedTuple):
    """The people of a fold.

    Attributes:
        tested: subjects that it tests.
        training: subjects that train or validate.
        videos: tested videos, if they are not all videos of a person.
    """

    tested: set[str]
    training: set[str]
    videos: set[str]


def _odd_folds(
    config: Mapping[str, Any],
    about: Mapping[str, Any],
    videos: pd.DataFrame,
    truths: pd.DataFrame,
    answers: Mapping[str, pd.DataFrame],
) -> Iterator[str]:
    """People who are not on the protocol's side of a fold, and answers about others."""
    yield from _odd_datasets(config, videos)
    if about["protocol"] != config["protocol"]:
        yield f"its folds are those of protocol {about['protocol']!r}, but it ran under {config['protocol']!r}"
    folds = _sides_of_folds(about)
    person_of_video = videos.get("person", videos["subject"])
    persons = {**dict(zip(videos["subject"], person_of_video)), **about.get("persons", {})}
    if not about.get("subject_dependent"):
        yield from _odd_sides(folds, persons)
    yield from _odd_answers(folds, videos, answers)
    redrawn = redraw_folds(config, about, videos, truths, persons)
    if redrawn is not None and redrawn != folds:
        odd = min(key for key in folds.keys() | redrawn.keys() if folds.get(key) != redrawn.get(key))
        recorded = _sides_in_words(folds.get(odd))
        by_protocol = _sides_in_words(redrawn.get(odd))
        yield f"fold {odd!r} is not that of protocol {about['protocol']}: here it {recorded}, and by the protocol it {by_protocol}"


def _odd_datasets(config: Mapping[str, Any], videos: pd.DataFrame) -> Iterator[str]:
    """Videos of a dataset on which it did not run."""
    words = dataset_in_words(config["dataset"]).split("+")
    named = {word.partition(":")[0] for word in words}  # slow:synthetic is called slow
    recorded = set(videos["dataset"])
    others = recorded - named
    if recorded & named and others:
        yield f"its videos are of {' and '.join(sorted(others))} too, and it ran on {' and '.join(sorted(named))}"


def _sides_of_folds(about: Mapping[str, Any]) -> dict[str, FoldSides]:
    """The people on each side of each fold."""
    sides = {}
    for fold in about["folds"]:
        training = {*fold["train"], *fold["valid"]}
        sides[fold["fold"]] = FoldSides(set(fold["test"]), training, set(fold.get("videos", ())))
    return sides


def _odd_sides(folds: Mapping[str, FoldSides], persons: Mapping[str, str]) -> Iterator[str]:
    """Folds that train on a tested person."""
    for name, sides in folds.items():
        tested = {persons.get(subject, subject) for subject in sides.tested}
        trained_on = {persons.get(subject, subject) for subject in sides.training}
        if tested & trained_on:
            yield f"subjects of fold {name!r} are both trained on and tested"


def _odd_answers(
    folds: Mapping[str, FoldSides], videos: pd.DataFrame, answers: Mapping[str, pd.DataFrame]
) -> Iterator[str]:
    """Answers of a fold for somebody whom it does not test."""
    subject_of = dict(zip(videos["video"].tolist(), videos["subject"].tolist()))
    for table, rows in answers.items():
        folds_and_videos = zip(rows["fold"].tolist(), rows["video"].tolist())
        for name, video in dict.fromkeys(folds_and_videos):
            if name not in folds or subject_of.get(video) not in folds[name].tested:
                yield f"{table} answers for {video!r} in fold {name!r}, which does not test its subject"


def _sides_in_words(sides: FoldSides | None) -> str:
    """How many people a fold tests and trains on; None is a missing fold."""
    if sides is None:
        return "is not there"
    return f"tests {len(sides.tested)} and trains on {len(sides.training)}"


def redraw_folds(
    config: Mapping[str, Any],
    about: Mapping[str, Any],
    videos: pd.DataFrame,
    truths: pd.DataFrame,
    persons: Mapping[str, str],
) -> dict[str, FoldSides] | None:
    """The folds of a record's protocol, drawn again from its people, by name; validation subjects are drawn elsewhere.

    Returns:
        None if the record lacks what the folds depend on: the protocol is unknown, follows the authors' split, or draws
        among people whose videos are not tested.
    """
    name = str(config["protocol"])
    protocol = PROTOCOLS.get(name)
    if protocol is None:
        return None
    values = {key.partition(".")[2]: value for key, value in config.items() if key.startswith("protocol.")}
    if "train_people" in values:  # they are drawn among all people with a seed
        return None
    people = _people_of_record(about, videos, truths, persons)
    try:
        params = TypeAdapter[Any](protocol.params).validate_python(values)
        draws_among_untested = people.others and getattr(params, "share", None) is not None
        return None if draws_among_untested else _draw_folds(name, params, people)
    except _UnknownError:
        return None
    except (MebenchError, ValidationError):  # the protocol allows no folds of these people
        return {}


class _People(NamedTuple):
    """The people of a record and their videos.

    Attributes:
        tested: video and subject of each tested video.
        others: subjects who only train.
        persons: the person behind each subject that has one.
        truths: video, kind, onset, offset and emotion of each expression.
        datasets: ids of the datasets.
        one_per_video: whether videos are short, with one expression each.
    """

    tested: tuple[tuple[str, str], ...]
    others: frozenset[str]
    persons: tuple[tuple[str, str], ...]
    truths: tuple[tuple[str, Kind, int, int, Any], ...]
    datasets: frozenset[str]
    one_per_video: bool


def _people_of_record(
    about: Mapping[str, Any], videos: pd.DataFrame, truths: pd.DataFrame, persons: Mapping[str, str]
) -> _People:
    """The people of a record, hashable; arguments as in `redraw_folds`."""
    subject_of = dict(zip(videos["video"].tolist(), videos["subject"].tolist()))
    training = {subject for fold in about["folds"] for subject in (*fold["train"], *fold["valid"])}
    columns = [truths[name].tolist() for name in ("video", "kind", "onset", "offset", "emotion")]
    return _People(
        tested=tuple(subject_of.items()),
        others=frozenset(training - set(subject_of.values())),
        persons=tuple(persons.items()),
        truths=tuple(zip(*columns)),
        datasets=frozenset(videos["dataset"]),
        one_per_video=bool(about.get("one_per_video")),
    )


@lru_cache(maxsize=16)  # the records of a table have the same people
def _draw_folds(protocol: str, params: Any, people: _People) -> dict[str, FoldSides]:
    """The sides of each fold of a protocol."""
    by_video = defaultdict[str, list[Expression]](list)
    for video, kind, onset, offset, emotion in people.truths:
        native = emotion if isinstance(emotion, str) else None
        by_video[video].append(Expression(onset, offset, kind, emotion=native))
    videos = [
        Video(*_key(subject), video.removeprefix(f"{subject}/"), None, None, tuple(by_video[video]))
        for video, subject in people.tested
    ]
    videos += [Video(*_key(subject), "", None, None) for subject in people.others]
    person_of = dict(people.persons)
    unvalidated = _Unvalidated(
        videos,
        person=lambda subject: _key(person_of.get(str(subject), str(subject))),
        short=dict.fromkeys(people.datasets, people.one_per_video),
        split=_unknown,
        class_of=lambda expression: expression.emotion,
    )
    sides = {}
    for fold in PROTOCOLS[protocol].make(unvalidated, params):
        training = (*fold.train, *fold.valid)
        sides[fold.key] = FoldSides({*map(str, fold.test)}, {*map(str, training)}, set(fold.videos))
    return sides


class _Unvalidated(People):
    """People without a validating part: a record does not name it, and drawing it takes most of the time."""

    def draw_persons(self, persons: Collection[SubjectKey], n: int, *purpose: object) -> list[SubjectKey]:
        """Nobody: no part validates."""
        return []


class _UnknownError(Exception):
    """The authors' own split of a dataset, which a record does not contain."""


def _unknown(subject: SubjectKey) -> str:
    """Refuse to say a subject's part of an authors' split."""
    raise _UnknownError


def _key(subject: str) -> SubjectKey:
    """The key of a subject `dataset/id`."""
    dataset, _, id_ = subject.partition("/")
    return SubjectKey(dataset, id_)


def _odd_shares(table: pd.DataFrame, name: str, classes: list[str]) -> Iterator[str]:
    """An answer that differs from the class with the largest share."""
    rows = table[table["probabilities"].notna()]
    answers = rows[CLASS_COLUMNS[name]]
    if not len(rows) or label_sets.are_sets(answers):  # a set of classes need not have the largest share
        return
    shares = np.stack(rows["probabilities"].tolist())
    if len(set(classes)) < len(classes) or shares.shape[1] != len(classes):
        yield f"{name} holds {shares.shape[1]} shares of each answer, and folds.json names {len(set(classes))} classes"
    place = pd.Index(classes).get_indexer(pd.Index(answers))
    most = shares.max(axis=1)
    is_unknown = place < 0
    is_first_of_largest = shares.argmax(axis=1) == place
    is_smaller = shares[np.arange(len(shares)), place] < most - EQUAL_SHARES * abs(most)
    are_all_equal = shares.min(axis=1) == most
    odd = is_unknown | ~is_first_of_largest & (is_smaller | are_all_equal)
    if odd.any():
        video = rows["video"][odd].iloc[0]
        answer = answers[odd].iloc[0]
        yield f"{name} answers {answer!r} for {video!r}, whose share is not the largest"


def _odd_costs(
    costs: Mapping[str, Any],
    config: Mapping[str, Any],
    about: Mapping[str, Any],
    audit: Mapping[str, Any],
    videos: pd.DataFrame,
) -> Iterator[str]:
    """Impossible costs: training without time or weights, more weights than memory, or digits that no run writes."""
    for name, cost in COSTS.items():
        if name in costs and round(costs[name], cost.decimals) != costs[name]:
            yield _impossible_cost(name, costs)
    minutes = minutes_of(videos)
    per_minute = 1 / minutes if minutes else 0.0
    rate = costs["predict_seconds"] * per_minute
    tolerance = ROUNDED * (1 + per_minute)  # rate and seconds are both rounded
    if abs(costs.get("predict_per_minute", rate) - rate) > tolerance:
        yield _impossible_cost("predict_per_minute", costs)
    if _has_epochs(config) and costs["fit_seconds"] < LEAST_SECONDS * len(about["folds"]):
        yield _impossible_cost("fit_seconds", costs)
    if costs["parameters"] < _fewest_parameters(config, about, audit) or _exceeds_memory(costs):
        yield _impossible_cost("parameters", costs)


def _fewest_parameters(config: Mapping[str, Any], about: Mapping[str, Any], audit: Mapping[str, Any]) -> int:
    """The least number of parameters: one for each class of a trained recognizer, one if anything was learnt, else 0."""
    is_trained = _has_epochs(config)
    has_learnt = any(value["name"].endswith("weights and statistics") for value in audit.get("values", ()))
    fewest = 1 if is_trained or has_learnt else 0
    names_classes = is_trained and "recognize" in about["tasks"] and not config.get("recognizer")
    return max(fewest, len(about["classes"])) if names_classes else fewest


def _has_epochs(config: Mapping[str, Any]) -> bool:
    """Whether a setting such as `method.epochs` lets a network train."""
    epochs = [value for key, value in config.items() if key.endswith("epochs")]
    return any(value for value in epochs if isinstance(value, int))


def _exceeds_memory(costs: Mapping[str, Any]) -> bool:
    """Whether the weights need more memory than the run used, if that is known."""
    memory = costs.get("peak_memory_mib")
    return memory is not None and BYTES_OF_WEIGHT * costs["parameters"] > memory * 2**20


def _impossible_cost(name: str, costs: Mapping[str, Any]) -> str:
    """The reason for refusing a cost."""
    return f"{name} of costs is {costs[name]}, which is impossible for this run"


def _odd_audit(config: Mapping[str, Any], about: Mapping[str, Any], audit: Mapping[str, Any]) -> Iterator[str]:
    """A guarded run that selected on tested people."""
    switch = str(config.get("audit", "guard"))
    selection = audit.get("selection") or about.get("selection")
    saw_tested = [value["name"] for value in audit.get("values", ()) if value["saw"] in ("test", "all")]
    if audit.get("switch", switch) != switch:
        yield f"it ran under audit={switch}, but its audit is of {audit['switch']}"
    if about.get("selection", selection) != selection:
        yield f"folds.json says selection: {about['selection']}, but its audit says {selection}"
    if (switch != "guard" or saw_tested) and selection != "test":
        shaped = saw_tested[0] if saw_tested else f"a run of audit={switch}"
        yield f"tested people shaped {shaped}, but it says selection: {selection}"
    if "sides" in audit:
        yield from _odd_people_of_audit(about["folds"], audit["sides"])


def _odd_people_of_audit(folds: Sequence[Mapping[str, Any]], sides: Mapping[str, Any]) -> Iterator[str]:
    """Folds with other people than the audit."""
    for fold in folds:
        for side in ("train", "valid", "test"):
            if sides.get(fold["fold"], {}).get(side) != describe_people(fold[side]):
                yield f"its audit is of other people than fold {fold['fold']!r} has in {side}"


def _odd_isolation(config: Mapping[str, Any], isolation: Mapping[str, Any]) -> Iterator[str]:
    """Folds that were isolated otherwise than their run asked for."""
    if not isolation:
        return
    setting = config.get("sandbox", isolation["asked"])
    if isolation["asked"] != setting:
        yield f"it ran under sandbox={setting}, but its isolation is of sandbox={isolation['asked']}"
    if setting == "off" and not isolation["lacks"]:
        yield "it ran under sandbox=off, but says that its folds were isolated"
    if setting == "on" and isolation["lacks"]:
        yield f"it ran under sandbox=on, but says that its folds were not isolated from {', '.join(isolation['lacks'])}"
    by = isolation.get("by")
    if by and "files" in isolation["lacks"]:
        yield f"it says that {by} isolated its folds, and that they were not isolated from files"
    if by == SEATBELT and isolation.get("view", True):
        yield "it says that other files did not exist for its folds, which Seatbelt cannot do"


def _odd_key(stored: Mapping[str, Any]) -> Iterator[str]:
    """A key that differs from the key of its parts or settings."""
    parts = stored.get("parts")
    if parts is None:
        return
    key = short_hash(parts)
    if key != stored["key"]:
        yield f"its key is {stored['key']}, but its parts give {key}"
    expected = {
        **{f"setting {name}": shaping_part(name, value) for name, value in stored["config"].items()},
        **{f"package {name}": value for name, value in stored["versions"].items()},
        "processor": stored["versions"].get("processor"),
        "revision of the dataset": stored["versions"].get("dataset_revision"),
    }
    for name, value in expected.items():
        if name in parts and json.dumps(parts[name]) != json.dumps(value):
            yield f"the key was made with {name} {parts[name]!r}, but the record says {value!r}"
