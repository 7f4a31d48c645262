import numpy as np
import pytest
from scipy import stats

from mebench.metrics import compared_tables


@pytest.mark.parametrize("n", [5, 10, 30])
def test_detectable_difference_has_power_of_four_in_five(n):
    """Against the exact power of the paired t test, from the noncentral t distribution."""
    difference = compared_tables.detectable_difference(1 / np.sqrt(n), n - 1)
    limit = stats.t.ppf(0.975, n - 1)
    power = stats.nct.sf(limit, n - 1, difference * np.sqrt(n)) + stats.nct.cdf(-limit, n - 1, difference * np.sqrt(n))
    assert power == pytest.approx(0.8, abs=0.03)


def test_detectable_difference_without_spread_is_None():
    assert compared_tables.detectable_difference(np.nan, 5) is None
    assert compared_tables.detectable_difference(0.1, 0) is None
