"""A dimension and its values."""

import pytest

from mebench.tuning.space import Dimension


def test_Dimension_contains_and_encodes_its_values():
    whole = Dimension("method.n", "training", low=2, high=10, step=4, whole=True)
    contained = [v for v in range(13) if whole.contains(v)]
    assert contained == [2, 6, 10]
    some = Dimension("method.x", "training", choices=(1, None, True, (1, 2)))
    assert [some.contains(v) for v in (1, None, True, 1.0, False)] == [True, True, True, False, False]
    assert [some.decode_value(some.encode_value(c)) for c in some.choices] == [1, None, True, (1, 2)]


@pytest.mark.parametrize(
    ("default", "low", "high", "step"),
    [
        (20, 10, 50, 10),
        (0, 0, 50, 10),
        (4, 4, 50, 10),
        (70, 10, 70, 10),
        (75, 10, 75, None),
        (25, 10, 50, None),
        (None, 10, 50, 10),
    ],
)
def test_Dimension_widened_holds_the_default_and_keeps_its_step(default, low, high, step):
    wide = Dimension("method.n", "training", default, low=10, high=50, step=10, whole=True).with_default()
    assert (wide.low, wide.high, wide.step) == (low, high, step)
    assert wide.contains(default) == (default is not None)


def test_Dimension_widened_takes_default_into_choices():
    few = Dimension("method.x", "training", 3, choices=(1, None))
    assert few.with_default().choices == (1, None, 3)
    assert Dimension("method.lr", "training", 0.0, low=0.1, high=1.0, log=True).with_default().low == 0.1
