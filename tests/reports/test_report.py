"""The report of a run: what its timelines hold is what the run predicted, and nothing in it is markup or comes from elsewhere."""

import base64
import json
import re
import shutil
import zlib
from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, strategies as st
from hypothesis.extra.numpy import arrays

from mebench.core import peaks
from mebench.records import record as records_record
from mebench.reports import judge_run, page_templates, timeline
from mebench.reports.report import timelines_of_videos, write_figures_of_runs
from mebench.score_type import Score
from tests.cli.conftest import mebench
from tests.helpers.run_folders import make_run

__all__ = ["mebench"]
EVIL = "<script>alert(1)</script><b onclick='x'>"
KINDS = ("micro", "macro")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reported")
    make_run(folder, "one", kinds=KINDS, shift=5)
    make_run(folder, "two", kinds=KINDS, method="other")
    evil = make_run(folder, "evil", method=EVIL, settings={"method.p": EVIL}, remark=EVIL, warnings=[EVIL])
    for name in ("truth", "predictions"):
        table = evil.read_table(f"{name}.parquet")
        for column in ("native_emotion", "action_units"):
            table = table.assign(**{column: EVIL}) if column in table else table
        evil.write_table(f"{name}.parquet", table)
    return folder


def shown_videos(page):
    """What the timelines of a page hold, each lane with its `spans`."""
    (packed,) = re.findall(r"data-packed-timelines>(.*?)</script>", page, re.DOTALL)
    held = json.loads(zlib.decompress(base64.b64decode(packed)))
    left = {name: list(zip(*columns)) for name, columns in held["spans"].items()}
    for video in held["videos"]:
        for lane in [*(lane for track in video["tracks"] for lane in track["lanes"]), *video["lanes"]]:
            own, left[lane["name"]] = left[lane["name"]][: lane["n"]], left[lane["name"]][lane["n"] :]
            onsets = np.cumsum([step for step, *_ in own])
            lane["spans"] = [
                [int(onset), int(onset + length), None if apex is None else int(onset + apex), *others]
                for onset, (_, length, apex, *others) in zip(onsets, own)
            ]
    assert not any(left.values())
    return held["videos"]


def report(mebench, tmp_path, runs, *words):
    code, _, err = mebench("report", *words, "--runs", runs, "-o", tmp_path / "page.html")
    return code, err, (tmp_path / "page.html").read_text() if code == 0 else ""


def unpack(packed):
    """The values of a packed curve, each to half a step."""
    halves = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), np.uint8).astype(np.uint16)
    lower, upper = np.split(halves, 2)
    heights = np.cumsum(lower + (upper << 8), dtype=np.uint16)
    values = packed["low"] + (heights - 1.0) / (timeline.STEPS - 1) * (packed["high"] - packed["low"])
    return np.where(heights == 0, np.nan, values)


@given(arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e6, 1e6) | st.just(np.nan)))
def test_pack_curve_is_right_to_half_a_step(values):
    packed = json.loads(json.dumps(timeline.pack_curve(values)))
    found = unpack(packed)
    step = (packed["high"] - packed["low"]) / (timeline.STEPS - 1)
    assert np.isnan(found).tolist() == np.isnan(values).tolist()
    assert np.all(np.isnan(values) | (np.abs(found - values) <= step * 0.5 + 1e-9 * (1 + abs(packed["high"]))))


def test_report_timeline_holds_predictions(mebench, tmp_path, runs):
    code, _, page = report(mebench, tmp_path, runs, "one")
    folder = runs / "one"
    for name, spotted in (("predictions", True), ("truth", False)):
        table = pd.read_parquet(folder / f"{name}.parquet")
        expected = sorted(
            (r.video, r.kind, r.onset, r.offset, None if pd.isna(r.apex) else r.apex) for r in table.itertuples()
        )
        shown = [
            (video["title"], lane["kind"], span[0], span[1], span[2])
            for video in shown_videos(page)
            for lane in video["tracks"][0]["lanes"]
            if lane["spotted"] == spotted
            for span in lane["spans"]
        ]
        assert code == 0
        assert sorted(shown, key=str) == sorted(expected, key=str)

    scores = pd.read_parquet(folder / "frame_scores.parquet")
    for video in shown_videos(page):
        for curve in video["tracks"][0]["curves"]:
            own = scores[(scores["video"] == video["title"]) & (scores["kind"] == curve["kind"])]["score"].to_numpy()
            np.testing.assert_allclose(unpack(curve["scores"]), own, atol=1e-3)


def test_report_outcomes_agree_with_summary(runs):
    for name in ("one", "two"):
        record = read_run(runs / name)
        counted = Counter()
        for one in timelines_of_videos([judge_run(record)]):
            for lane in one["timeline"].tracks[0].lanes:
                counted.update((span.outcome, lane.spotted) for span in lane.spans)
        of_kinds = [record.summary["spotting"][kind] for kind in KINDS]
        assert counted["right", True] == sum(part["tp"] for part in of_kinds)
        assert counted["wrong", True] == sum(part["fp"] for part in of_kinds)
        assert counted["wrong", False] == sum(part["fn"] for part in of_kinds)


def test_pack_timelines_holds_every_span(mebench, tmp_path, runs):
    _, _, page = report(mebench, tmp_path, runs, "one")
    drawn = timelines_of_videos([judge_run(read_run(runs / "one"))])
    assert [video["id"] for video in shown_videos(page)] == [one["id"] for one in drawn]
    for video, one in zip(shown_videos(page), drawn):
        plain = one["timeline"].plain()
        assert video["title"] == plain["title"]
        assert (video["missed"], video["wrong"], video["note"]) == (one["missed"], one["wrong"], one["note"])
        for track, expected in zip(video["tracks"], plain["tracks"]):
            assert [lane["spans"] for lane in track["lanes"]] == [lane["spans"] for lane in expected["lanes"]]


def test_report_counts_mistakes_whose_reason_timelines_give(mebench, tmp_path, runs):
    """The script fills the list of a cause with the intervals whose tooltip has its reason."""
    _, _, page = report(mebench, tmp_path, runs, "one", "two")
    lists = re.findall(r'data-reason="([^"]*)" data-track="([^"]*)"><summary>[^<]*?(\d+), each in', page)
    counted = Counter()
    for video in shown_videos(page):
        for track in video["tracks"]:
            for lane in track["lanes"]:
                reasons = [reason for *_, words in lane["spans"] for reason in words.split("; ")]
                counted.update((reason, track["name"]) for reason in reasons)
    mistakes = {
        (reason, track): n for (reason, track), n in counted.items() if reason.startswith(("wrong: ", "missed: "))
    }
    assert {track for _, track in mistakes} == {"A"}  # run B makes none
    assert {(reason, track): int(n) for reason, track, n in lists} == mistakes


def test_report_has_lanes_of_action_units(tmp_path):
    run = make_run(tmp_path, kinds=("micro",), tasks=("spot", "recognize"), classes=["AU4", "AU12"])
    truth, clips, spotted = (run.read_table(f"{name}.parquet") for name in ("truth", "clips", "predictions"))
    run.write_table("truth.parquet", truth.assign(emotion="AU4+AU12"))
    run.write_table("clips.parquet", clips.assign(predicted="AU4+AU7"))
    run.write_table("predictions.parquet", spotted.assign(emotion=["AU12", *["AU4"] * (len(spotted) - 1)]))
    video = spotted["video"].iloc[0]
    own, asked = (len(table[table["video"] == video]) for table in (spotted, clips))
    (track,) = next(
        one["timeline"].tracks
        for one in timelines_of_videos([judge_run(read_run(run.path))])
        if one["timeline"].title == video
    )

    lanes = {
        lane.name: [(span.outcome, span.words) for span in lane.spans] for lane in track.lanes if "AU" in lane.name
    }
    assert lanes == {
        "AU4": [("right", "named, shown")] * asked,
        "AU7": [("wrong", "named, not shown")] * asked,
        "AU12": [("wrong", "not named, shown")] * asked,
        "AU12, spotted": [("open", "named")],
        **({"AU4, spotted": [("open", "named")] * (own - 1)} if own > 1 else {}),
    }


def read_run(path):
    from mebench.runs import RunFolder

    return records_record.read_record(RunFolder(path))


def smoothing(folder):
    """A run whose predictions are what the spotting of the suite makes of its scores, and which keeps the curves."""
    run = make_run(folder, settings={"method.rule": "paper", "method.smoothing": "average"}, tasks=("spot",))
    scores = run.read_table("frame_scores.parquet")
    rows = []
    curves = []

    def keep(curve):
        frames = range(curve.first, curve.first + len(curve.heights))
        curves.extend((fold, video, i, "micro", height, curve.level) for i, height in zip(frames, curve.heights))

    for (fold, video), own in scores.groupby(["fold", "video"]):
        spotted = peaks.spot(own["score"].to_numpy(), 6, 0.5, keep=keep)
        rows.extend((fold, video, "micro", *found, None, None, 0) for found in spotted)
    table = pd.DataFrame(rows, columns=run.read_table("predictions.parquet").columns)
    run.write_table("predictions.parquet", table)
    columns = ["fold", "video", "frame", "kind", "smoothed", "level"]
    run.write_table("curves.parquet", pd.DataFrame(curves, columns=columns))
    return run


def test_report_draws_kept_curves_and_thresholds(tmp_path):
    run = smoothing(tmp_path)
    drawn = timelines_of_videos([judge_run(records_record.read_record(run))])
    table = run.read_table("predictions.parquet")
    for one in drawn:
        (curve,) = one["timeline"].tracks[0].curves.values()
        own = table[table["video"] == one["timeline"].title]
        np.testing.assert_allclose(curve.smoothed[own["apex"]], own["confidence"])
        assert curve.level <= own["confidence"].min()
        assert np.nanmean(curve.smoothed) < curve.level
    (run.path / "curves.parquet").unlink()  # as in a run of earlier, or of a method that keeps none
    of_earlier = timelines_of_videos([judge_run(records_record.read_record(run))])
    curves = [curve for one in of_earlier for curve in one["timeline"].tracks[0].curves.values()]
    assert {curve.smoothed for curve in curves} == {None}


def test_report_escapes_markup_and_fetches_nothing(mebench, tmp_path, runs):
    code, _, page = report(mebench, tmp_path, runs, "evil")
    assert code == 0
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)" in page
    assert any("<script>alert(1)" in json.dumps(video) for video in shown_videos(page))  # which the script adds as text
    outside = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert "<script" not in outside
    assert "<b onclick" not in outside
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", outside)
    assert "default-src 'none'" in page


def test_report_says_what_folds_could_read(mebench, tmp_path):
    folder = make_run(tmp_path / "runs", "one")
    access = {"asked": "auto", "lacks": [], "reads": ["/a/face.dat"], "devices": [], "view": False}
    folder.write_json("sandbox.json", access)
    _, _, page = report(mebench, tmp_path, tmp_path / "runs", "one")
    assert "isolated from the content of files" in page
    assert "besides code its method could read /a/face.dat" in page


@pytest.mark.parametrize(
    ("path", "bars"),
    [
        ("spotting.micro.f1", 1),
        ("recognition.members.samm.uf1", 1),
        ("spotting.micro.fp_per_minute", 0),
        ("apex_mae_ms", 0),
    ],
)
def test_report_draws_bar_of_shares(path, bars):
    cell = page_templates.template_environment().get_template("parts.html").module.number
    assert str(cell(Score(0.5, 0.25, 0.75), path)).count('class="bar"') == bars
    assert 'class="bar"' not in str(cell(Score(0.5), path))


@given(st.integers(0, 10**7), st.sampled_from([24.0, 25.0, 30_000 / 1001, 60_000 / 1001, 200.0]))
@example(2997, 30_000 / 1001)  # 99.9999 s
def test_clock_time_has_milliseconds(frame, fps):
    shown = timeline.clock_time(frame / fps)
    parts = [Fraction(part) for part in shown.removesuffix(" s").split(":")]
    assert all(part < 60 for part in parts[1:])
    assert len(parts) > (frame / fps >= 60)
    shown_videos = sum(part * 60**place for place, part in enumerate(reversed(parts)))
    assert abs(shown_videos - Fraction(frame / fps)) <= Fraction(1, 2000)


def test_report_of_two_runs_shares_timelines(mebench, tmp_path, runs):
    code, _, page = report(mebench, tmp_path, runs, "one", "two")
    assert code == 0
    for video in shown_videos(page):
        assert [track["name"] for track in video["tracks"]] == ["A", "B"]
        assert all(t["curves"] for t in video["tracks"])
    assert "A − B" in page
    assert "p (Holm)" in page
    assert shown_videos(page)[0]["note"] == "A: 2 missed, 2 wrong"
    assert "data-sortable" in page
    assert "table[data-sortable]" in page, "without its script no table can be sorted"


def test_report_of_two_runs_puts_causes_side_by_side(mebench, tmp_path):
    make_run(tmp_path / "runs", "all", dataset="casme2", tasks=("spot",))
    make_run(tmp_path / "runs", "none", dataset="casme2", tasks=("spot",), shift=100)
    _, _, page = report(mebench, tmp_path, tmp_path / "runs", "all", "none")
    table = page.partition("Number by cause")[2].partition("</table>")[0]
    heads, *rows = [re.findall(r">([^<>]+)<", line) for line in re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL)]
    assert heads == ["what went wrong", "A", "B"]
    summaries = [json.loads((tmp_path / "runs" / name / "summary.json").read_text()) for name in ("all", "none")]
    for mistake, words in (("miss", "miss: "), ("false_positive", "false positive: ")):
        for n, summary in enumerate(summaries, 1):
            counted = sum(float(row[n]) for row in rows if row[0].startswith(words))
            assert counted == sum(summary["mistakes"]["micro"][mistake].values())


def test_write_page_figures_in_three_formats(tmp_path):
    files = write_figures_of_runs([make_run(tmp_path / "runs", subjects=1)], tmp_path / "figures")
    assert sorted(files) == sorted((tmp_path / "figures").iterdir())
    assert all(file.stat().st_size > 1000 for file in files)
    names = {file.stem for file in files}
    for name in names:
        assert {f"{name}.svg", f"{name}.png", f"{name}.pdf"} <= {file.name for file in files}
    assert len(files) == 3 * len(names)
    assert {"iou_sweep", "subjects", "recognition_confusion", "analysis_confusion", "scores_drawn--00--v1"} <= names


@pytest.mark.parametrize(
    ("run", "words", "sentence"),
    [
        ({"done": False}, ["bad"], "run 'bad' is not finished: continue it with mebench resume"),
        ({}, ["bad", "bad"], "both words name the run 'bad'"),
        ({}, ["bda"], "unknown run 'bda'. Did you mean 'bad'?"),
        (
            {},
            ["bad", "-o", "no/such/page.html"],
            "cannot be written: No such file or directory: name another with -o FILE",
        ),
    ],
)
def test_report_refuses_in_a_sentence(mebench, tmp_path, run, words, sentence):
    make_run(tmp_path / "runs", "bad", **run)
    words = [*words] if "-o" in words else [*words, "-o", tmp_path / "page.html"]
    code, _, err = mebench("report", *words, "--runs", tmp_path / "runs")
    assert code
    assert sentence in err
    assert "Traceback" not in err


def test_report_without_frame_scores_shows_intervals(mebench, tmp_path):
    run = make_run(tmp_path / "runs", "bare")
    (run.path / "frame_scores.parquet").unlink()
    code, _, page = report(mebench, tmp_path, tmp_path / "runs", "bare")
    assert code == 0
    assert "keeps no scores of frames, so its timelines show only intervals" in page
    assert all(not video["tracks"][0]["curves"] and video["tracks"][0]["lanes"] for video in shown_videos(page))


def test_report_names_lost_predictions(mebench, tmp_path):
    run = make_run(tmp_path / "runs", "lost")
    (run.path / "predictions.parquet").unlink()
    code, err, _ = report(mebench, tmp_path, tmp_path / "runs", "lost")
    assert code
    assert "is damaged (predictions.parquet)" in err
    assert "repair it with: mebench resume" in err


def test_report_of_recognizer_has_no_spotting(mebench, tmp_path):
    make_run(tmp_path / "runs", "names", tasks=("recognize",))
    code, _, page = report(mebench, tmp_path, tmp_path / "runs", "names")
    assert code == 0
    assert "Annotated clips" in page
    assert "Mistakes in spotting" not in page
    lanes = [lane for video in shown_videos(page) for lane in video["tracks"][0]["lanes"]]
    words = [span[5] for lane in lanes for span in lane["spans"]]
    assert any("as a clip named" in one for one in words)


def test_report_names_other_version(mebench, tmp_path, runs):
    """Its method may be gone by now."""
    other = shutil.copytree(runs / "one", tmp_path / "runs" / "old")
    for file, words in (("versions.json", {"mebench": "0.0.7"}), ("config.json", {"method": "gone"})):
        content = json.loads((other / file).read_text())
        content.get("config", content).update(words)
        (other / file).write_text(json.dumps(content))
    code, _, page = report(mebench, tmp_path, tmp_path / "runs", "old")
    assert code == 0
    assert "0.0.7" in page
    assert len(shown_videos(page)) > 0
