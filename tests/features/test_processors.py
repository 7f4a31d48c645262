"""The same bits whatever instructions the libraries choose, and keys that tell apart what is not the same."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from mebench.core import Chain
from mebench.features import (
    BiWoof,
    FaceCrop,
    Flow,
    FlowDirection,
    FlowImage,
    Interpolate,
    LbpTop,
    Strain,
    pipeline as source_module,
)
from mebench.features.pipeline import VideoSource
from tests.helpers.nightly import NIGHTLY

from .conftest import Drift

PROGRAM = """
import hashlib, json, sys
import numpy as np
from mebench.features import *

random = np.random.default_rng(0)
coarse = random.integers(40, 216, (2, 24, 24), dtype=np.int64).repeat(16, 1).repeat(16, 2)
for axis in (1, 2):  # whole numbers: no library rounds them
    coarse = sum(np.roll(coarse, shift, axis) for shift in range(16)) // 16
frames = [np.roll(coarse[0], k, 1) * (16 - k) // 16 + coarse[1] * k // 16 for k in range(4)]
frames = [frame.astype(np.uint8) for frame in frames]
points = np.column_stack([np.arange(68) % 17 * 7 + 8.25, np.arange(68) // 17 * 28 + 12.5])
crops = np.stack(list(FaceCrop().cut(frames, (31, 17, 350, 341))))
found = {"crops": crops, "small crops": np.stack(list(FaceCrop(size=64).cut(frames, (3, 7, 52, 56))))}
for algorithm in ("tvl1", "tvl1_warm", "tvl1_eps05"):
    found[algorithm] = np.stack(list(Flow(algorithm, k=1).maps(crops))).astype(np.float16)
flow = found["tvl1_eps05"][0].astype(np.float32)
strains = {d: Strain(d).apply(flow, None) for d in ("backward", "forward", "central")}
x = strains["central"]
steps = [RemoveNoseMotion(), RemoveNoseMotion(variant="released_code"), MaskEyes(), MaskEyes(outline="released_code"), MinMax(),
         MinMax("map"), EyesAndMouth(), EyesAndMouth("released_code"), EyesAndMouth("box"), BlockMeans(5, 6), Resize(28), FlowImage(),
         Hoof(), OrientedFlow(), BiWoof(), BiWoof(strain="sum", blocks="released_code", unit_length=True)]
found |= strains | {str(step): step.apply(x, points) for step in steps}
found |= {str(step): step.apply(crops) for step in (LbpTop(), HogTop(), HigoTop())} | {"lbp": Lbp().apply(crops[0])}
hashes = {name: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for name, array in found.items()}
computed_here = [hashes, processor()]
"""
OTHERS = {
    "NUMBA_CPU_NAME": "generic",
    "OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,FP16,AVX,SSE4.2,SSE4.1",
    "OPENCV_IPP": "disabled",
    "ATEN_CPU_CAPABILITY": "default",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 X86_V3 AVX512_SPR AVX512_ICL AVX512_SKX AVX2 FMA3",
    "OPENBLAS_CORETYPE": "Nehalem",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-AVX",
}
"""What makes each library take the instructions of an old processor."""


def computed(**settings):
    environment = {**os.environ, **settings}
    program = f"{PROGRAM}print(json.dumps(computed_here))"
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def here():
    """What this processor gives, and what its libraries choose."""
    names = {}
    exec(PROGRAM, names)
    return names["computed_here"]


def different_features(here, there):
    return {name for name, found in here.items() if there[name] != found}


@pytest.mark.processes
def test_features_are_equal_on_an_old_processor(here):
    """By night the loops of numba too, which are compiled anew for the old processor, which takes most of the time."""
    there, others = computed(**{name: value for name, value in OTHERS.items() if NIGHTLY or name != "NUMBA_CPU_NAME"})
    assert here[1] != others, "the settings had no effect"
    assert different_features(here[0], there) == set()


@pytest.mark.processes
@pytest.mark.skipif(not NIGHTLY, reason="the test above has them all at once")
@pytest.mark.parametrize("setting", OTHERS)
def test_features_are_equal_for_each_choice_of_instructions(here, setting):
    there, *_ = computed(**{setting: OTHERS[setting]})
    assert different_features(here[0], there) == set()


CROP = FaceCrop(size=64)
TAIL = (Strain(), FlowImage())


@pytest.mark.parametrize(
    ("steps", "portable"),
    [
        ((CROP, Flow("tvl1"), *TAIL), True),
        ((CROP, Flow("tvl1_eps05"), Strain(), BiWoof()), True),
        ((CROP, Flow("tvl1_warm"), *TAIL), True),
        ((CROP, Flow("tvl1_opencv"), *TAIL), False),
        ((CROP, Flow("farneback"), *TAIL), False),
        ((CROP, Flow("dis"), *TAIL), False),
        ((replace(CROP, align="eyes"), Flow("tvl1"), *TAIL), False),
        ((CROP, Flow("tvl1"), *TAIL, FlowDirection()), False),
        ((CROP, Interpolate(), LbpTop()), False),
    ],
)
def test_key_holds_processor_only_where_it_matters(monkeypatch, tmp_path, steps, portable):
    drift = Drift()
    source = VideoSource(tmp_path, drift, "drift", drift.video())
    chain = Chain("name", steps, scope="clips")
    monkeypatch.setattr(source_module, "processor", lambda: "one kind")
    here = source.key("feature", chain, (0, 3, 5))
    monkeypatch.setattr(source_module, "processor", lambda: "another kind")
    there = source.key("feature", chain, (0, 3, 5))

    assert (here.digest() == there.digest()) is portable
    # What the first stages give does not depend on what comes after them.
    assert source.key("crops", chain, None).processor == ("" if steps[0].portable else "another kind")
