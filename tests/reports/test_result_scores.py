"""A result over its seeds, compared with the scores of each run."""

import pytest

from mebench.records.method_result import open_result
from mebench.reports.report import page_of_runs
from mebench.reports.result_scores import scores_of_result, sentence_of_runs
from tests.helpers.run_folders import make_run


@pytest.fixture
def result(tmp_path):
    """Two seeds of one method, whose threshold is not that of its paper."""
    settings = {"method.p": 0.7}
    for seed, wrong_every in ((0, 2), (1, 5)):
        make_run(tmp_path, method="one", seed=seed, wrong_every=wrong_every, tasks=("recognize",), settings=settings)
    return open_result(tmp_path, "one")


def test_sentence_of_runs_states_the_result_whole(result):
    summaries = [folder.read_json("summary.json") for folder in result.folders]
    scores = scores_of_result(result.folders, summaries)
    low, high = sorted(summary["recognition"]["scores"]["uf1"]["value"] for summary in summaries)
    begin = f"one (p=0.7), seeds 0, 1: UF1 {(low + high) / 2:.4f}, 95 % interval of the mean ["
    assert sentence_of_runs(result.folders, scores).startswith(begin)
    assert sentence_of_runs(result.folders, scores).endswith(f"], single seeds {low:.4f} to {high:.4f}, chance unknown")


def test_page_of_runs_begins_with_the_result(result):
    page = page_of_runs([result])
    assert f"chance {2 * 6 / (16 + 6) / 3:.4f}</p>" in page  # always positive: 6 of 16 clips, one of three classes
    lead, below = page.index("one (p=0.7), seeds 0, 1: UF1"), page.index("All that follows is of the first seed")
    assert lead < below < page.index('<dl class="facts">')
