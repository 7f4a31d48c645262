"""Answers in other forms than a table with a header, recognised by what they hold."""

import io
import json
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from mebench.errors import DataError
from mebench.exchange import Remarks, read_clips, read_frame_scores, read_intervals

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


NAMES = ("video", "onset", "offset", "score")
FORMS = {
    "lines of JSON": "\n".join(json.dumps(dict(zip(NAMES, row))) for row in ROWS),
    "a list of rows": json.dumps([dict(zip(NAMES, row)) for row in ROWS]),
    "columns": json.dumps(dict(zip(NAMES, zip(*ROWS)))),
    "intervals by video": json.dumps(by_video()),
    "an archive of arrays": npz(**{video: np.array(found) for video, found in by_video().items()}),
    "an array of objects": npy(ragged(), allow_pickle=True),
    "a pickle": pickle.dumps(OrderedDict(by_video())),
    "a pickle of an old protocol": pickle.dumps(by_video(), protocol=0),
    "an object's attributes": pickle.dumps({"scores": [0.5], "meter": Meter()}),
    "rows without a header": "".join(" ".join(map(str, row)) + "\n" for row in ROWS),
    "tabs without a header": "".join("\t".join(map(str, row)) + "\n" for row in ROWS),
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
def test_the_same_intervals_in_every_form(write, content):
    found = read_intervals(write(content), "predictions", Remarks()).intervals
    assert [*zip(found["video"], found["onset"], found["offset"], found["confidence"])] == ROWS


def test_results_and_truth_of_temporal_action_detection(write):
    """Times are seconds: those of the truth by its own frame rate, those of the results by the truth's. Labels are kinds here."""
    results = {"version": "1.0", "results": {"a": [{"segment": [1, 2.5], "label": "micro", "score": 0.5}], "b": []}}
    annotations = [{"segment": [1.1, 2.4], "label": "micro"}, {"segment": [4, 6], "label": "macro"}]
    truth = {"database": {"a": {"subset": "test", "duration": 10, "fps": 30, "annotations": annotations}}}
    true = read_intervals(write(json.dumps(truth), "truth.json"), "truth", Remarks())
    assert true.intervals[["kind", "onset", "offset"]].to_numpy().tolist() == [["micro", 33, 72], ["macro", 120, 180]]
    said = read_intervals(write(json.dumps(results), "results.json"), "predictions", Remarks(), rate=true.rate)
    assert said.intervals[["video", "kind", "onset", "offset", "confidence"]].to_numpy().tolist() == [
        ["a", "micro", 30, 75, 0.5]
    ]
    assert said.videos["video"].tolist() == ["a", "b"]  # nothing was found in the second


def test_columns_without_a_header_are_known_by_their_cells(write):
    remarks = Remarks()
    text = "s15\t0101\tmicro-expression\t10\t14\t20\ns16\t0102\tmacro-expression\t3\t8\t30\n"
    found = read_intervals(write(text), "truth", remarks).intervals
    assert found[["subject", "video", "kind", "onset", "apex", "offset"]].to_numpy().tolist() == [
        ["s15", "0101", "micro", 10, 14, 20],
        ["s16", "0102", "macro", 3, 8, 30],
    ]
    assert (
        "truth: no line names the columns: they are read as subject, video, kind, onset, apex, offset"
        in remarks.repaired
    )


def test_classes_of_clips_are_read_from_both_columns_of_one_file(write):
    """Clips that nobody names are numbered by their rows."""
    file = write(pickle.dumps({"Y_true": np.array([0, 2, 1]), "Y_pred": np.array([0, 1, 1])}))
    true, said = (read_clips(file, role, Remarks(), ["0", "1", "2"]) for role in ("truth", "predictions"))
    assert true.intervals["emotion"].tolist() == ["0", "2", "1"] and said.intervals["emotion"].tolist() == [
        "0",
        "1",
        "1",
    ]
    assert true.intervals["video"].tolist() == ["1", "2", "3"]


def test_frame_scores_by_video(write):
    found = read_frame_scores(write(npz(a=np.array([0.5, 0.25]), b=np.array([1.0]))), Remarks()).rows
    assert found[["video", "frame", "score"]].to_numpy().tolist() == [["a", 0, 0.5], ["a", 1, 0.25], ["b", 0, 1.0]]


class Runs:
    """What a pickle may do."""

    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


BAD = {
    "runs something": (
        pickle.dumps([Runs()]),
        "a pickle that cannot be read .it calls (posix|nt).mkdir.: of pickles only arrays",
    ),
    "cut pickle": (FORMS["a pickle"][:-9] + b".", "a pickle that cannot be read"),
    "cut array": (npy(np.arange(9.0))[:-5], "begins like an array of NumPy but is damaged"),
    "cut JSON": (FORMS["intervals by video"][:-4], "begins like JSON but is none .*: is the file cut off"),
    "cut lines": (FORMS["lines of JSON"][:-4], "line 3 is no JSON .*: is the file cut off"),
    "no rows": ('{"epochs": 3}', "no rows in it name a video"),
    "a class alone": (pickle.dumps({"epochs": 3, "meter": OrderedDict}), "no rows in it name a video"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_said_in_a_sentence(write, tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"file.csv: .*{message}"):
        read_intervals(write(content), "predictions", Remarks())
    assert [file.name for file in tmp_path.iterdir()] == ["file.csv"]
