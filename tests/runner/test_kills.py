"""A few kills at random moments over a small sweep; `tools/kills.py` makes a thousand, of programs as a shell starts them."""

from pathlib import Path

import pytest

from tests.helpers.nightly import NIGHTLY
from tests.helpers.programs import printed_by

SCRIPT = Path(__file__).parents[2] / "tools" / "kills.py"

pytestmark = [pytest.mark.kills, pytest.mark.processes]


@pytest.mark.skipif(not SCRIPT.is_file(), reason="the benchmarks are not part of this installation")
def test_sweep_killed_at_any_moment_ends_as_if_undisturbed():
    kills, seeds = ("5", "2") if NIGHTLY else ("1", "1")
    # By day a program is killed while its third fold of six is written: what the seed draws.
    words = ("--kills", kills, "--seed", "27", "--subjects", "3", "--seeds", seeds, "--fork")
    *_, last = printed_by(SCRIPT, *words).splitlines()
    assert last.startswith(f"{kills} kills")
    assert last.endswith("as if undisturbed")
