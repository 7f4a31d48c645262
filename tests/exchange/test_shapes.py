"""Answers in other forms than a table with a header, recognised by what they hold."""

import io
import json
import os
import pickle
from collections import OrderedDict

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from mebench.cli import app
from mebench.errors import DataError
from mebench.exchange.clips import read_clips
from mebench.exchange.frame_scores import read_frame_scores
from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks

ROWS = [("s1_a", 10, 30, 0.5), ("s1_b", 5, 9, 0.25), ("s1_b", 40, 52, 0.75)]


def npy(value, **more):
    file = io.BytesIO()
    np.save(file, value, **more)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def by_video():
    found = {}
    for video, onset, offset, sure in ROWS:
        found.setdefault(video, []).append([onset, offset, sure])
    return found


def ragged():
    array = np.empty((2, 2), dtype=object)
    for place, (video, found) in enumerate(by_video().items()):
        array[place] = [video, [np.asarray(one) for one in found]]
    return array


class Meter:
    """A class of somebody's program."""

    def __init__(self):
        self.video, self.onset, self.offset, self.score = map(np.array, zip(*ROWS))


def notebook(*texts, shown="text"):
    """A cell that printed texts, or whose value is one."""
    outputs = [{"text": [text]} if shown == "text" else {"data": {"text/plain": [text]}} for text in texts]
    return json.dumps({"nbformat": 4, "cells": [{"outputs": outputs}]})


NAMES = ("video", "onset", "offset", "score")
FRAME = pd.DataFrame(ROWS, columns=NAMES)
MARKDOWN = "# Answers\n\n| video | onset | offset | score |\n|---|--:|--:|---|\n" + "".join(
    f"| {v} | {a} | {b} | {c} |\n" for v, a, b, c in ROWS
)
LINES = "".join(f"[INFO] video: {v}, onset: {a}, offset: {b}, score: {c}\n" for v, a, b, c in ROWS)
FORMS = {
    **{
        f"JSON of pandas, {form}": FRAME.to_json(orient=form)
        for form in ("columns", "index", "split", "table", "values")
    },
    "a table of pandas in a pickle": pickle.dumps(
        FRAME.set_axis(pd.Index(NAMES, dtype=object), axis=1)
        .set_index("video")
        .set_axis(pd.Index([row[0] for row in ROWS], dtype=object, name="video")),
        protocol=4,
    ),
    "an array of text in an archive": npz(found=np.array(ROWS)),
    "rows with names by video": json.dumps(
        {v: [dict(zip(NAMES[1:], one)) for one in own] for v, own in by_video().items()}
    ),
    "lists of all videos": json.dumps(
        {
            "videos": [*by_video()],
            "intervals": [[one[:2] for one in own] for own in by_video().values()],
            "scores": [[one[2] for one in own] for own in by_video().values()],
        }
    ),
    "apexes within videos": json.dumps({v: [[a, a + 1, b, c] for a, b, c in own] for v, own in by_video().items()}),
    "a table of Markdown": MARKDOWN,
    "Markdown in a notebook": json.dumps({"nbformat": 4, "cells": [{"cell_type": "markdown", "source": [MARKDOWN]}]}),
    "a page in a notebook": json.dumps(
        {"nbformat": 4, "cells": [{"outputs": [{"data": {"text/html": [FRAME.to_html(index=False)]}}]}]}
    ),
    "a list in the code of a notebook": json.dumps({"nbformat": 4, "cells": [{"source": [f"found = {ROWS!r}\n"]}]}),
    "lines of JSON": "\n".join(json.dumps(dict(zip(NAMES, row))) for row in ROWS),
    "a list of rows": json.dumps([dict(zip(NAMES, row)) for row in ROWS]),
    "columns": json.dumps(dict(zip(NAMES, zip(*ROWS)))),
    "intervals by video": json.dumps(by_video()),
    "an archive of arrays": npz(**{video: np.array(found) for video, found in by_video().items()}),
    "an array of objects": npy(ragged(), allow_pickle=True),
    "a pickle": pickle.dumps(OrderedDict(by_video())),
    "a table of pandas whose texts Arrow holds": pickle.dumps(
        pd.DataFrame([ROWS[2], *ROWS], columns=NAMES).astype({"video": "string[pyarrow]"})[1:]
    ),
    "a table of pandas that can have gaps in a pickle": pickle.dumps(FRAME.convert_dtypes().astype({"video": object})),
    "a pickle of an old protocol": pickle.dumps(by_video(), protocol=0),
    "arrays in a pickle of the newest protocol": pickle.dumps(
        {n: np.array(c) for n, c in zip(NAMES, zip(*ROWS))}, protocol=5
    ),
    "an array of records": npy(
        pd.DataFrame(ROWS, columns=NAMES).to_records(index=False, column_dtypes={"video": "U4"})
    ),
    "an object's attributes": pickle.dumps({"scores": [0.5], "meter": Meter()}),
    "rows without a header": "".join(" ".join(map(str, row)) + "\n" for row in ROWS),
    "tabs without a header": "".join("\t".join(map(str, row)) + "\n" for row in ROWS),
    "a table of pandas that a notebook printed": json.dumps(
        {"nbformat": 4, "cells": [{"outputs": [{"text": [pd.DataFrame(ROWS, columns=NAMES).to_string() + "\n"]}]}]}
    ),
    "a notebook that printed tuples": notebook("epoch 3\n", repr(ROWS) + "\n"),
    "a notebook whose value is a dict": notebook(repr(by_video()), shown="value"),
    "a notebook that printed a dict over lines": notebook(
        "found = " + repr(by_video()).replace("], ", "],\n ") + "\ndone\n"
    ),
    "numbers and arrays as NumPy prints them": notebook(
        repr({video: np.array(found) for video, found in by_video().items()}), shown="value"
    ),
    "numbers of NumPy 2": repr([(v, np.int64(a), np.int64(b), np.float64(c)) for v, a, b, c in ROWS]),
    "a notebook that logged": notebook("loading\n" + LINES),
    "a log that names its cells": "epoch 2 of 2 is done\n" + LINES,
    "a log with equals signs": "".join(f"video={v} onset={a} offset={b} score={c}\n" for v, a, b, c in ROWS),
    "Python's dicts on lines": "".join(repr(dict(zip(NAMES, row))) + "\n" for row in ROWS),
    "tuples on lines": "".join(repr(row) + "\n" for row in ROWS),
    "tuples in a pickle": pickle.dumps(ROWS),
    "by kind, then by video": json.dumps({"micro": by_video(), "macro": {}}),
    "by video, then by kind": json.dumps({v: {"micro": own, "macro": []} for v, own in by_video().items()}),
    "intervals inside rows of JSON": json.dumps(
        {
            "found": [
                {"video": v, "intervals": [dict(zip(NAMES[1:], one)) for one in own]} for v, own in by_video().items()
            ]
        }
    ),
    "ends and scores in lists of a line of JSON": "\n".join(
        json.dumps({"video": v, "segments": [one[:2] for one in own], "scores": [one[2] for one in own]})
        for v, own in by_video().items()
    ),
    "a notebook": json.dumps(
        {
            "nbformat": 4,
            "cells": [
                {"source": ["run()"]},
                {"outputs": [{"text": ["epoch 1 of 2\n", "k = 6\n"]}]},
                {"outputs": [{"text": [",".join(map(str, row)) + "\n" for row in ROWS]}]},
            ],
        }
    ),
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_read_intervals_takes_equal_intervals_in_every_form(write, content):
    found = read_intervals(write(content), "predictions", Remarks()).intervals
    assert [*zip(found["video"], found["onset"], found["offset"], found["confidence"])] == ROWS


def test_read_intervals_refuses_rows_of_something_else(write):
    boxes = {"annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]}
    with pytest.raises(DataError, match="line 1: the header lacks the column 'onset'"):
        read_intervals(write(json.dumps(boxes)), "predictions", Remarks())


def test_read_intervals_takes_results_and_truth_of_detection(write):
    """Times are seconds: those of the truth by its own frame rate, those of the results by the truth's. Labels are kinds here."""
    results = {"version": "1.0", "results": {"a": [{"segment": [1, 2.5], "label": "micro", "score": 0.5}], "b": []}}
    annotations = [{"segment": [1.1, 2.4], "label": "micro"}, {"segment": [4, 6], "label": "macro"}]
    truth = {"database": {"a": {"subset": "test", "duration": 10, "fps": 30, "annotations": annotations}}}
    true = read_intervals(write(json.dumps(truth), "truth.json"), "truth", Remarks())
    assert true.intervals[["kind", "onset", "offset"]].to_numpy().tolist() == [["micro", 33, 72], ["macro", 120, 180]]
    spotted = read_intervals(write(json.dumps(results), "results.json"), "predictions", Remarks(), rate=true.rate)
    assert spotted.intervals[["video", "kind", "onset", "offset", "confidence"]].to_numpy().tolist() == [
        ["a", "micro", 30, 75, 0.5]
    ]
    assert spotted.videos["video"].tolist() == ["a", "b"]  # nothing was found in the second
    text = read_intervals(write("a 1 2.5 micro 0.5\n"), "predictions", Remarks(), fps=true.rate_of_seconds)
    assert text.intervals[["onset", "offset"]].to_numpy().tolist() == [[30, 75]]


@pytest.mark.parametrize(
    "empty", ["", "s17\t0103\tmicro-expression\t\t\t\n"], ids=["every row filled", "a video without expressions"]
)
def test_read_intervals_infers_columns_without_header(write, empty):
    remarks = Remarks()
    text = f"s15\t0101\tmicro-expression\t10\t14\t20\n{empty}s16\t0102\tmacro-expression\t3\t8\t30\n"
    found = read_intervals(write(text), "truth", remarks).intervals

    assert found[["subject", "video", "kind", "onset", "apex", "offset"]].to_numpy().tolist() == [
        ["s15", "0101", "micro", 10, 14, 20],
        ["s16", "0102", "macro", 3, 8, 30],
    ]
    assert (
        "truth: no line names the columns: they are read as subject, video, kind, onset, apex, offset"
        in remarks.repaired
    )


def test_read_clips_takes_both_columns_of_one_file(write):
    """Clips that nobody names are numbered by their rows."""
    file = write(pickle.dumps({"Y_true": np.array([0, 2, 1]), "Y_pred": np.array([0, 1, 1])}))
    true, answered = (read_clips(file, role, Remarks(), ["0", "1", "2"]) for role in ("truth", "predictions"))
    assert true.intervals["emotion"].tolist() == ["0", "2", "1"]
    assert answered.intervals["emotion"].tolist() == [
        "0",
        "1",
        "1",
    ]
    assert true.intervals["video"].tolist() == ["1", "2", "3"]


def test_read_intervals_takes_empty_lists_as_nothing_found(write):
    found = read_intervals(
        write(json.dumps([{"video": "a", "intervals": []}, {"video": "b", "intervals": [{"onset": 3, "offset": 9}]}])),
        "predictions",
        Remarks(),
    )
    assert found.videos["video"].tolist() == ["a", "b"]
    assert found.intervals["video"].tolist() == ["b"]


def test_read_frame_scores_takes_scores_by_video(write):
    found = read_frame_scores(write(npz(a=np.array([0.5, 0.25]), b=np.array([1.0]))), Remarks()).intervals
    assert found[["video", "frame", "score"]].to_numpy().tolist() == [["a", 0, 0.5], ["a", 1, 0.25], ["b", 0, 1.0]]


class Runs:
    """What a pickle may do."""

    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


BAD = {
    "lists in lists": (
        "[" * 30_000 + "]" * 30_000,
        "begins like JSON but is not valid .lists are nested thousands deep",
    ),
    "a notebook that shows a part": (
        notebook(pd.DataFrame(ROWS * 30, columns=NAMES).to_string(max_rows=10)),
        "a notebook shows only the first and the last rows of its table",
    ),
    "truth and answers": (
        json.dumps({name: [dict(zip(NAMES, row)) for row in ROWS] for name in ("gt", "found")}),
        "it holds several tables .gt, found.: save the right one",
    ),
    "runs something": (
        pickle.dumps([Runs()]),
        "a pickle that cannot be read .it calls (posix|nt).mkdir.: of pickles only arrays",
    ),
    "cut pickle": (FORMS["a pickle"][:-9] + b".", "a pickle that cannot be read"),
    "half a pickle": (FORMS["a pickle"][:30], "a pickle that cannot be read"),
    "half an archive": (
        FORMS["an archive of arrays"][:120],
        "begins like NumPy arrays but is damaged: is the file cut off",
    ),
    "objects in an archive": (
        npz(said=np.array([Runs()], dtype=object)),
        "a pickle that cannot be read .it calls (posix|nt).mkdir.: of pickles only arrays",
    ),
    "an array of version 3": (
        npy(np.arange(9.0)).replace(b"NUMPY\x01", b"NUMPY\x03", 1),
        "version 3 of NumPy's format, expected 1 or 2: save it as CSV",
    ),
    "cut array": (npy(np.arange(9.0))[:-5], "begins like a NumPy array but is damaged"),
    "cut JSON": (FORMS["intervals by video"][:-4], "begins like JSON but is not valid .*: is the file cut off"),
    "cut lines": (FORMS["lines of JSON"][:-4], "line 3 is not JSON .*: is the file cut off"),
    "cut log": (LINES[:-30], "line 3 names 2 of the 4 cells of the other lines: is it cut off"),
    "cut reprs": (repr(by_video())[:-3], "begins like JSON but is not valid .*: is the file cut off"),
    "an array that NumPy printed in part": (repr({"a": np.arange(9000.0)}), "begins like JSON but is not valid"),
    "no rows": ('{"epochs": 3}', "no row names a video"),
    "a class alone": (pickle.dumps({"epochs": 3, "meter": OrderedDict}), "no row names a video"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_read_intervals_refuses_other_content_in_a_sentence(write, tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"file.csv: .*{message}"):
        read_intervals(write(content), "predictions", Remarks())
    assert [file.name for file in tmp_path.iterdir()] == ["file.csv"]


def detections(seed):
    """Ground truth and results of five videos as ActivityNet writes them, in seconds."""
    draw = np.random.default_rng(seed)
    database, results = {}, {}
    for video in "abcde":
        truths = [[float(at), float(at) + draw.uniform(1, 3)] for at in range(2, 2 + 6 * draw.integers(1, 5), 6)]
        found = [
            [on + draw.normal(0, 0.2), off + draw.normal(0, 0.2)]
            for on, off in truths
            for _ in range(draw.integers(0, 3))
        ]
        found += [[at, at + 1.5] for at in draw.uniform(30, 50, 2)]
        truths, found = ([[round(time, 3) for time in one] for one in some] for some in (truths, found))
        label = [{"segment": segment, "label": "micro"} for segment in truths]
        database[video] = {"subset": "test", "fps": 1000, "frame": 60_000, "annotations": label}
        results[video] = [{"segment": s, "label": "micro", "score": float(draw.random())} for s in found]
    return {"database": database}, {"version": "1.3", "results": results}


def average_precision(truth, results, threshold):
    """Written down anew: by score, each takes the free truth of best tIoU; the area under the interpolated curve."""
    free = {video: [one["segment"] for one in about["annotations"]] for video, about in truth["database"].items()}
    total = sum(map(len, free.values()))
    hits = []
    every = [(one["score"], video, one["segment"]) for video, found in results["results"].items() for one in found]
    for _, video, (on, off) in sorted(every, key=lambda one: -one[0]):
        shares = [
            (max(0, min(off, b) - max(on, a)) / (max(off, b) - min(on, a)), n) for n, (a, b) in enumerate(free[video])
        ]
        share, place = max(shares, default=(0, 0))
        hits.append(share >= threshold)
        if hits[-1]:
            free[video].pop(place)
    precision, recall = np.cumsum(hits) / np.arange(1, len(hits) + 1), np.cumsum(hits) / total
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0) * best))


@pytest.mark.parametrize("seed", range(3))
def test_score_ap_of_detection_files_equals_a_plain_loop(tmp_path, seed):
    """Over tIoU .5 to .95 in steps of .05, as that field counts it; times are whole frames, 1,000 a second."""
    truth, results = detections(seed)
    for name, value in (("truth", truth), ("found", results)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    files = ["--truth", str(tmp_path / "truth.json"), "--predictions", str(tmp_path / "found.json")]
    rules = ["--convention", "activitynet", "--bootstrap", "0", "--json", str(tmp_path / "s.json")]
    done = CliRunner().invoke(app, ["score", *files, *rules])
    assert done.exit_code == 0, done.output
    scores = json.loads((tmp_path / "s.json").read_text())["spotting"]["micro"]["scores"]
    expected = [average_precision(truth, results, threshold / 100) for threshold in range(50, 100, 5)]
    assert scores["ap50"]["value"] == pytest.approx(expected[0], abs=1e-6)
    assert scores["ap"]["value"] == pytest.approx(np.mean(expected), abs=1e-6)


def test_read_intervals_refuses_arrays_that_expand_too_far(tmp_path):
    zeros = io.BytesIO()
    np.savez_compressed(zeros, v1=np.zeros(21_000_000))
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 3), }"
    for raw, numbers in (
        (zeros.getvalue(), "21,000,016"),
        (b"\x93NUMPY\x01\x00v\x00" + header.ljust(117) + b"\n", "300,000,000,000"),
    ):
        (tmp_path / "answers").write_bytes(raw)
        with pytest.raises(DataError, match=f"expands to {numbers} numbers"):
            read_intervals(tmp_path / "answers", "predictions", Remarks())
