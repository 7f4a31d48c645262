"""Files that count frames differently are distinguished from files that do not."""

import numpy as np
import pandas as pd
import pytest

from mebench.exchange.frame_shift import note_shift
from mebench.exchange.text_table import Remarks


def truths(rng, n=40, videos=8, length=15):
    onset = np.sort(rng.integers(0, 3000, n))
    video = [f"d/{n % videos}/v" for n in range(n)]
    return pd.DataFrame({"video": video, "kind": "micro", "onset": onset, "offset": onset + rng.integers(5, length, n)})


def answers(true, rng, jitter=0, shift=0, more=0):
    """What finds the truths, their ends a few frames off, and other intervals beside; all of it shifted."""
    strangers = truths(rng, more) if more else true.iloc[:0]
    spotted = pd.concat([true, strangers], ignore_index=True)
    off = rng.integers(-jitter, jitter + 1, (2, len(spotted)))
    onset = spotted["onset"] + off[0] + shift
    offset = np.maximum(onset, spotted["offset"] + off[1] + shift)
    return spotted.assign(onset=onset, offset=offset, line=range(2, len(spotted) + 2))


def notes(true, spotted):
    remarks = Remarks()
    note_shift(true, spotted, remarks)
    return remarks.warnings


@pytest.mark.parametrize(("shift", "jitter", "more"), [(1, 0, 0), (-1, 0, 40), (1, 1, 20), (3, 2, 40), (-250, 3, 40)])
@pytest.mark.parametrize("seed", range(3))
def test_note_shift_tells_the_size_of_a_constant_shift(shift, jitter, more, seed):
    rng = np.random.default_rng(seed)
    true = truths(rng, 120)
    (line,) = notes(true, answers(true, rng, jitter, shift, more))
    size = int(line.split("shifted by ")[1].split()[0])
    assert size == shift if not jitter else abs(size - shift) <= 1
    assert "Nothing was shifted here" in line


def test_note_shift_needs_three_exact_hits():
    true = truths(np.random.default_rng(0), 3)
    (line,) = notes(true, answers(true, np.random.default_rng(1), shift=1))
    assert "look shifted by +1 frame against the truth: 1 frame earlier they would overlap it by an IoU of 1.00" in line


@pytest.mark.parametrize("jitter", [0, 1, 3, 6, 400])
def test_note_shift_is_silent_where_files_count_alike(jitter):
    """Also where nothing is found at all."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        true = truths(rng, int(rng.integers(1, 60)))
        assert not notes(true, answers(true, rng, jitter, more=int(rng.integers(0, 60))))


def test_note_shift_reports_positions_at_the_first_line():
    rng = np.random.default_rng(0)
    true = pd.DataFrame({"video": [f"d/{n}/v" for n in range(9)], "kind": "micro", "onset": 12, "offset": 24})
    spotted = answers(true, rng, jitter=6)
    first = rng.integers(500, 9000, len(true))
    numbered = true.assign(onset=true["onset"] + first, offset=true["offset"] + first)
    (line,) = notes(numbered, spotted)
    assert (
        "in 9 of 9 videos all predictions lie far before all truths, such as in 0/v (line 2 of the predictions" in line
    )
    (line,) = notes(true, spotted.assign(onset=spotted["onset"] + first, offset=spotted["offset"] + first))
    assert "far after all truths" in line
    mixed = pd.concat([true[:2], numbered[2:]])  # some videos are counted alike, others not
    assert "in 7 of 9 videos" in notes(mixed, spotted)[0]


def test_score_notes_shift_and_shifts_nothing(write, score):
    rows = [(f"{n % 4}", f"v{n}", 10 * n, 10 * n + 8) for n in range(12)]
    head = "subject,video,onset,apex,offset\n"
    files = [
        write(head + "".join(f"{s},{v},{a + by},{a + 4 + by},{b + by}\n" for s, v, a, b in rows), name)
        for name, by in (("t", 1), ("p", 0))
    ]
    summary = score("--predictions", files[1], "--truth", files[0])

    assert any("look shifted by -1 frame" in line for line in summary["warnings"])
    assert summary["spotting"]["micro"]["scores"]["apex_mae_ms"]["value"] is None
    assert summary["spotting"]["micro"]["details"]["scores"]["apex_mae_frames"]["value"] == 1
