"""What a fold returns is kept only if a method could have given it."""

import json
import math
import struct
from dataclasses import replace

import numpy as np
import pytest

from mebench.config import resolve
from mebench.core.history import Epoch
from mebench.core.peaks import Curve
from mebench.errors import MebenchError, PluginError
from mebench.runner import host as runner_host, make_plan
from mebench.runner.fold_check import check_fold
from mebench.runner.session import open_session
from mebench.sandbox.isolation import call_safely, decode, encode


@pytest.fixture
def kept(moody, monkeypatch):
    """The arguments of the check of an honest fold that spots and names, as they come from another process."""
    seen = []
    monkeypatch.setattr(runner_host, "check_fold", lambda *arguments: seen.append(arguments))
    plan = make_plan(resolve(moody()))
    runner_host.execute_fold(plan, plan.data.folds[0])
    ((result, spotted, expected),) = seen
    assert result.clips
    assert spotted[0]
    return decode(encode(result)), tuple(decode(encode(list(spotted)))), expected


def changed(items, **fields):
    """A list whose first item has other fields."""
    return [replace(items[0], **fields), *items[1:]]


FORGED = {
    "alien class": lambda r: replace(r, clips=changed(r.clips, predicted="happy\x1b[2J")),
    "contradicting class": lambda r: replace(r, clips=changed(r.clips, probabilities=r.clips[0].probabilities[::-1])),
    "NaN shares": lambda r: replace(
        r, clips=changed(r.clips, probabilities=(math.nan,) * len(r.clips[0].probabilities))
    ),
    "too many shares": lambda r: replace(r, clips=changed(r.clips, probabilities=r.clips[0].probabilities * 5)),
    "shares of text": lambda r: replace(r, clips=changed(r.clips, probabilities="0.1")),
    "omitted clips": lambda r: replace(r, clips=r.clips[1:]),
    "no clips": lambda r: replace(r, clips=[]),
    "three answers": lambda r: replace(r, clips=r.clips * 3),
    "moved clips": lambda r: replace(r, clips=changed(r.clips, onset=r.clips[0].onset + 1)),
    "clips of text": lambda r: replace(r, clips="none"),
    "one parameter": lambda r: replace(r, costs={**r.costs, "parameters": 1}),
    "half a parameter": lambda r: replace(r, costs={**r.costs, "parameters": 1000.5}),
    "negative seconds": lambda r: replace(r, costs={**r.costs, "fit_seconds": -1e308}),
    "long seconds": lambda r: replace(r, costs={**r.costs, "predict_seconds": 1e6}),
    "endless memory": lambda r: replace(r, costs={**r.costs, "peak_memory_mib": math.inf}),
    "more costs": lambda r: replace(r, costs={**r.costs, "evil": 1}),
    "no costs": lambda r: replace(r, costs=[]),
    "garbage as model": lambda r: replace(r, model=b"\x80\x04K\x01."),
    "huge header": lambda r: replace(r, model=struct.pack("<Q", 1 << 60) + b"{}"),
    "deep header": lambda r: replace(r, model=struct.pack("<Q", 4000) + b"[" * 4000),
    "no model": lambda r: replace(r, model=""),
    "infinite note": lambda r: replace(r, notes={"threshold": math.inf}),
    "note of text": lambda r: replace(r, notes={"threshold": "high"}),
    "coloured note": lambda r: replace(r, notes={"\x1b[31mthreshold": 1.0}),
    "history of text": lambda r: replace(r, history=["one"]),
    "stage with signs": lambda r: replace(r, history=[Epoch("a\nb", 0, "train", 0.1, None)]),
    "another split": lambda r: replace(r, history=[Epoch("a", 0, "test", 0.1, None)]),
    "accuracy of two": lambda r: replace(r, history=[Epoch("a", 0, "train", 0.1, 2.0)]),
    "another column": lambda r: replace(r, history=[Epoch("a", 0, "train", 0.1, None, logged={"fold": 1.0})]),
    "logged text": lambda r: replace(r, history=[Epoch("a", 0, "train", 0.1, None, logged={"evil": "<script>"})]),
    "answers after epochs": lambda r: replace(r, epoch_predictions=[["none"]]),
    "another thing": lambda r: {"key": r.key},
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_check_fold_refuses_what_no_method_gives(kept, forge):
    result, spotted, expected = kept
    check_fold(result, spotted, expected)
    with pytest.raises(PluginError, match="the fold returned") as error:
        check_fold(forge(result), spotted, expected)
    assert "\x1b" not in str(error.value)
    assert len(str(error.value)) < 700


SPOTTED = {
    "outside": lambda s: (changed(s[0], onset=10**6, apex=10**6, offset=10**6), *s[1:]),
    "before": lambda s: (changed(s[0], onset=-9, apex=-8, offset=-7), *s[1:]),
    "backward": lambda s: (changed(s[0], onset=s[0][0].offset + 1), *s[1:]),
    "half a frame": lambda s: (changed(s[0], apex=s[0][0].onset + 0.5), *s[1:]),
    "another kind": lambda s: (changed(s[0], kind="nano"), *s[1:]),
    "NaN as confidence": lambda s: (changed(s[0], confidence=math.nan), *s[1:]),
    "another emotion": lambda s: (changed(s[0], emotion="bliss"), *s[1:]),
    "infinite scores": lambda s: (s[0], {video: rows * math.inf for video, rows in s[1].items()}, s[2]),
    "short scores": lambda s: (s[0], {video: rows[1:] for video, rows in s[1].items()}, s[2]),
    "objects": lambda s: (s[0], dict.fromkeys(s[1], "rows"), s[2]),
    "curve": lambda s: (s[0], s[1], {video: {"nano": Curve(0, np.zeros(2), 0.0)} for video in s[1]}),
    "one part": lambda s: s[:1],
}


@pytest.mark.parametrize("forge", SPOTTED.values(), ids=SPOTTED)
def test_check_fold_refuses_intervals_of_no_video(kept, forge):
    result, spotted, expected = kept
    with pytest.raises(PluginError, match="the fold returned"):
        check_fold(result, forge(spotted), expected)


def test_check_fold_takes_a_diverged_loss(kept):
    """The weights are another matter: their answers are no numbers, which `classify` is asked about in the fold."""
    result, spotted, expected = kept
    history = [Epoch("a", 0, "train", math.nan, None, logged={"loss of mine": math.nan})]
    check_fold(replace(result, history=history), spotted, expected)


def test_check_fold_counts_the_numbers_of_a_model(kept):
    result, spotted, expected = kept
    header = json.dumps({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    model = struct.pack("<Q", len(header)) + header + bytes(24)
    check_fold(replace(result, model=model, costs={**result.costs, "parameters": 6}), spotted, expected)
    with pytest.raises(PluginError, match="parameters of 7, expected 6"):
        check_fold(replace(result, model=model, costs={**result.costs, "parameters": 7}), spotted, expected)


def test_impossible_fold_fails_and_the_others_are_kept(moody, monkeypatch):
    """The run says so in a sentence, and keeps the other folds."""
    plan = make_plan(resolve(moody()))
    session = open_session(plan)
    first = plan.data.folds[0]
    with monkeypatch.context() as forged:
        forged.setattr(
            runner_host, "check_fold", lambda result, *more: check_fold(FORGED["infinite note"](result), *more)
        )
        session.store_fold(first, call_safely(runner_host.execute_fold, (plan, first)))
    for fold in plan.data.folds[1:]:
        session.store_fold(fold, runner_host.execute_fold(plan, fold))
    told = r"1 of \d+ folds failed.*'threshold' of inf, expected a finite number.*the other folds are kept"
    with pytest.raises(MebenchError, match=told):
        session.finish()
