"""Where a model is blind: by what its card says it found of injections, and on the page."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from mebench.core import Prediction, Timing, Video
from mebench.core.peaks import ScoreCurve
from mebench.features.injection import Injection
from mebench.inference import spotted
from mebench.inference.blindness import blind_stretches, describe_blindness, is_blind, recovered_on_card
from mebench.inference.models import included_models, read_model
from mebench.inference.predict import Answer
from mebench.inference.recovery import Alarms, Recovery, Share, Trial

KNOWN = {"speech": Share(0, 17), "turning": Share(1, 4), "still": Share(9, 12)}
ACTIVITIES = ((10, 59, "speech"), (80, 99, "turning"))
ANSWER = Answer(
    [Prediction("v", "micro", 60, 64, 70, 0.5)],
    {"micro": ScoreCurve(np.zeros(100), np.zeros(100), 0.4, 2.0)},
    Timing(25.0, 3, {"micro": 5}),
    activities=ACTIVITIES,
)


def test_is_blind_needs_many_injections_and_few_found():
    """By the upper end of the interval: 0 of 17 is at most 18 %, 1 of 4 at most 70 %."""
    assert [is_blind(share) for share in KNOWN.values()] == [True, False, False]
    assert not is_blind(Share(0, 5))


def test_blind_stretches_are_those_of_a_blind_activity():
    assert list(blind_stretches(ANSWER, KNOWN)) == [(10, 59, "speech")]
    assert list(blind_stretches(ANSWER, {})) == []


def test_describe_blindness_says_when_and_by_what_measure():
    (words,) = describe_blindness(ANSWER, KNOWN, 25.0)
    assert words.startswith("while the person speaks, 1 stretch, 2.0 s, this model is blind")
    assert "it found 0 of 17 [0, 18 %] then" in words
    assert list(describe_blindness(replace(ANSWER, activities=()), KNOWN, 25.0)) == []


def test_recovered_on_card_reads_found_and_all(tmp_path):
    model = read_model(next(iter(included_models())))
    scores = {"recovery.speech.found": 2.0, "recovery.speech.of": 20.0, "recovery.still.found": 3.0}
    header = model.header.model_copy(update={"scores": scores})
    assert recovered_on_card([replace(model, header=header)]) == {"speech": Share(2, 20)}
    assert recovered_on_card([replace(model, header=None)]) == {}


def test_recovered_on_card_is_that_of_the_record():
    """`benchmarks/recovery.json` has every injection."""
    record = json.loads((Path(__file__).parents[2] / "benchmarks" / "recovery.json").read_text("utf-8"))
    rows = [row for row in record if row["model"] == "block_motion" and "failed" not in row]
    strong = [one for row in rows for one in row["injections"] if one["strength"] >= 4]
    (model,) = (read_model(file) for file, header in included_models().items() if header.name == "block_motion")
    for activity, share in recovered_on_card([model]).items():
        own = [one["found"] for one in strong if one["activity"] == activity]
        assert (share.found, share.of) == (sum(own), len(own))
    assert recovered_on_card([model])


def test_page_veils_blind_stretches_and_shows_recovery(tmp_path):
    trials = (Trial(Injection("4", None, 8.0, 30, 34, 40, "speech"), True, False),)
    recovery = Recovery(trials, (), {"speech": Alarms(0, 2.0)}, 1)
    video = Video("d", "s", "v", 25, 100)
    face = spotted.SpottedVideo(
        "v", "", tmp_path, video, np.arange(100) / 25, ANSWER, (), recovery=recovery, blind=((10, 59, "speech"),)
    )
    found = spotted.SpottedVideos("m", (face,))
    page = found.make_page()
    assert "the model is blind: the person speaks or turns" in page
    assert "while the person speaks the model is blind, from 0.4 s to 2.4 s" in page
    assert "1 micro-expression of 8 % of the distance between the eyes" in page
    first, second = found.describe_findings()
    assert first.startswith("1 place to look at")
    assert second == "Of 1 micro-expression that was put into copies of v, 1 [21, 100 %] was found."
    assert page.count("<main>") == page.count("<h1>") == 1
    assert '<div class="scroll" tabindex="0" role="region" aria-label="Intervals of v">' in page
    assert "smoothed, less the running median of 2 s" in page
    plain = face.plain()
    assert plain["blind_s"] == [[0.4, 2.4, "speech"]]
    assert plain["recovery"]["found"]["of"] == 1
