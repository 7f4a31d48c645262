"""Time codes in place of frames: the rate of their row, codes of pandas, and those that cannot be told."""

import pandas as pd
import pytest

from mebench.api.score_files import score
from mebench.errors import DataError

TRUTH = pd.DataFrame(
    [("1", f"v{n}", 20 + 7 * n, 32 + 8 * n) for n in range(10)], columns=["subject", "video", "onset", "offset"]
)


def written(code, **more):
    return TRUTH.assign(onset=TRUTH["onset"].map(code), offset=TRUTH["offset"].map(code), **more)


def count_spotted(table, truth=TRUTH, **options):
    micro = score(truth=truth, predictions=table, bootstrap=0, **options).summary["spotting"]["micro"]
    return micro["tp"], micro["fp"], micro["fn"]


def of_frames(frame, rate=25, dot=":"):
    return f"00:00:{frame // rate:02d}{dot}{frame % rate:02d}"


def test_frames_behind_seconds_count_by_the_rate_of_their_row():
    rates = [50, 100] * 5
    table = TRUTH.assign(fps=rates)
    for name in ("onset", "offset"):
        table[name] = [of_frames(frame * rate // 25, rate) for frame, rate in zip(TRUTH[name], rates)]
    assert count_spotted(table, TRUTH.assign(fps=25)) == (10, 0, 0)


@pytest.mark.parametrize(
    "code", [lambda frame: str(pd.Timedelta(seconds=frame / 25)), lambda frame: f"00:00:{frame / 25:06.3f}"]
)
def test_time_codes_with_a_fraction_are_read(code):
    assert count_spotted(written(code), fps=25) == (10, 0, 0)


def test_frames_behind_a_dot_are_refused():
    with pytest.raises(DataError, match="never reach the frame rate 25"):
        count_spotted(written(lambda frame: of_frames(frame, dot=".")), fps=25)
    assert count_spotted(written(lambda frame: f"00:00:{frame / 25:05.2f}"), fps=25) == (10, 0, 0)


def test_time_codes_that_drop_frames_are_refused():
    with pytest.raises(DataError, match="drops frames"):
        count_spotted(written(lambda frame: of_frames(frame, dot=";")), fps=29.97)


def test_rates_with_a_unit_are_read():
    assert count_spotted(TRUTH.assign(fps="25 fps"), TRUTH.assign(fps="25 Hz")) == (10, 0, 0)
