"""Live video: what is reported while it plays is what is found in the whole file, and what cannot be kept up with is counted."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mebench.config import resolve
from mebench.errors import RunError
from mebench.frames.stream import Stream
from mebench.inference import models, spotted
from mebench.inference.live import CurvePoint, Live
from mebench.inference.model_card import export_model
from mebench.inference.models import read_header
from mebench.inference.operating_point import write_with_levels
from mebench.inference.own_film import merge_intervals
from mebench.output.progress import Progress
from mebench.runner.execute import execute_run
from tests.cli.conftest import mebench
from tests.helpers.own_videos import moving, write

__all__ = ["mebench"]
SPANS = ((12, 16, 21), (45, 49, 54))


@pytest.fixture(scope="module")
def file(tiny, tmp_path_factory):
    """The model of a fold that tells a lot: with a low threshold."""
    words = [
        "method=linear_spotter",
        "kinds=[micro]",
        "method.regions=box",
        "method.flow=farneback",
        "method.stride=2",
    ]
    words += ["method.track=frame", "method.threshold=absolute", "method.anchor=middle"]
    more = ["protocol=holdout", "protocol.test=[s003]", "bootstrap=0", f"runs={tmp_path_factory.mktemp('runs')}"]
    folder = execute_run(resolve([*words, *more, *tiny]), Progress()).folder
    path = tmp_path_factory.mktemp("models") / "low.safetensors"
    export_model(folder, models.models_of_run(folder)[0].fold, path, "low")
    weights = load_file(path) | {"thresholds": torch.tensor([0.0], dtype=torch.float64)}
    save_file(weights, path, {"mebench": read_header(path).model_dump_json()})
    return path


@pytest.fixture(scope="module")
def over_time(tmp_path_factory):
    """The included network over time, with a low level and the fixed intervals of live video."""
    model = models.read_model(models.find_model_file("block_motion"))
    path = tmp_path_factory.mktemp("models") / "over_time.safetensors"
    changed = model.header.method | {"interval": "fixed", "flow": "farneback"}
    write_with_levels(path, model, model.header.model_copy(update={"method": changed}), [0.0])
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Two expressions in three seconds."""
    return write(tmp_path_factory.mktemp("videos") / "a.mp4", moving(3, 240, (60, 20), SPANS), 75, (400, 300))


@pytest.mark.parametrize("model", ["file", "over_time"])
def test_Live_equals_spotting_of_the_whole_file(request, model, video):
    file = request.getfixturevalue(model)
    live = Live([models.read_model(file)], Stream(str(video), paced=False))
    found, waited = [], {kind: [] for kind in live.levels}
    for one in live.run():
        found.append(one)
        if isinstance(one, CurvePoint) and live.stream.taken < 75:
            waited[one.kind].append(live.stream.taken - 1 - one.frame)
    for kind, frames in waited.items():
        delay, _ = live.delays_in_frames(kind)
        assert max(frames, default=delay) == delay  # one that sees more than the video gives no point before its end
    (whole,) = spotted.spot_videos([video], [models.read_model(file)], workers=1).videos
    predicted = [one.prediction for one in found if not isinstance(one, CurvePoint)]
    assert len(predicted) >= len(SPANS)
    merged = merge_intervals(predicted, live.timing.k_prime)  # live, overlapping ones come one by one
    assert [(p.kind, p.onset, p.apex, p.offset) for p in sorted(merged, key=order)] == [
        (p.kind, p.onset, p.apex, p.offset) for p in sorted(whole.answer.predictions, key=order)
    ]
    for kind, curve in whole.answer.curves.items():
        points = [point for point in found if isinstance(point, CurvePoint) and point.kind == kind]
        np.testing.assert_allclose([p.score for p in points], curve.smoothed[[p.frame for p in points]], atol=1e-6)
        assert len(points) == np.isfinite(curve.smoothed).sum()
        assert all(point.face for point in points)
    assert live.stream.taken == 75
    assert live.stream.dropped == live.stream.missing == 0


def order(prediction):
    return prediction.kind, prediction.apex


def test_spot_live_prints_json_lines_and_its_delay(mebench, file, video, tmp_path):
    code, out, err = mebench("spot", "--live", video, "--model", file, "--seconds", "1.2", "--json", "-")
    start, *events, end = map(json.loads, out.splitlines())
    assert code == 0
    assert start["event"] == "start"
    assert end["event"] == "end"
    assert end["frames"] == 30

    k, k_prime = start["k"], start["k_prime"]["micro"]
    stated = start["delay_ms"]["micro"]
    assert stated["curve"] >= 40 * (k + k_prime)
    assert stated["intervals"] == stated["curve"] + 40 * k_prime
    assert {"curve"} <= {line["event"] for line in events} <= {"curve", "interval"}

    first = next(line for line in events if line["event"] == "curve" and line["kind"] == "micro")
    assert first["seconds"] == first["frame"] / 25
    assert first["frame"] == k_prime
    assert end["delay_ms"]["curve"]["median"] > 0
    assert end["dropped"] >= 0
    assert "late" in err
    assert "does not say what a person feels" in err

    short = write(tmp_path / "short.mp4", moving(3, 240, (60, 20), SPANS), 25, (400, 300))
    code, out, _ = mebench("spot", "--live", short, "--model", file, "--json", tmp_path / "lines.jsonl")
    assert code == 0
    assert "1.0 s, 25 frames" in out
    assert "measured delay: curve" in out
    assert json.loads((tmp_path / "lines.jsonl").read_text().splitlines()[-1])["seconds"] == 1.0


def test_Stream_drops_frames_that_come_too_fast(tmp_path, monkeypatch):
    """Frames show their number in their brightness; the source is done long before they are looked at."""
    monkeypatch.setattr("mebench.frames.stream.WAITING", 0.05)
    numbered = [np.full((64, 64, 3), 4 * n, np.uint8) for n in range(60)]
    monkeypatch.setattr(
        "mebench.frames.stream.play_source", lambda source: (200.0, ((n / 200, x) for n, x in enumerate(numbered)))
    )
    stream = Stream("a.avi")
    stretches = []
    while not stream.is_over:
        first = stream.taken
        own = []
        for frame in stream.frames():
            time.sleep(0.01)
            own.append(int(frame[0, 0, 0]) // 4)
        stretches.append((first, own))

    seen = [n for _, own in stretches for n in own]
    assert len(stretches) > 1
    filled = [(first, own) for first, own in stretches if own]
    assert all(own == list(range(own[0], own[0] + len(own))) for _, own in filled)
    assert stream.dropped == 60 - len(seen) > 0
    assert stream.missing == 0
    assert stream.taken == 60
    assert all(first <= own[0] <= first + 11 for first, own in filled)


def test_Stream_repeats_a_frame_where_the_source_skips(tmp_path):
    times = [0.0, 0.04, 0.08, 0.2, 0.24]
    stream = Stream(str(write(tmp_path / "a.mp4", moving(3, 60, (0, 0)), size=(64, 64), times=times)), 25, paced=False)
    seen = list(stream.frames())
    assert len(seen) == 7
    assert stream.missing == 2
    assert stream.dropped == 0
    assert (seen[2] == seen[3]).all()
    assert (seen[2] == seen[4]).all()


def test_Live_says_what_cannot_be_live(mebench, file, video, tmp_path):
    model = models.read_model(file)
    relative = replace(model.config.method_params, threshold="relative")
    with pytest.raises(RunError, match=r"live video needs method\.threshold=absolute"):
        Live([replace(model, config=replace(model.config, method_params=relative))], Stream(str(video)))

    room = write(tmp_path / "room.avi", lambda index: [], 12, codec="mjpeg")
    for words, sentence in (
        (("--live", "camera:97"), "there is no camera /dev/video97"),
        (("--live", tmp_path / "none.mp4"), "there is no video file"),
        (("--live", room), "no face found in the live video (12 frames"),
        (("--live", room, "--fps", "0"), "--fps must be a number above 0, not 0"),
        (("--live", room, "--seconds", "inf"), "--seconds must be a number above 0, not inf"),
        (
            ("--live", room, "--overlay"),
            "--overlay is for whole videos: leave it out, or leave out --live",
        ),
        (("--live", room, "--faces", "all"), "--faces is for whole videos"),
        (("--live", room, "-o", "mine"), "-o is for whole videos"),
        (("--live", room, "--workers", "2"), "--workers is for whole videos"),
        ((), "needs either a VIDEO"),
        ((video, "--live", video), "needs either a VIDEO"),
        ((video, "--seconds", "3"), "--seconds ends a live video"),
        ((video, "--fps", "nan"), "--fps must be a number above 0, not nan"),
        ((video, "--damaged", "maybe"), "unknown --damaged 'maybe'"),
    ):
        code, _, err = mebench("spot", *words, "--model", file)
        assert code, (words, err)
        assert sentence in err, (words, err)
        assert "Traceback" not in err, (words, err)
