"""The limits of what is read from files of others, each with its reason.

A file of a stranger may be damaged, or made to fill the memory. Each limit lies far above what the field publishes; what is larger is
refused with a sentence that names the limit, before it is read. `FORMATS` says which limits hold for which format; the table of
`docs/contribute/limits.md` is made of it (`python docs/limit_tables.py`).
"""

from typing import NamedTuple

# -- tables and sheets

TEXT_TABLE_BYTES = 256 * 2**20
"""A table of text: a million intervals take some 50 MB."""
TEXT_TABLE_COLUMNS = 10_000
"""Columns of a table of text; OpenFace writes 700."""
TEXT_TABLE_LINES = 5_000_000
"""Lines of a table of text, empty ones too: a line for each frame of half a day at 100 a second."""
SHEET_BYTES = 64 * 2**20
"""A workbook, and what a zipped one expands to."""
SHEET_ROWS = 50_000
"""Rows of text in one sheet; the largest published one has fewer than eight thousand."""
SHEETS = 1_000
"""Sheets of a workbook; the published ones have fewer than ten."""
SHEET_LINES = 1 << 20
"""The number of a workbook's last row, empty ones before it included: as many as programs for sheets can show."""
SHEET_COLUMNS = 256
"""Columns of a workbook's sheet, as many as an .xls file can have: cells between a row's filled ones cost memory, too."""
SHEET_XML_BYTES = 12 * 2**20
"""XML in a workbook, which is read row by row whether or not anything is in it."""
SHEET_CELLS = 2_000_000
"""Cells of one sheet from the first to the last filled one, where a library makes each of them: an .ods repeats one in a few signs."""
SHEET_XML_LEVELS = 64
"""Levels of the XML of an .ods file, whose cells lie some eight deep."""
OPENFACE_BYTES = 1 << 30
"""A file of OpenFace: 700 columns of a hundred thousand frames are half of it."""
PEOPLE_TABLE_BYTES = 2**24
"""A table of people, or of noise: a line for each of them."""

# -- arrays, values and settings

ARRAY_NUMBERS = 20_000_000
"""Numbers in arrays: scores of two kinds for a day of film at 100 frames a second."""
MATLAB_BYTES = 2**28
"""A file of MATLAB; the published ones have up to some 20 million."""
YAML_BYTES = 2**20
"""A YAML file; the largest of ours has under 100 kB."""
YAML_LEVELS = 32
"""Levels of maps and lists in YAML; the deepest of ours has seven."""
YAML_VALUES = 100_000
"""Scalars, maps and lists in YAML, one behind an alias counted wherever it stands: a few lines of aliases can stand for billions."""

# -- ELAN

EAF_BYTES = 64 << 20
"""A file of ELAN; its XML takes many times as much memory."""
EAF_ELEMENTS = 2_000_000
"""Elements of its XML."""
EAF_LEVELS = 16
"""Levels of its XML, and references from mark to mark in a chain: a file of ELAN has five."""
EAF_SECONDS = 10_000_000
"""Latest time of a mark, about four months."""

TOOL_FILES = 10_000
"""Files of Praat or Anvil in one folder, one for each video; the largest public set of films has some 7,000."""

# -- images and films

IMAGE_PIXELS = 2**25
"""Pixels of one image or frame, by its header, before anything is decoded: 7680 x 4320 is less."""
IMAGE_BYTES = 4 * IMAGE_PIXELS
"""One image file: four bytes a pixel are an image that is not compressed."""
FPS_LIMIT = 100_000
"""Frames per second that no camera reaches."""

# -- archives

ARCHIVE_FILES = 5_000_000
"""Files of one archive: images of half a day at 120 a second."""
ARCHIVE_RATIO = 1_100
"""The content of an archive by its size, from `ARCHIVE_BYTES` on: deflate packs no more than 1,032 bytes into one."""
ARCHIVE_BYTES = 1 << 30
"""Bytes that archives may unpack to, however small they are."""
ARCHIVE_NAME_BYTES = 255
"""A name within an archive: the most that file systems take."""
ARCHIVE_PATH_LETTERS = 3_000
"""A path within an archive; Linux takes 4,096 bytes with the folder above it."""

# -- networks

WEIGHTS_BYTES = 1 << 30
"""A file of authors' weights, and the tensors that it expands to."""
KERAS_GROUPS = 32
"""Groups in one another in a file of Keras; a group may contain itself."""
KERAS_NAMES = 20_000
"""Names in all groups of a file of Keras together: a group under two names counts twice."""
MINI_XCEPTION_BYTES = 1 << 26
"""A file of mini-Xception, a network of less than a hundred thousand numbers."""
RECIPE_BYTES = 4 << 20
"""The recipe beside a network for other programs: settings and chains as JSON."""
NETWORK_BYTES = 1 << 30
"""A network for other programs."""
MODEL_BYTES = 1 << 30
"""A model that was exported: weights of safetensors, behind a header."""
MODEL_HEADER_BYTES = 4 << 20
"""Its header: settings, chains and scores as JSON."""

# -- questions, answers and challenges

QUESTION_LINES = 200_000
"""Lines of a file of questions or answers; the largest of a challenge has about a thousand."""
QUESTIONS_BYTES = 100_000_000
"""A file of questions or answers."""
QUESTION_LETTERS = 10_000
"""One question or answer."""
PROMPT_LETTERS = 20_000
"""A text that is put before a question."""
REPLY_BYTES = 4_000_000
"""The reply of a model's server to one question."""
MODEL_CARD_BYTES = 2_000_000
"""The card of a model."""
ANSWER_FACTS_BYTES = 1_000_000
"""Facts beside answers: what was asked, seen and spent."""
ANSWER_RECORD_BYTES = 20_000_000
"""A record of answers."""
CHALLENGE_FILE_BYTES = 20_000_000
"""A file that takes part in a challenge."""

# -- records of runs from others

RECORD_FILE_BYTES = 64 * 2**20
"""One file of a record, which has only numbers and words."""
RECORD_JSON_BYTES = 32 * 2**20
"""One JSON file of a record, which takes twenty times as much memory."""
RECORD_ROWS = {
    **dict.fromkeys(("videos.parquet", "truth.parquet", "distractors.parquet", "clips.parquet"), 10**5),
    "predictions.parquet": 10**6,
}
"""Rows of each of its tables."""
RECORD_TABLE_BYTES = 256 * 2**20
"""A table in memory: a few bytes of parquet may repeat a long text a million times."""
PARQUET_FOOTER_BYTES = 2**20
"""Parquet's metadata, which is read before anything else."""
PARQUET_GROUPS = 100
"""Groups of rows of a table; a run writes one for a million rows."""
RECORD_FRAMES = 10**9
"""Frames of all videos together."""
RECORD_PEOPLE = 2_000
"""Subjects: folds are drawn again, of which leave-one-out has one for each, with all others in it."""
RECORD_WEIGHTS = 25_000_000
"""Bootstrap draws times subjects: scoring holds them in memory."""
RECORD_PAIRS = 20_000_000
"""Spotted times annotated intervals of a video: scoring holds them in memory, too."""
RECORD_SECONDS = 60.0
"""Seconds of the processor for checking one record."""

# -- all of them, by format


class Format(NamedTuple):
    """A kind of file, what reads it, and the most that is read of it; None where another limit bounds it.

    Attributes:
        files: kind of file, in words.
        readers: modules that read it, below `mebench/`.
        library: the library that parses it.
        packed: bytes of the file.
        unpacked: bytes that it may expand to.
        rows: rows, lines or names.
        cells: cells, numbers, elements or values.
        depth: levels in one another.
        seconds: seconds of the processor.
        more: further limits, in words.
    """

    files: str
    readers: tuple[str, ...]
    library: str
    packed: int | None = None
    unpacked: int | None = None
    rows: int | None = None
    cells: int | None = None
    depth: int | None = None
    seconds: float | None = None
    more: str = ""


FORMATS = (
    Format(
        "records: JSON",
        ("records/schema.py", "intake/integrity.py"),
        "json",
        RECORD_JSON_BYTES,
        seconds=RECORD_SECONDS,
        more="one strict schema: known keys, types, every number, length and depth",
    ),
    Format(
        "records: `.parquet`",
        ("records/schema.py", "intake/integrity.py"),
        "pyarrow",
        RECORD_FILE_BYTES,
        RECORD_TABLE_BYTES,
        max(RECORD_ROWS.values()),
        seconds=RECORD_SECONDS,
        more=f"a footer of {PARQUET_FOOTER_BYTES >> 20} MiB, {PARQUET_GROUPS} groups of rows; read footer first, then pages, then cells",
    ),
    Format(
        "sheets: `.xlsx`, `.xlsm`",
        ("annotations/sheets.py", "annotations/ods.py"),
        "openpyxl",
        SHEET_BYTES,
        SHEET_XML_BYTES,
        SHEET_ROWS,
        more=f"{SHEETS:,} sheets, {SHEET_COLUMNS} columns, no row below {SHEET_LINES:,}; no formula runs",
    ),
    Format("sheets: `.xls`", ("annotations/sheets.py",), "xlrd", SHEET_BYTES, rows=SHEET_ROWS, more="no formula runs"),
    Format(
        "sheets: `.ods`",
        ("annotations/ods.py",),
        "python-calamine, expat",
        SHEET_BYTES,
        SHEET_XML_BYTES,
        SHEET_ROWS,
        SHEET_CELLS,
        SHEET_XML_LEVELS,
        more="cells are counted before they are made; no formula runs",
    ),
    Format(
        "tables of text, score files: `.csv`, `.tsv`, `.json`",
        ("annotations/sheets.py", "exchange/text_table.py"),
        "pyarrow, csv, json",
        TEXT_TABLE_BYTES,
        rows=TEXT_TABLE_LINES,
        more=f"{TEXT_TABLE_COLUMNS:,} columns",
    ),
    Format("OpenFace: `.csv`", ("annotations/openface.py",), "pyarrow", OPENFACE_BYTES),
    Format(
        "arrays: `.npy`, `.npz`, pickled tables",
        ("exchange/text_table.py", "exchange/plain_values.py"),
        "NumPy",
        TEXT_TABLE_BYTES,
        cells=ARRAY_NUMBERS,
        more="counted before they are unpacked; no object but arrays and tables",
    ),
    Format(
        "ELAN and other XML: `.eaf`, `.anvil`",
        ("exchange/eaf.py", "exchange/bounded_xml.py"),
        "expat",
        EAF_BYTES,
        cells=EAF_ELEMENTS,
        depth=EAF_LEVELS,
        more="no document type, so no entities",
    ),
    Format("MATLAB: `.mat`", ("matlab.py",), "SciPy", MATLAB_BYTES, more="names and shapes first"),
    Format(
        "configurations: `.yaml`",
        ("files.py",),
        "PyYAML",
        YAML_BYTES,
        cells=YAML_VALUES,
        depth=YAML_LEVELS,
        more="aliases count wherever they stand; no tags that make objects",
    ),
    Format(
        "images",
        ("frames/images.py", "frames/image_folder.py"),
        "Pillow for the header, OpenCV for the pixels",
        IMAGE_BYTES,
        cells=IMAGE_PIXELS,
        more="pixels by the header, before anything is decoded",
    ),
    Format("films", ("frames/videofile.py",), "PyAV", cells=IMAGE_PIXELS, more="pixels of one frame"),
    Format(
        "archives (`data unpack`)",
        ("annotations/unpack.py",),
        "zipfile, tarfile",
        unpacked=ARCHIVE_BYTES,
        rows=ARCHIVE_FILES,
        more=f"or {ARCHIVE_RATIO:,} times their size, nested ones included; no links, no path outside, names of {ARCHIVE_NAME_BYTES} bytes",
    ),
    Format(
        "authors' weights: `.pth`, `.h5`",
        ("training/released.py",),
        "`torch.load(weights_only=True)`, h5py",
        WEIGHTS_BYTES,
        WEIGHTS_BYTES,
        KERAS_NAMES,
        depth=KERAS_GROUPS,
        more="tensors by name alone; no links and no data in other files",
    ),
    Format("mini-Xception: `.hdf5`", ("features/mini_xception.py",), "h5py", MINI_XCEPTION_BYTES),
    Format(
        "networks for other programs: `.onnx`",
        ("inference/onnx_files.py",),
        "onnxruntime",
        NETWORK_BYTES,
        more=f"a recipe of {RECIPE_BYTES >> 20} MiB of JSON beside it",
    ),
    Format(
        "models of runs: `.safetensors`",
        ("inference/models.py",),
        "safetensors, json",
        MODEL_BYTES,
        more=f"a header of {MODEL_HEADER_BYTES >> 20} MiB of JSON, checked by a schema",
    ),
    Format(
        "questions and answers: `.jsonl`",
        ("vqa/questions.py",),
        "json",
        QUESTIONS_BYTES,
        rows=QUESTION_LINES,
        more=f"{QUESTION_LETTERS:,} letters each",
    ),
    Format("records of answers", ("vqa/answer_records.py",), "json", ANSWER_RECORD_BYTES),
    Format("files of challenges", ("challenges/bundle.py",), "json", CHALLENGE_FILE_BYTES),
    Format("people, noise: `.csv`", ("reports/score_trust.py",), "csv", PEOPLE_TABLE_BYTES),
)
"""Every format that is read from others, with its limits."""
