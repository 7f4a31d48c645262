"""Whether the JSON of a record has the types that a run writes: what passes can be shown without a surprise."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from mebench.results.record import AUDIT

Test = Callable[[Any], bool]
FOLDS = "folds.json"


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_plain(value: Any) -> bool:
    """Whether it is JSON, which has no infinite number and none that is not one."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return value is None or _is_text(value) or _is_flag(value) or _is_number(value)


def _list_of(test: Test) -> Test:
    return lambda value: isinstance(value, list) and all(map(test, value))


def _map_to(test: Test) -> Test:
    return lambda value: isinstance(value, dict) and all(map(test, value.values()))


def _either(*tests: Test) -> Test:
    return lambda value: any(test(value) for test in tests)


def _is_nothing(value: Any) -> bool:
    return value is None


_texts, _name = _list_of(_is_text), _either(_is_text, _is_nothing)
_RECORD: dict[str, Test] = {
    "format": _is_whole,
    "run_id": _is_text,
    "version": _is_whole,
    "supersedes": _name,
    "key": _is_text,
    "config": _map_to(_is_plain),
    "settings": _is_text,
    "data": _is_text,
    "versions": _map_to(_is_text),
    "summary": _map_to(_is_plain),
    "costs": _map_to(_is_number),
    "files": _map_to(_is_text),
    "sha256": _is_text,
}
_CONFIG: dict[str, Test] = {
    "method": _is_text,
    "recognizer": _name,
    "dataset": _either(_is_text, _texts),
    "protocol": _is_text,
    "scheme": _name,
    "convention": _is_text,
    "seed": _is_whole,
    "bootstrap": _is_whole,
}
_ABOUT: dict[str, Test] = {
    **dict.fromkeys(("protocol", "scheme", "selection", "transductive", "remark"), _is_text),
    **dict.fromkeys(("tasks", "kinds", "classes", "card", "warnings"), _texts),
    **dict.fromkeys(("one_per_video", "selects", "subject_dependent", "scored_each", "comparable"), _is_flag),
    "left_out": _map_to(_is_whole),
    "k_prime": _map_to(_map_to(_is_whole)),
    "folds": _list_of(_map_to(_either(_is_text, _texts))),
}
_FOLD: dict[str, Test] = {"fold": _is_text, "train": _texts, "valid": _texts, "test": _texts, "videos": _texts}
_AUDIT: dict[str, Test] = {"selection": _is_text, "transductive": _is_text, "values": _list_of(_map_to(_is_plain))}


def wrong_in_record(stored: Mapping[str, Any]) -> str:
    """What `record.json` lacks or has of another type than a run writes, in words; empty if nothing."""
    for name in _RECORD:
        if name not in stored:
            return f"record.json lacks {name!r}"
    return _wrong(stored, _RECORD, "record.json") or _wrong(stored["config"], _CONFIG, "config in record.json")


def wrong_in_folds(about: Any) -> str:
    """The same of `folds.json`."""
    if words := _wrong(about, _ABOUT, FOLDS):
        return words
    for name in ("tasks", "kinds", "classes", "folds"):
        if name not in about:
            return f"{FOLDS} lacks {name!r}"
    for fold in about["folds"]:
        for name in ("fold", "train", "valid", "test"):
            if name not in fold:
                return f"a fold of {FOLDS} lacks {name!r}"
        if words := _wrong(fold, _FOLD, f"fold {fold['fold']!r} in {FOLDS}"):
            return words
    return ""


def wrong_in_audit(audit: Any) -> str:
    """The same of `audit.json`."""
    return _wrong(audit, _AUDIT, AUDIT)


def _wrong(content: Any, tests: Mapping[str, Test], where: str) -> str:
    if not isinstance(content, dict):
        return f"{where} is of type {type(content).__name__}: somebody re-typed it"
    for name, value in content.items():
        test = tests.get(name, _is_plain)
        if not test(value):
            bad = [key for key, entry in value.items() if not test({key: entry})] if isinstance(value, dict) else []
            if bad:
                return f"{bad[0]!r} in {name!r} of {where} is {reprlib.repr(value[bad[0]])}: somebody re-typed it"
            return f"{name!r} of {where} is of type {type(value).__name__}: somebody re-typed it"
    return ""
