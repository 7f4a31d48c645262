"""`mebench predictions export`: which run it writes."""

import pandas as pd
import pytest

from mebench.cli.predictions import export
from mebench.errors import RunError
from tests.run_folders import make_run


def test_the_beginning_of_an_id_is_enough(tmp_path):
    run, runs, out = make_run(tmp_path / "runs", "perfect"), str(tmp_path / "runs"), tmp_path / "out.csv"
    make_run(tmp_path / "runs", "half", done=False)
    export("perf", str(out), runs=runs)
    written = pd.read_csv(out)
    assert len(written) == len(run.read_table("predictions.parquet")) > 0
    for word in ("perfect", str(run.path)):
        export(word, str(out), runs=runs)
        pd.testing.assert_frame_equal(pd.read_csv(out), written)
    with pytest.raises(RunError, match="run 'half' is not finished: go on with it by mebench resume"):
        export("ha", str(out), runs=runs)
