import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import minmax_scale

from mebench.features import MinMax

maps = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)),
    elements=st.floats(-100, 100, width=32),
)


@settings(deadline=None)
@given(maps)
def test_each_channel_reaches_from_0_to_1_or_is_0_if_constant(x):
    scaled = MinMax().apply(x, None)
    for before, after in zip(np.moveaxis(x, -1, 0), np.moveaxis(scaled, -1, 0)):
        assert (after.min(), after.max()) == ((0, 0) if np.ptp(before) == 0 else (0, 1))


def test_as_scikit_learn_does_it():
    x = np.random.default_rng(0).normal(size=(5, 7, 3))
    expected = minmax_scale(x.reshape(35, 3)).reshape(5, 7, 3)
    np.testing.assert_allclose(MinMax().apply(x, None), expected)
