"""Every kind of page under axe; what each weighs, how long it is, and what its first screen says.

axe-core lies in the package axe-playwright-python, so nothing is fetched. The pages are of drawn runs, small ones: a limit of `PAGES`
holds for what a kind of page always carries.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from mebench.api.score_files import compare
from mebench.core import Prediction, Video
from mebench.core.peaks import ScoreCurve
from mebench.core.types import Timing
from mebench.inference import robustness_page, spotted
from mebench.inference.alarm_rates import AlarmRate, KnownRate
from mebench.inference.predict import Answer
from mebench.records.method_result import open_result
from mebench.reports.answers_page import page_of_answers
from mebench.reports.report import page_of_runs
from mebench.tuning.tuning_page import page_of_tuning
from mebench.vqa.answer_findings import scores_with_floors
from mebench.vqa.judged_answers import STATES, report_answers
from tests.helpers.run_folders import make_run

pytestmark = pytest.mark.browser


class Limits(NamedTuple):
    """Most of a kind of page: kilobytes of its file, pixels of its height on a wide and on a narrow screen.

    And what stands on the first screen of a phone: a selector.
    """

    kilobytes: int
    wide: int
    narrow: int
    first: str


ANSWER = ".answer"
PAGES = {
    "run.html": Limits(130, 4500, 7000, ANSWER),
    "two.html": Limits(130, 6500, 10500, ANSWER),
    "degraded.html": Limits(90, 2200, 2700, ANSWER),
    "spotted.html": Limits(80, 1700, 2300, ANSWER),
    "answers.html": Limits(80, 2600, 3400, ANSWER),
    "tuned.html": Limits(60, 1400, 1800, ANSWER),
    "index.html": Limits(30, 2000, 3000, "h1 + .lead"),
    "rows.html": Limits(60, 2500, 3500, "h1 + .lead"),
    "boards/found.html": Limits(40, 2500, 3000, "h1 + .lead strong"),
    "tables/spotting-casme2-loso.html": Limits(120, 8000, 12000, "h1"),
    "runs/*.html": Limits(150, 6500, 9500, ANSWER),
    "methods/random.html": Limits(60, 4000, 8000, "h1"),
    "datasets/casme2.html": Limits(60, 6000, 11000, "h1"),
    "methods.html": Limits(60, 4000, 11000, "h1 + .lead"),
    "published.html": Limits(900, 9000, 12000, "h1"),
    "about.html": Limits(60, 6500, 14000, "h1"),
    "ranks.html": Limits(30, 1500, 2000, "h1 + .lead"),
    "submit.html": Limits(20, 1500, 2500, "h1"),
}
"""The limits of each kind of page, by its place; of a pattern the first file is taken."""


@pytest.fixture(scope="module")
def pages_alone(tmp_path_factory):
    """The pages that need no other file: of a run, two runs, degraded videos, own films and answers."""
    folder = tmp_path_factory.mktemp("alone")
    runs = folder / "runs"
    clean = make_run(runs, "one", method="mean", dataset="casme2")
    make_run(runs, "two", method="mean", dataset="casme2", shift=20)
    one, two = (open_result(str(runs), name) for name in ("one", "two"))
    compared = compare("one", "two", runs=str(runs))
    texts = {
        "run.html": page_of_runs([one]),
        "two.html": page_of_runs([one, two], compared.found, compared.remarks),
        "degraded.html": robustness_page.page_of_robustness(clean, _degraded_rows()),
        "spotted.html": spotted.SpottedVideos("a model", (_spotted_face(),)).make_page(),
        "answers.html": _answers_page(),
        "tuned.html": page_of_tuning(_tuning(folder)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _degraded_rows():
    scores = []
    for strength, value in enumerate((0.6, 0.5, 0.3)):
        score = {"value": value, "low": value - 0.1, "high": value + 0.1}
        lost = {"value": value - 0.6, "low": value - 0.75, "high": value - 0.55}
        cell = {"score": score, "difference": lost, "drop": (0.6 - value) / 0.6}
        row = {"kind": "blur", "strength": strength, "error": None, "skipped": 0}
        scores.append(row | {"scores": {"spotting.micro.f1": cell}})
    mirror = {"kind": "mirror", "strength": 3, "error": None, "skipped": 0, "violations": {"n": 3, "of": 40}}
    return [*scores, mirror]


def _spotted_face():
    answer = Answer(
        [Prediction("v", "micro", 60, 64, 70, 0.5, emotion="happiness")],
        {"micro": ScoreCurve(np.zeros(100), np.zeros(100), 0.4, 2.0)},
        Timing(25.0, 3, {"micro": 5}),
    )
    rate = AlarmRate("micro", 1, 4.0, (KnownRate("drawn", "drawn films", 1.0),))
    video = Video("d", "s", "v", 25, 100)
    return spotted.SpottedVideo("v", "", Path("v"), video, np.arange(100) / 25, answer, ("small face",), (rate,))


def _answers_page():
    question = "What is the coarse expression class?"
    asked = [{"id": f"samm_a_{n}", "question": question, "answer": "negative"} for n in range(3)]
    given = [{**row, "answer": text} for row, text in zip(asked, ("negative", "positive", "I cannot tell."))]
    answers = report_answers(asked, given, {"floor": "prior"})
    return page_of_answers(answers, "mine", STATES, scores_with_floors(answers["scored"]))


def _tuning(folder):
    """The outcome of a tuning of one value over two trials, without figures."""
    score = {
        "inner": {"default": 0.5, "tuned": 0.6, "gain": 0.1},
        "outer": {
            "default": {"value": 0.4, "low": 0.3, "high": 0.5},
            "tuned": {"value": 0.45, "low": 0.3, "high": 0.6},
            "gain": {"value": 0.05, "low": -0.1, "high": 0.2},
            "p": 0.5,
        },
        "flattered": 0.15,
        "flattered_gain": 0.05,
    }
    study = {
        "subjects": ["d/1", "d/2"],
        "trials": {"complete": 2, "pruned": 0, "fail": 0},
        "best": {"params": {"method.p": 0.6}},
        "importance": {"method.p": 1.0},
    }
    return {
        **dict.fromkeys(("study", "storage", "method", "dataset", "protocol", "tuned_on"), "drawn"),
        "nested": False,
        "objectives": {"spotting.micro.f1": "maximize"},
        "studies": {"tuning": study},
        "outer_subjects": 3,
        "least_p": 0.25,
        "default_values": {"method.p": 0.5},
        "parameters": {"method.p": {"acts": "postprocess", "low": 0.0, "high": 1.0}},
        "scores": {"spotting.micro.f1": score},
        "conclusion": "no gain is shown on new subjects",
        "runs": {"default": "outer/default", "tuned": "outer/tuned"},
        "seconds": {"inner_folds": 1.0, "trials": 1.0, "outer": 1.0},
        "folder": str(folder),
    }


@pytest.mark.parametrize("place", PAGES)
def test_page_answers_first_and_is_accessible(window, site, pages_alone, place):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python carries axe")
    folder = pages_alone if (pages_alone / place).is_file() else site
    file = min(folder.glob(place))
    limits = PAGES[place]
    assert file.stat().st_size <= 1000 * limits.kilobytes
    page, complaints = window
    complaints.clear()
    for width, height, scheme, longest in ((1440, 900, "light", limits.wide), (390, 844, "dark", limits.narrow)):
        page.goto("about:blank")
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.goto(file.as_uri())
        if folder == site:
            page.wait_for_selector("html[data-ready]", state="attached")
        found = axe.Axe().run(page, options={"preload": False}).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
        shown = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert shown[0] <= width, "the page moves sideways"
        assert shown[1] <= longest, f"{shown[1]} pixels at {width}"
    first = page.locator(limits.first).first.bounding_box()
    assert first["y"] < height, "the first screen of a phone begins with something else"
    assert complaints == []
