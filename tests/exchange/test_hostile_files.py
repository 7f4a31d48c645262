"""Files made to fill memory or time, in every format that `score` reads: each ends in one sentence, at once."""

import io
import json
import time
import zipfile

import numpy as np
import pytest

from mebench.errors import DataError
from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks

MOST_SECONDS = 3


def archive(**files):
    """A zip archive of such files, by their names with _ for a dot."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/").replace("_", "."), content)
    return raw.getvalue()


def array(shape):
    """The header of an array of such a shape, with hardly any numbers behind it."""
    raw = io.BytesIO()
    np.lib.format.write_array_header_1_0(raw, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return raw.getvalue() + b"\0" * 64


BOMB = b" " * (13 << 20)
NAMES = b"video,onset,offset\n"
HOSTILE = {
    "bomb.xlsx": archive(xl__workbook_xml=b"<a/>", xl__worksheets__sheet1_xml=BOMB),
    "bomb.ods": archive(mimetype=b"application/vnd.oasis.opendocument.spreadsheet", content_xml=BOMB),
    "nested.xlsx": archive(inner_zip=archive(inner_zip=archive(a_csv=BOMB))),
    "cut.xlsx": archive(xl__workbook_xml=b"<a/>")[:-30],
    "cut.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    "huge.npy": array((10**9, 10**6)),
    "huge.npz": archive(a_npy=array((10**9, 10**6))),
    "bomb.npz": archive(a_npy=array((10**7, 3))[:-64] + BOMB),
    "cut.npy": b"\x93NUMPY\x01\x00",
    "runs.pkl": b"cos\nsystem\n(S'true'\ntR.",
    "huge.pkl": b"\x80\x04\x8d" + (2**60).to_bytes(8, "little"),
    "deep.json": b"[" * 200_000,
    "deep object.json": b'{"a":' * 100_000,
    "huge number.json": b'[{"video": "a", "onset": ' + b"9" * 100_000 + b', "offset": 3}]',
    "doubled.json": json.dumps({"a": [[1, 2]]}).encode()[:-1] + b', "a": 3}',
    "huge frame.csv": NAMES + b"a,1," + b"9" * 5_000 + b"\n",
    "exponent.csv": NAMES + b"a,1,1e400\n",
    "open quotation.csv": NAMES + b'"a,1,2\n' * 3,
    "entities.eaf": b'<!DOCTYPE x [<!ENTITY a "b">]><ANNOTATION_DOCUMENT/>',
    "entities.anvil": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><annotation><body/></annotation>',
    "many.TextGrid": b'File type = "ooTextFile"\n"TextGrid"\n0\n1\n<exists>\n999999999\n',
    "cut.ipynb": b'{"cells": [{"outputs": [',
    "wide.csv": NAMES + b"a,1,2\n" + b"," * 200_000 + b"\n",
    "empty lines.csv": b"\n" * 10_000_000,
    "nothing.csv": b"",
    "zeros.csv": b"\0" * 1_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_read_intervals_refuses_hostile_files_at_once(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    begin = time.process_time()
    with pytest.raises(DataError) as refused:
        read_intervals(path, "predictions", Remarks(), fps=25)
    assert time.process_time() - begin < MOST_SECONDS
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["wrong.xlsx", "wrong.json"])
def test_read_intervals_goes_by_content_not_by_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(NAMES + b"a,1,2\n")
    begin = time.process_time()
    assert len(read_intervals(path, "predictions", Remarks()).intervals) == 1
    assert time.process_time() - begin < MOST_SECONDS
