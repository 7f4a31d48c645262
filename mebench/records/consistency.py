"""Checks that a record agrees with itself: folds with protocol, key with settings, shares with answers, costs with
models, audit with selection.

Nothing is scored here. Invented answers that fit everything else are found only by running the method again.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from mebench.config import shaping_part
from mebench.core import Expression, Kind, SubjectKey, Video
from mebench.errors import MebenchError
from mebench.metrics import label_sets
from mebench.protocols import PROTOCOLS, People
from mebench.records import recorded_settings, schema
from mebench.records.schema import RefusedError
from mebench.runner.inputs import digest
from mebench.runs.folder import RunFolder

NAMED = {"predictions.parquet": "emotion", "clips.parquet": "predicted"}
"""The tables of answers, and the column of each with the class."""
ROUNDED = 0.0006
"""Seconds by which a cost may differ from the measured value: costs have three decimals."""
BYTES_OF_WEIGHT = 2
"""Least memory of a process that holds the weights."""
_TRAIN = ("train", "valid")


def check_consistency(folder: RunFolder, stored: Mapping[str, Any]) -> None:
    """Refuse a record that contradicts itself.

    Args:
        folder: the record's folder; types and hashes of its files have been checked.
        stored: its `record.json`.

    Raises:
        RunError: names the contradiction.
    """
    about, config = schema.read(folder, schema.FOLDS), stored["config"]
    audit = schema.read(folder, schema.AUDIT) if schema.AUDIT in stored["files"] else {}
    videos, truths = folder.read_table("videos.parquet"), folder.read_table("truth.parquet")
    answers = {name: folder.read_table(name) for name in NAMED}
    for reason in chain(
        _odd_folds(config, about, videos, truths, answers),
        *(_odd_shares(table, name, about["classes"]) for name, table in answers.items()),
        _odd_costs(stored["costs"], config, audit, videos),
        _odd_audit(config, about, audit),
        _odd_key(stored),
    ):
        raise RefusedError(folder, reason)


Sides = tuple[set[str], set[str], set[str]]
"""The tested people, the people who train or validate, and the tested videos if they are not all videos of a person."""


def _odd_folds(
    config: Mapping[str, Any],
    about: Mapping[str, Any],
    videos: pd.DataFrame,
    truths: pd.DataFrame,
    answers: Mapping[str, pd.DataFrame],
) -> Iterator[str]:
    """People on two sides, answers from the wrong fold, and people on another side than in the protocol."""
    words = recorded_settings.joined(config["dataset"]).split("+")
    seen, named = set(videos["dataset"]), {word.partition(":")[0] for word in words}  # slow:synthetic is called slow
    if seen & named and seen - named:
        yield f"its videos are of {' and '.join(sorted(seen - named))} too, and it ran on {' and '.join(sorted(named))}"
    if about["protocol"] != config["protocol"]:
        yield f"its folds are those of protocol {about['protocol']!r}, but it ran under {config['protocol']!r}"
    persons = {**dict(zip(videos["subject"], videos.get("person", videos["subject"]))), **about.get("persons", {})}
    folds: dict[str, Sides] = {
        f["fold"]: (set(f["test"]), {*f["train"], *f["valid"]}, set(f.get("videos", ()))) for f in about["folds"]
    }
    for name, (test, train, _) in folds.items() if not about.get("subject_dependent") else ():
        if {persons.get(who, who) for who in test} & {persons.get(who, who) for who in train}:
            yield f"subjects of fold {name!r} are both trained on and tested"
    subjects = dict(zip(videos["video"].tolist(), videos["subject"].tolist()))
    for table, rows in answers.items():
        for name, video in dict.fromkeys(zip(rows["fold"].tolist(), rows["video"].tolist())):
            if name not in folds or subjects.get(video) not in folds[name][0]:
                yield f"{table} answers for {video!r} in fold {name!r}, which does not test its subject"
    drawn = drawn_again(config, about, videos, truths, persons)
    if drawn is not None and drawn != folds:
        odd = min(key for key in folds.keys() | drawn.keys() if folds.get(key) != drawn.get(key))
        recorded, by_protocol = (
            f"tests {len(sides[0])} and trains on {len(sides[1])}" if (sides := some.get(odd)) else "is not there"
            for some in (folds, drawn)
        )
        yield f"fold {odd!r} is not that of protocol {about['protocol']}: here it {recorded}, and by the protocol it {by_protocol}"


def drawn_again(
    config: Mapping[str, Any],
    about: Mapping[str, Any],
    videos: pd.DataFrame,
    truths: pd.DataFrame,
    persons: Mapping[str, str],
) -> dict[str, Sides] | None:
    """The folds of a record's protocol, drawn again from its people, by name; validation subjects are drawn elsewhere.

    Returns:
        None if the record lacks what the folds depend on: the protocol is unknown, follows the authors' split, or draws
        among people whose videos are not tested.
    """
    if (protocol := PROTOCOLS.get(str(config["protocol"]))) is None:
        return None
    tested = dict(zip(videos["video"].tolist(), videos["subject"].tolist()))
    others = {who for fold in about["folds"] for side in _TRAIN for who in fold[side]} - set(tested.values())
    try:
        params = TypeAdapter[Any](protocol.params).validate_python(
            {key.partition(".")[2]: value for key, value in config.items() if key.startswith("protocol.")}
        )
        if others and getattr(params, "share", None) is not None:
            return None
        return _drawn(
            str(config["protocol"]),
            params,
            tuple(tested.items()),
            frozenset(others),
            tuple(persons.items()),
            tuple(zip(*(truths[name].tolist() for name in ("video", "kind", "onset", "offset", "emotion")))),
            frozenset(videos["dataset"]),
            bool(about.get("one_per_video")),
        )
    except _UnknownError:
        return None
    except (MebenchError, ValidationError):  # the protocol allows no folds of these people
        return {}


@lru_cache(maxsize=16)  # the records of a table have the same people
def _drawn(
    protocol: str,
    params: Any,
    tested: tuple[tuple[str, str], ...],
    others: frozenset[str],
    persons: tuple[tuple[str, str], ...],
    truths: tuple[tuple[str, Kind, int, int, Any], ...],
    datasets: frozenset[str],
    short: bool,
) -> dict[str, Sides]:
    by_video, who_is = defaultdict[str, list[Expression]](list), dict(persons)
    for video, kind, onset, offset, emotion in truths:
        by_video[video].append(Expression(onset, offset, kind, emotion=emotion if isinstance(emotion, str) else None))
    people = _Unvalidated(
        [
            *(
                Video(*_key(who), video.removeprefix(f"{who}/"), None, None, tuple(by_video[video]))
                for video, who in tested
            ),
            *(Video(*_key(who), "", None, None) for who in others),
        ],
        person=lambda subject: _key(who_is.get(str(subject), str(subject))),
        short=dict.fromkeys(datasets, short),
        split=_unknown,
        class_of=lambda expression: expression.emotion,
    )
    return {
        fold.key: ({*map(str, fold.test)}, {*map(str, (*fold.train, *fold.valid))}, {*fold.videos})
        for fold in PROTOCOLS[protocol].make(people, params)
    }


class _Unvalidated(People):
    """People without a validating part: a record does not name it, and drawing it takes most of the time."""

    def some(self, persons: Collection[SubjectKey], n: int, *purpose: object) -> list[SubjectKey]:
        return []


class _UnknownError(Exception):
    """The authors' own split of a dataset, which a record does not contain."""


def _unknown(subject: SubjectKey) -> str:
    raise _UnknownError


def _key(subject: str) -> SubjectKey:
    return SubjectKey(*subject.partition("/")[::2])


def _odd_shares(table: pd.DataFrame, name: str, classes: list[str]) -> Iterator[str]:
    """An answer that differs from the class with the largest share."""
    rows = table[table["probabilities"].notna()]
    if not len(rows) or label_sets.are_sets(rows[NAMED[name]]):  # a set of classes need not have the largest share
        return
    shares, answers = np.stack(rows["probabilities"].tolist()), rows[NAMED[name]]
    if len(set(classes)) < len(classes) or shares.shape[1] != len(classes):
        yield f"{name} holds {shares.shape[1]} shares of each answer, and folds.json names {len(set(classes))} classes"
    place, most = pd.Index(classes).get_indexer(pd.Index(answers)), shares.max(axis=1)
    answer_share, first = shares[np.arange(len(shares)), place], shares.argmax(axis=1) == place
    # Shares that are equal in float32.
    odd = (place < 0) | ~first & ((answer_share < most - 1e-6 * abs(most)) | (shares.min(axis=1) == most))
    if odd.any():
        yield (
            f"{name} answers {answers[odd].iloc[0]!r} for {rows['video'][odd].iloc[0]!r}, whose share is not the largest"
        )


def minutes_of(videos: pd.DataFrame) -> float:
    """Minutes of all videos together; 0 if one length is unknown."""
    minutes = (videos["n_frames"].astype("Float64") / videos["fps"]).sum(skipna=False) / 60
    return 0.0 if pd.isna(minutes) else float(minutes)


def _odd_costs(
    costs: Mapping[str, Any], config: Mapping[str, Any], audit: Mapping[str, Any], videos: pd.DataFrame
) -> Iterator[str]:
    """Impossible costs: training without time or weights, or more weights than memory."""
    trained = any(value for key, value in config.items() if key.endswith("epochs") and isinstance(value, int))
    learnt = any(value["name"].endswith("weights and statistics") for value in audit.get("values", ()))
    memory, parameters, predict = costs.get("peak_memory_mib"), costs["parameters"], costs["predict_seconds"]
    minutes = minutes_of(videos)
    per_minute = 1 / minutes if minutes else 0.0
    rate = predict * per_minute
    odd = {
        "predict_per_minute": abs(costs.get("predict_per_minute", rate) - rate) > ROUNDED * (1 + per_minute),
        "fit_seconds": trained and costs["fit_seconds"] <= 0,
        "parameters": ((trained or learnt) and not parameters)
        or (memory is not None and BYTES_OF_WEIGHT * parameters > memory * 2**20),
    }
    yield from (
        f"{name} of costs is {costs[name]}, which is impossible for this run" for name, is_odd in odd.items() if is_odd
    )


def _odd_audit(config: Mapping[str, Any], about: Mapping[str, Any], audit: Mapping[str, Any]) -> Iterator[str]:
    """A guarded run that selected on tested people."""
    switch = str(config.get("audit", "guard"))
    selection = audit.get("selection") or about.get("selection")
    saw = [value["name"] for value in audit.get("values", ()) if value["saw"] in ("test", "all")]
    if audit.get("switch", switch) != switch:
        yield f"it ran under audit={switch}, but its audit is of {audit['switch']}"
    if about.get("selection", selection) != selection:
        yield f"folds.json says selection: {about['selection']}, but its audit says {selection}"
    if (switch != "guard" or saw) and selection != "test":
        yield (
            f"tested people shaped {saw[0] if saw else f'a run of audit={switch}'}, but it says selection: {selection}"
        )
    for fold in about["folds"] if "sides" in audit else ():
        for side in (*_TRAIN, "test"):
            names = sorted(fold[side])
            expected = {"subjects": len(names), "hash": hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]}
            if audit["sides"].get(fold["fold"], {}).get(side) != expected:
                yield f"its audit is of other people than fold {fold['fold']!r} has in {side}"


def _odd_key(stored: Mapping[str, Any]) -> Iterator[str]:
    """A key that differs from the key of its parts or settings."""
    if (parts := stored.get("parts")) is None:
        return
    if (key := digest(parts)) != stored["key"]:
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
