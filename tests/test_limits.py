"""One list of hostile files, given to the reader of every format: each ends in a sentence, at once, and in little memory."""

import io
import os
import pickle
import resource
import shutil
import struct
import sys
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from mebench.annotations.openface import OpenFaceFiles
from mebench.annotations.sheets import read_sheets
from mebench.annotations.unpack import unpack_recordings
from mebench.challenges.entry import find_faults, read_entry
from mebench.challenges.register import find_task
from mebench.config.sources import read_file
from mebench.core.types import Video
from mebench.errors import DataError, MebenchError, refused_by_system
from mebench.exchange.eaf import read_eaf
from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks
from mebench.features.mini_xception import load_mini_xception
from mebench.frames.images import image_size, read_image
from mebench.frames.videofile import VideoFrames
from mebench.inference.models import read_header
from mebench.intake.integrity import check_record
from mebench.limits import FORMATS
from mebench.matlab import read_matlab
from mebench.reports.score_trust import read_people
from mebench.runs.folder import RunFolder
from mebench.training.released import keras_weights, torch_weights
from mebench.vqa.answer_records import RECORD, read_answer_record
from mebench.vqa.questions import read_questions

RECORDS = Path(__file__).parents[1] / "leaderboards" / "records"
MOST_SECONDS = 5
MOST_MEMORY = 1 << 30


def intervals(file):
    return read_intervals(file, "predictions", Remarks(), fps=25)


def record_with(name):
    """A reader of a sound record of which one file is another."""

    def read(file):
        record = file.parent / "record"
        shutil.copytree(min(RECORDS.iterdir(), key=lambda folder: len(list(folder.iterdir()))), record)
        (record / name).unlink()
        file.rename(record / name)
        check_record(RunFolder(record))

    return read


def image(file):
    read_image(file)
    image_size(file)


def film(file):
    return list(VideoFrames(file))


def archive(file):
    return list(unpack_recordings(file, file.parent / "out"))


def matrices(file):
    with refused_by_system(f"{file} cannot be read"):
        try:
            return read_matlab(file, {"flow": (None, None, 3)})
        except ValueError as error:  # as its docstring says; each caller has a sentence of its own
            raise DataError(f"{file}: {error}") from None


def openface(file):
    files = OpenFaceFiles(str(file.parent))
    files.fingerprint()
    return files.read_units(Video("d", "s", "a", 30.0, 9), None, [])


def network(file):
    file.with_suffix(".json").write_text('{"header": {}}', encoding="utf-8")
    return read_header(file)


def answer_record(file):
    file.rename(file.with_name(RECORD))
    return read_answer_record(file.parent)


def people(file):
    return read_people(file, ["d/s01"])


def submission(file):
    task = find_task("megc2019")
    if faults := find_faults(task, file):
        raise faults[0]
    return read_entry(task, file)


READERS = {
    "records: JSON": {"folds.json": record_with("folds.json")},
    "records: `.parquet`": {"truth.parquet": record_with("truth.parquet")},
    "sheets: `.xlsx`, `.xlsm`": {"a.xlsx": read_sheets},
    "sheets: `.xls`": {"a.xls": read_sheets},
    "sheets: `.ods`": {"a.ods": read_sheets},
    "tables of text, score files: `.csv`, `.tsv`, `.json`": {"a.csv": intervals, "a.json": intervals},
    "OpenFace: `.csv`": {"a.csv": openface},
    "arrays: `.npy`, `.npz`, pickled tables": {"a.npz": intervals, "a.npy": intervals, "a.pkl": intervals},
    "ELAN and other XML: `.eaf`, `.anvil`": {"a.eaf": read_eaf, "a.anvil": intervals},
    "MATLAB: `.mat`": {"a.mat": matrices},
    "configurations: `.yaml`": {"a.yaml": read_file},
    "images": {"a.png": image},
    "films": {"a.mp4": film},
    "archives (`data unpack`)": {"a.zip": archive, "a.tar.gz": archive},
    "authors' weights: `.pth`, `.h5`": {"a.pth": torch_weights, "a.h5": keras_weights},
    "mini-Xception: `.hdf5`": {"a.hdf5": load_mini_xception},
    "networks for other programs: `.onnx`": {"a.onnx": network},
    "models of runs: `.safetensors`": {"a.safetensors": read_header},
    "questions and answers: `.jsonl`": {"a.jsonl": read_questions},
    "records of answers": {"a.json": answer_record},
    "files of challenges": {"a.csv": submission},
    "people, noise: `.csv`": {"a.csv": people},
}

TEXTS = (
    "one letter",
    "empty lines",
    "brackets",
    "objects",
    "huge integer",
    "huge exponent",
    "doubled keys",
    "growing aliases",
    "an object",
    "half a sign",
)
HARMLESS = {
    "sheets: `.ods`": TEXTS,  # a table of text under another name
    "configurations: `.yaml`": {
        "nothing",
        "empty lines",
        "huge integer",
        "an object",
    },  # scalars stay text, and no tag makes an object
    # 60 MiB, fewer than any archive may have; and the parts of a workbook
    "archives (`data unpack`)": {
        "a zipped bomb",
        "a workbook with a far row",
        "a workbook of one part in many sheets",
        "an .ods of vast spaces",
    },
}
"""What a format may hold: it is read, and means nothing bad."""

# -- the files --------------------------------------------------------------------------------------------------------------


def zipped(**files):
    """A zip archive of such contents, by their names with _ for a dot and __ for a slash."""
    return packed({name.replace("__", "/").replace("_", "."): content for name, content in files.items()})


def nested(levels):
    """An archive in an archive, so many levels deep, around a bomb."""
    content = BOMB
    for _ in range(levels):
        content = zipped(inner_zip=content)
    return content


def picture(width, height):
    """The header of a PNG picture of this size, with hardly any pixels behind it."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (head, b"IDAT" + zlib.compress(bytes(64)), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts
    )


def saved(write):
    """What `write` puts into a file."""
    raw = io.BytesIO()
    write(raw)
    return raw.getvalue()


def workbook(before, after):
    """A workbook of one row in whose parts something is replaced."""
    book = openpyxl.Workbook()
    book.active.append(["subject"])
    with zipfile.ZipFile(io.BytesIO(saved(book.save))) as parts:
        contents = {name: parts.read(name) for name in parts.namelist()}
    changed = {name: content.replace(before, after) for name, content in contents.items()}
    assert changed != contents
    return packed(changed)


def packed(contents):
    """A zip archive of such contents by their names."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in contents.items():
            made.writestr(name, content)
    return raw.getvalue()


BOMB = bytes(20 << 20)
GROWING = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
SHEET = (
    b'<sheet xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" name="Sheet" sheetId="1" state="visible" '
    b'r:id="rId1"/>'
)
SPACES = (
    '<document xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
    '<table:table table:name="a"><table:table-row><table:table-cell><text:p><text:s text:c="999999999"/></text:p></table:table-cell>'
    "</table:table-row></table:table></document>"
)
CONTENTS = {
    "nothing": b"",
    "zeros": bytes(1 << 20),
    "one letter": b"x" * 300_000,
    "empty lines": b"\n" * 500_000,
    "one wide line": b"a,b\n" + b"1," * 100_000,
    "open quotation": b'subject,"onset\n' * 1_000,
    "brackets": b"[" * 300_000,
    "objects": b'{"a":' * 100_000,
    "huge integer": b'{"a": ' + b"9" * 200_000 + b"}",
    "huge exponent": b"subject,onset\na,1e400\n",
    "doubled keys": b'{"a": 1, "a": 2}',
    "growing entities": f'<!DOCTYPE x [<!ENTITY a0 "ha">{GROWING}]><x>&a11;</x>'.encode(),
    "growing aliases": ALIASES.encode(),
    "an object": b"a: !!python/object/apply:os.system ['true']",
    "a pickle": pickle.dumps(os.getcwd),
    "a pickle of vast size": b"\x80\x04\x8d" + (1 << 60).to_bytes(8, "little"),
    "a zipped bomb": zipped(xl__workbook_xml=b"<a/>", content_xml=BOMB, xl__worksheets__sheet1_xml=BOMB, a_npy=BOMB),
    "a nested bomb": nested(4),
    "a workbook with a far row": workbook(b'<row r="1"', b'<row r="1' + b"0" * 20 + b'"'),
    "a workbook of one part in many sheets": workbook(SHEET, SHEET * 1_001),
    "an .ods of vast spaces": zipped(content_xml=SPACES),
    "half a sign": b'[{"subject": "\\ud800", "video": "a", "onset": 1, "offset": 2}]',
    "a cut archive": zipped(a_txt=b"x" * 1_000)[:-30],
    "a path outside": zipped(**{"____/____/outside_txt": b"x"}),
    "a vast array": saved(
        lambda file: np.lib.format.write_array_header_1_0(
            file, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**6)}
        )
    ),
    "a vast picture": picture(2**30, 2**30),
    "an old workbook without end": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 4_096,
    "a header of vast length": b"\xff" * 7 + b"\x7f" + b'{"__metadata__": {}}',
    "the beginning of a film": b"\0\0\0\x20ftypisom" + b"\xff\xff\xff\xffmoov" * 100,
    "the beginning of HDF5": b"\x89HDF\r\n\x1a\n" + b"\xff" * 512,
    "the beginning of Parquet": b"PAR1" + bytes(64) + (1 << 31).to_bytes(4, "little") + b"PAR1",
    "the beginning of MATLAB": b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\x01IM" + b"\x0f\0\0\0\xff\xff\xff\x7f",
}
SPECIAL = ("a folder", "a pipe", "a device without end", "more than is read")


def make_file(path, what):
    """Put a hostile file, or something that is no file, at a path."""
    if what == "a folder":
        path.mkdir()
    elif what == "a pipe":
        os.mkfifo(path)
    elif what == "a device without end":
        path.symlink_to("/dev/zero")
    elif what == "more than is read":
        with path.open("wb") as file:
            file.truncate(1 << 40)  # takes no room on the disk
    else:
        path.write_bytes(CONTENTS[what])


def test_limits_name_a_reader_for_every_format():
    assert READERS.keys() == {form.files for form in FORMATS}


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices are files on Unix")
@pytest.mark.parametrize(("files", "name"), [(files, name) for files, readers in READERS.items() for name in readers])
def test_formats_refuse_hostile_files_at_once(tmp_path, files, name):
    read = READERS[files][name]
    for number, what in enumerate((*CONTENTS, *SPECIAL)):
        folder = tmp_path / str(number)
        folder.mkdir()
        make_file(folder / name, what)
        memory, begin = most_memory(), time.process_time()
        sentence = what_is_said(read, folder / name)
        assert (sentence is None) == (what in HARMLESS.get(files, ())), f"{what}: {sentence}"
        assert sentence is None or "\n" not in sentence, what
        assert time.process_time() - begin < MOST_SECONDS, what
        assert most_memory() - memory < MOST_MEMORY, what


def what_is_said(read, file):
    """The sentence of an error; None if the file is read."""
    try:
        read(file)
    except MebenchError as error:
        return str(error)
    return None


def most_memory():
    """Bytes of memory that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
