"""False alarms where nobody expresses anything: the rate, its interval, and the table that grows."""

import pytest
from hypothesis import given, strategies as st
from scipy.stats import chi2

from benchmarks import quiet
from benchmarks.grown_table import rows_of, write


def ends(cell):
    return [float(end) for end in cell.split(" to ")]


@given(st.lists(st.integers(0, 30), min_size=5, max_size=20).filter(lambda counts: len(set(counts)) > 2))
def test_quiet_rate_lies_in_its_interval(counts):
    value, interval = quiet.rate(counts, 15.0)
    low, high = ends(interval)
    assert float(value) == pytest.approx(sum(counts) / 15.0, abs=0.006)
    assert low - 0.01 <= float(value) <= high + 0.01
    assert high <= max(counts) * len(counts) / 15.0 + 0.01


def test_quiet_rate_of_nothing_has_poisson_end():
    """The mean at which nothing is seen in 2.5 % of all cases."""
    value, interval = quiet.rate([0, 0, 0], 15.2)
    assert (value, ends(interval)) == ("0.00", [0.0, pytest.approx(chi2.ppf(0.975, 2) / 2 / 15.2, abs=0.006)])


def test_quiet_reads_rows_of_table(tmp_path):
    rows = {("mean p=0.3", "0"): ["mean p=0.3", "0", "15.2", "4", "0.26", "0.07 to 0.60"]}
    write(tmp_path / "t.md", quiet.HEAD, quiet.TITLES, rows)
    assert rows_of(tmp_path / "t.md", quiet.TITLES, quiet.KEY) == rows
    with pytest.raises(SystemExit, match="no table of this program"):
        rows_of(tmp_path / "t.md", quiet.TITLES[1:], quiet.KEY)
