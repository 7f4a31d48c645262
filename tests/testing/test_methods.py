"""What the checks of methods do to a dataset; the checks themselves are tried in `tests/test_contracts.py`."""

from hypothesis import given, strategies as st

from mebench.core import Expression, Video
from mebench.testing import contracts


@given(st.data())
def test_moved_expression_is_another_of_the_same_video(data):
    n = data.draw(st.integers(2, 9))
    onset = data.draw(st.integers(0, n - 1))
    e = Expression(onset, data.draw(st.integers(onset, n - 1)))
    moved = contracts.move_expression(Video("d", "s", "v", 30.0, n, (e,)), e)
    assert moved.onset != e.onset
    assert 0 <= moved.onset <= moved.offset < n


def test_moved_expression_in_two_frames_takes_the_last():
    e = Expression(0, 1)
    assert contracts.move_expression(Video("d", "s", "v", 30.0, 2, (e,)), e) == Expression(1, 1)
