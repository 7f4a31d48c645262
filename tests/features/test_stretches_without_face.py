"""Where crops show no face, against every frame looked at by itself."""

import re
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from mebench.features import face_detection


def by_frame(seen, fps):
    """Stretches of frames that lie between two looks, or at one, that is among so many in a row that find nobody."""
    step = max(1, round(fps / 5))
    looks = range(0, len(seen), step)
    blind = set()
    for there, row in groupby(looks, key=lambda look: seen[look]):
        missed = [] if there else [*row]
        blind.update(missed if len(missed) >= min(3, len(looks)) else [])
    beside = [
        {i // step * step, min(-(-i // step) * step, looks[-1])} for i in range(len(seen))
    ]  # the looks of each frame
    rows = [[*row] for hidden, row in groupby(range(len(seen)), key=lambda i: bool(beside[i] & blind)) if hidden]
    return [(row[0], row[-1]) for row in rows]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 20)), max_size=8), st.sampled_from([0.0, 25.0, 29.97]))
@example([], 25.0)  # nobody is missed where there is no frame
@example([(False, 1)], 25.0)
@example([(True, 8), (False, 13), (True, 4), (False, 20)], 25.0)
def test_find_stretches_without_face_joins_looks_on_both_sides(stretches, fps):
    seen = [there for there, frames in stretches for _ in range(frames)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_detection, "shows_face", lambda crop: bool(crop[0, 0]))
        found = face_detection.find_stretches_without_face(np.array(seen, np.uint8).reshape(-1, 1, 1), fps)
    assert found == by_frame(seen, fps)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_find_stretches_without_face_holds_few_crops_in_memory(tmp_path, monkeypatch):
    crops = np.memmap(tmp_path / "crops", np.uint8, "w+", shape=(2000, 128, 128))
    crops[:] = 1
    crops.flush()
    crops = np.memmap(tmp_path / "crops", np.uint8, "r", shape=crops.shape)
    monkeypatch.setattr(face_detection, "shows_face", lambda crop: bool(crop.all()))
    assert face_detection.find_stretches_without_face(crops, 25.0) == []
    (kib,) = re.findall(rf"{tmp_path / 'crops'}\n(?:.*\n)*?Rss: +(\d+) kB", Path("/proc/self/smaps").read_text())
    assert int(kib) < 2048  # of 32 MiB
