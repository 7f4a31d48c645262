"""A small fuzz test of each reader of others' files: torn in some place they are read, or refused in one sentence."""

import io
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from hypothesis import given, strategies as st
from PIL import Image
from safetensors.numpy import save

from mebench.annotations import read_sheets
from mebench.config import sources
from mebench.errors import MebenchError
from mebench.exchange.clips import read_clips
from mebench.exchange.eaf import Mark, Tier, read_eaf, write_eaf
from mebench.exchange.frame_scores import read_frame_scores
from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks
from mebench.files import file_hash
from mebench.frames.images import BadImageError, image_size, read_image
from mebench.inference.models import read_header
from mebench.intake.integrity import check_record
from mebench.records.record_files import own_hash
from mebench.runs import RunFolder
from tests.helpers.refusals import refusal

NUMBER = itertools.count()
RECORDS = Path(__file__).parents[1] / "leaderboards" / "records"
HEAD = "subject,video,kind,onset,offset,confidence\n"


def sheet():
    book = openpyxl.Workbook()
    for row in (["Subject", "Filename", "OnsetFrame"], ["1", "EP01", 46.0], ["2", "EP02", "=1+1"]):
        book.active.append(row)
    book.save(file := io.BytesIO())
    return file.getvalue()


def eaf(folder):
    write_eaf(folder / "a.eaf", None, 25.0, [Tier("micro", (Mark(0, 400, "happy"), Mark(600, 800)), "anna")])
    return (folder / "a.eaf").read_bytes()


def picture(form):
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(file := io.BytesIO(), form)
    return file.getvalue()


def model():
    header = {"format": 1, "name": "mine", "method": {"name": "mean"}, "task": {}, "timings": []}
    return save({"weight": np.zeros(3, np.float32)}, {"mebench": json.dumps(header)})


INTERVALS = "".join(f"s{n},v{n},micro,{n},{n + 9},0.{n}\n" for n in range(5))
FRAMES = "subject,video,frame,score\n" + "".join(f"s1,v1,{n},0.{n}\n" for n in range(9))
READERS = {
    "sheet.xlsx": (lambda folder: sheet(), read_sheets),
    "sheet.csv": (lambda folder: HEAD.encode() + INTERVALS.encode(), read_sheets),
    "predictions.csv": (
        lambda folder: (HEAD + INTERVALS).encode("utf-16"),
        lambda file: read_intervals(file, "predictions", Remarks()),
    ),
    "frames.csv": (lambda folder: FRAMES.encode(), lambda file: read_frame_scores(file, Remarks())),
    "clips.csv": (lambda folder: b"video,emotion\na,happy\nb,sad\n", lambda file: read_clips(file, "truth", Remarks())),
    "coded.eaf": (eaf, read_eaf),
    "mine.yaml": (
        lambda folder: b"method: {name: mean, p: 0.5}\nkinds: [micro]\nseed: &a 3\nworkers: *a\n",
        sources.read_file,
    ),
    "mine.safetensors": (lambda folder: model(), read_header),
    "frame.png": (lambda folder: picture("png"), lambda file: (image_size(file), read_image(file))),
    "frame.jpg": (lambda folder: picture("jpeg"), lambda file: (image_size(file), read_image(file))),
    "frame.tif": (lambda folder: picture("tiff"), image_size),
}


@st.composite
def torn(draw, whole):
    """Bytes with some turned over, then cut off, cut out or said again."""
    data = bytearray(whole)
    places = st.integers(0, len(whole) - 1)
    for place in draw(st.lists(places, max_size=6)):
        data[place] = draw(st.integers(0, 255))
    begin, end = sorted((draw(places), draw(places)))
    return bytes(draw(st.sampled_from((data, data[:end], data[:begin] + data[end:], data + data[begin:end] * 3))))


@pytest.mark.parametrize("name", READERS)
def test_readers_refuse_torn_files_in_a_sentence(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("torn")
    make, read = READERS[name]
    whole = make(folder)

    @given(torn(whole))
    def try_one(content):
        file = folder / f"{next(NUMBER)}-{name}"
        file.write_bytes(content)
        message = refusal(lambda: read(file), MebenchError, BadImageError)
        assert message is None or len(message.splitlines()) == 1

    (folder / name).write_bytes(whole)
    try_one()


@pytest.mark.parametrize("name", ["record.json", "folds.json", "clips.parquet", "videos.parquet"])
def test_check_refuses_torn_records_in_a_sentence(tmp_path, name):
    record = Path(shutil.copytree(min(RECORDS.glob("*-synthetic-*")), tmp_path / "r"))
    whole = (record / name).read_bytes()
    stored = json.loads((record / "record.json").read_text())

    @given(torn(whole))
    def try_one(content):
        (record / name).write_bytes(content)
        if name != "record.json":  # by somebody who knows how
            stored["files"][name] = file_hash(record / name)
            (record / "record.json").write_text(json.dumps(stored | {"sha256": own_hash(stored)}))
        message = refusal(lambda: check_record(RunFolder(record)), MebenchError)
        assert message is None or len(message.splitlines()) == 1

    try_one()
