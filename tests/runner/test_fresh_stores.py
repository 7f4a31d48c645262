"""A run is the same whatever store it finds: names of videos are drawn with a secret of the store, and seed nothing."""

import pytest

import mebench


@pytest.fixture(scope="module")
def spotted(tmp_path_factory):
    """The intervals of two equal runs, each with a store of its own."""
    folder = tmp_path_factory.mktemp("stores")
    words = {"dataset": {"name": "synthetic", "preset": "tiny"}, "tracking": "off", "workers": 1, "bootstrap": 0}
    method = {"name": "random", "draws": 3}
    tables = []
    for number in range(2):
        run = mebench.run(method=method, cache=str(folder / f"cache{number}"), runs=str(folder / f"{number}"), **words)
        columns = ["video", "kind", "draw", "onset", "offset"]
        tables.append(run.predictions[columns].sort_values(columns, ignore_index=True))
    return tables


def test_random_spots_the_same_with_fresh_stores(spotted):
    first, second = spotted
    assert len(first)
    assert first.equals(second)


def test_random_draws_each_video_by_itself(spotted):
    first = spotted[0]
    places = first.groupby("video")["onset"].apply(tuple)
    assert places.nunique() == len(places)
