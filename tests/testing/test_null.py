"""Labels that have nothing to do with the faces: who knows them has read them somewhere, and honest methods do not."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mebench.core import Expression, Scheme, Video
from mebench.output.progress import Progress
from mebench.testing import null as testing_null
from tests.helpers.nightly import by_day
from tests.helpers.plugin_folders import PLUGINS
from tests.plugins.cheat.ways import FACTS, LEFT

LISTED = ("facts", "words of the host")
"""Ways that need a list of the images, which are drawn anew here."""
LOOKS_BACK = (*LEFT, *(way for way in FACTS if way not in (*LISTED, "log")))
"""Ways that look for what an earlier fold left. Not `log`: the log of these folds is what pytest captures, and its marks lie
gigabytes apart; `tests/runner/test_cheats.py` tries it with a log of its own.
"""


def test_null_of_an_honest_method_stays_inside(own_folder):
    found = testing_null.run_null_check("majority", Progress(), shuffles=2)
    assert [(f.task, f.fold, f.right, f.of, f.most, f.beyond_chance) for f in found] == [
        ("recognition", part, 8, 40, 8, False)
        for part in ("part1", "part2")  # one of each person's five
    ]
    testing_null.refuse_known_labels("majority", found, 2)


@pytest.mark.parametrize("way", by_day(["file", "truth", *LOOKS_BACK], "file", "truth", "semaphores"))
def test_null_of_a_method_that_looks_for_labels_stays_inside(own_folder, way):
    """Names in a fold are drawn, and none of them stands in a file; nothing that a fold leaves is found by the next."""
    found = testing_null.run_null_check("cheat", Progress(), [f"method.way={way}"], [PLUGINS], shuffles=1)
    assert not any(f.beyond_chance for f in found)


def test_null_names_a_method_that_knows_labels(own_folder):
    """The process of this test hosts the folds, too: what knows the labels can be reached."""
    found = testing_null.run_null_check("cheat", Progress(), ["method.way=host"], [PLUGINS], shuffles=2)
    assert all(f.right == f.of == 40 and f.beyond_chance for f in found)
    with pytest.raises(
        testing_null.KnowsLabelsError,
        match=r"'cheat' knows labels .*recognition is right 40 times of 40 .* shuffled 2 times",
    ):
        testing_null.refuse_known_labels("cheat", found, 2)


def test_null_names_a_method_that_spots_the_invisible(own_folder):
    found = testing_null.run_null_check("seer", Progress(), ["method.p=0.9"], [PLUGINS], shuffles=1)
    assert [(f.task, f.right, f.beyond_chance) for f in found] == [("spotting", 20, True)] * 2
    honest = testing_null.run_null_check("seer", Progress(), ["method.p=0.1"], [PLUGINS], shuffles=1)
    assert not any(f.beyond_chance for f in honest)
    assert sum(f.right for f in honest) > 0


def test_null_chances_equal_all_ways_to_deal_labels():
    """One person shows a, b and c, answered a, a, c; another a and b, answered b, b: by hand."""
    emotions = {"s": ("abc", "aac"), "t": ("ab", "bb")}
    videos = [
        Video("x", subject, f"v{n}", 30.0, 48, (Expression(2, 9, emotion=label),))
        for subject, (labels, _) in emotions.items()
        for n, label in enumerate(labels)
    ]
    answers = [answer for _, given in emotions.values() for answer in given]
    table = pd.DataFrame({"video": [v.key for v in videos], "predicted": answers})
    run = SimpleNamespace(
        folder=SimpleNamespace(read_table=lambda _: table),
        plan=SimpleNamespace(data=SimpleNamespace(scheme=Scheme.native("abc"))),
    )
    right, of, chances = testing_null.count_named_clips(run, videos)
    assert (right, of) == (2 + 1, len(videos))
    # Of the six ways for s two each are right never, once and twice; t is right once either way.
    np.testing.assert_allclose(chances, np.convolve([2 / 6, 2 / 6, 2 / 6, 0], [0, 1, 0]))


@pytest.mark.parametrize("shuffles", [1, 3])
def test_null_band_holds_all_but_its_share(shuffles):
    fair = np.convolve([0.5, 0.5], [0.25, 0.75])
    runs = [{("recognition", "a"): (1, 2, fair), ("spotting", "a"): (2, 2, fair)}] * shuffles
    draws = np.random.default_rng(0).choice(3, (200_000, shuffles), p=fair).sum(axis=1)
    for one in testing_null.pool_answers(runs):
        assert one.of == 2 * shuffles
        assert np.mean(draws > one.most) <= 1 / (2 * testing_null.ONE_IN) + 0.001
        assert one.most == 2 * shuffles or np.mean(draws >= one.most) > 1 / (2 * testing_null.ONE_IN) - 0.001
