"""What a stranger may write into the JSON of a record, and the sentence that it is refused with."""

import json
import os
import shutil
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mebench.errors import RunError
from mebench.files import file_hash
from mebench.intake import export as boards_export
from mebench.intake.accept import merge_records
from mebench.output.terminal import escape_controls
from mebench.records import schema
from mebench.records.record_files import own_hash
from mebench.runs import RunFolder
from tests.helpers.run_folders import make_run


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    run = make_run(folder / "runs", "r", members=("a", "b"))
    values = [{"name": "k", "saw": "nobody", "value": {"a": {"frames": 3, "ms": 100.0}}}]
    run.write_json("audit.json", {"selection": "fixed", "transductive": "none", "values": values})
    return boards_export.export_record(run, folder / "records", scored_again=False)


def test_schema_takes_text_that_terminal_shows():
    every = [
        chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000
    ]  # of no surrogate is there UTF-8
    odd = pc.match_substring_regex(pa.array(every), f"[{schema.UNPRINTED}]").to_pylist()
    assert odd == [escape_controls(letter) != letter for letter in every]


@pytest.fixture
def record(exported, tmp_path):
    return RunFolder(shutil.copytree(exported, tmp_path / "sent" / "r"))


def rewrite(record, file, path, value):
    """Put a value in the place that a path with slashes names; `...` removes what is there."""
    content = part = json.loads((record.path / file).read_text())
    *above, last = (int(step) if step.isdecimal() else step for step in path.split("/"))
    for step in above:
        part = part[step]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    (record.path / file).write_text(json.dumps(content))


def refusal(record, file="record.json"):
    with pytest.raises(RunError) as error:
        schema.read_record_file(record, file)
    (sentence,) = str(error.value).splitlines()
    assert sentence.isprintable()
    assert sentence.encode()
    assert len(sentence) < 500
    before, after = "record r is refused: ", ". Use the folder as mebench leaderboard export wrote it"
    assert sentence.startswith(before)
    assert sentence.endswith(after)
    return sentence.removeprefix(before).removesuffix(after)


def nested(depth, inside=0):
    for _ in range(depth):
        inside = [inside]
    return inside


def test_schema_reads_what_run_writes(record):
    for name in ("record.json", "folds.json", "audit.json"):
        assert schema.read_record_file(record, name) == json.loads((record.path / name).read_text())


@pytest.mark.parametrize(
    ("file", "path", "value", "words"),
    [
        (
            "record.json",
            "run_id",
            "../r",
            "'../r', but should begin with a letter or digit and hold only these and . + - _",
        ),
        ("record.json", "run_id", "r" * 201, "'rrrrrrrrrrrr...rrrrrrrrrrrrr', but should have at most 200 characters"),
        ("record.json", "version", 0, "0, but should be greater than or equal to 1"),
        ("record.json", "sha256", "G" * 64, "'GGGGGGGGGGGG...GGGGGGGGGGGGG', but should hold hexadecimal digits only"),
        ("record.json", "sha256", "0", "'0', but should have at least 64 characters"),
        ("record.json", "costs/fit_seconds", -1, "-1, but should be greater than or equal to 0"),
        ("record.json", "costs/predict_seconds", 1e308, "1e+308, but should be less than or equal to 1000000000000000"),
        ("record.json", "costs/parameters", 2.5, "2.5, but should be a valid integer"),
        ("record.json", "costs/parameters", None, "None, but should be a valid integer"),
        ("record.json", "config/seed", 2**32, "4294967296, but should be less than 4294967296"),
        ("record.json", "config/bootstrap", 10**9, "1000000000, but should be less than or equal to 20000"),
        ("record.json", "config/dataset", 5, "5, but should be a valid string"),
        ("record.json", "config/audit", float("-inf"), "-inf, but should be a finite number"),
        ("record.json", "config/audit", ["a", {"b": "\ud800"}], "'\\ud800', but should be a valid string, unable to"),
        ("record.json", "config/audit", "red \x1b[31m", "'red \\x1b[31m', but should hold no control characters"),
        ("record.json", "config/method", "spotter\u200b", "'spotter\\u200b', but should hold no control characters"),
        ("record.json", "config/method", "spotter ", "'spotter ', but should hold only letters, digits and . : + - _"),
        ("folds.json", "protocol", "lòso", "'lòso', but should hold only letters, digits and . : + - _"),
        ("record.json", "data", "a\ufeffb", "'a\\ufeffb', but should hold no control characters"),
        ("record.json", "settings", "x" * 10_001, "but should have at most 10000 characters"),
        ("record.json", "summary/recognition/n", -3, "-3, but should be greater than or equal to 0"),
        ("record.json", "summary/recognition/scores/uf1/value", "1", "'1', but should be a valid number"),
        ("record.json", "summary/spotting/micro/tp", float("nan"), "nan, but should be a finite number"),
        ("folds.json", "left_out", {"sad": -1}, "-1, but should be greater than or equal to 0"),
        ("folds.json", "kinds/0", "tiny", "'tiny', but should be 'micro' or 'macro'"),
        ("folds.json", "tasks/1", "guess", "'guess', but should be 'recognize' or 'spot'"),
        ("folds.json", "transductive", "all", "'all', but should be 'none', 'video' or 'database'"),
        ("folds.json", "folds/2/train/0", "a\u0085b", "'a\\x85b', but should hold no control characters"),
        ("audit.json", "selection", "luck", "'luck', but should be 'fixed', 'inner' or 'test'"),
        ("audit.json", "values/0/saw", "you", "'you', but should be 'nobody', 'train', 'valid', 'train+valid', 'test'"),
        ("audit.json", "values/0/value/a/ms", 10**400, "but should be less than or equal to 1000000000000000"),
    ],
)
def test_schema_refuses_value_with_place_and_form(record, file, path, value, words):
    rewrite(record, file, path, value)
    found = refusal(record, file)
    place, _, message = found.partition(f" of {file} is ")
    assert message.endswith(": its type was changed")
    assert words in message
    assert place.replace("[", "/").replace("]", "").replace(".", "/").startswith(path)


@pytest.mark.parametrize(
    ("file", "path", "value", "words"),
    [
        ("record.json", "costs", ..., "record.json lacks 'costs'"),
        ("record.json", "files/clips.parquet", ..., "files of record.json lacks 'clips.parquet'"),
        ("record.json", "summary/convention", ..., "summary of record.json lacks 'convention'"),
        ("folds.json", "left_out", ..., "folds.json lacks 'left_out'"),
        ("folds.json", "folds/1/fold", ..., "folds[1] of folds.json lacks 'fold'"),
        ("record.json", "notes", "mine", "notes of record.json does not belong in a record"),
        ("record.json", "costs/euros", 5, "costs.euros of record.json does not belong in a record"),
        ("folds.json", "folds/0/a b", 5, "folds[0]['a b'] of folds.json does not belong in a record"),
    ],
)
def test_schema_names_missing_and_extra_keys(record, file, path, value, words):
    rewrite(record, file, path, value)
    assert refusal(record, file) == words


@pytest.mark.parametrize("depth", [300, 900, 100_000])
def test_schema_refuses_endless_nesting(record, depth):
    text = (record.path / "record.json").read_text()
    deep = "[" * depth + "]" * depth
    (record.path / "record.json").write_text(text.replace('"seed": 0', f'"seed": 0, "method.tempo": {deep}'))
    assert len(text) < (record.path / "record.json").stat().st_size
    assert refusal(record).startswith(("config['method.tempo'][0][0]", "record.json cannot be read (maximum recursion"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "record.json cannot be read (Expecting value"),
        (b'{"format": 2', "record.json cannot be read (Expecting ',' delimiter"),
        (b'{"format": "\xff"}', "record.json cannot be read ('utf-8' codec can't decode byte"),
        (b'{"format": 2, "version": ' + b"9" * 5000 + b"}", "record.json cannot be read (Exceeds the limit"),
        (b'{"format": 2, "\\u001b[2J": 1}', "record.json lacks 'run_id'"),
    ],
)
def test_schema_refuses_other_json(record, content, words):
    (record.path / "record.json").write_bytes(content)
    assert refusal(record).startswith(words)


@pytest.mark.parametrize("content", [b"[]", b"null", b"2", b'{"format": [2]}', b'{"format": "\\u001b[2J"}'])
def test_schema_leaves_unknown_format_to_its_writer(record, content):
    (record.path / "record.json").write_bytes(content)
    with pytest.raises(RunError, match="this mebench reads format 2: install the mebench that wrote it") as error:
        schema.read_record_file(record, "record.json")
    assert str(error.value).isprintable()


@pytest.mark.parametrize(("content", "value"), [("[1]", "[1]"), ("null", "None"), ('"a"', "'a'")])
@pytest.mark.parametrize("file", ["folds.json", "audit.json"])
def test_schema_refuses_file_of_other_type(record, file, content, value):
    (record.path / file).write_text(content)
    assert refusal(record, file) == f"{file} is {value}, but should be a valid dictionary: its type was changed"


def test_bytes_of_opens_plain_files_of_sensible_size(record, monkeypatch):
    size = (record.path / "folds.json").stat().st_size
    monkeypatch.setattr(schema, "RECORD_JSON_BYTES", size - 1)
    assert (
        refusal(record, "folds.json")
        == f"folds.json cannot be read (it has {size:,} bytes, expected at most {size - 1:,})"
    )
    monkeypatch.setattr(schema, "RECORD_JSON_BYTES", size)
    schema.read_record_file(record, "folds.json")
    (record.path / "folds.json").unlink()
    assert refusal(record, "folds.json") == "folds.json is missing"
    os.mkfifo(record.path / "folds.json")  # to open it would wait for ever
    assert refusal(record, "folds.json") == "folds.json is not a plain file"


def test_merge_takes_good_records_beside_bad(exported, tmp_path):
    """Each is of another kind that once broke the tables of everybody, or ended the whole merge."""
    kinds = {
        "deep": ("record.json", "config/method.tempo", nested(800)),
        "long": ("record.json", "costs/parameters", 10**400),
        "torn": ("record.json", "settings", "\ud800"),
        "vast": ("record.json", "costs/fit_seconds", 1e308),
        "bare": ("folds.json", "left_out", ...),
        "many": ("record.json", "config/bootstrap", 10**9),
    }
    for name, (file, path, value) in kinds.items():
        folder = RunFolder(shutil.copytree(exported, tmp_path / "sent" / name))
        rewrite(folder, file, path, value)
        rewrite(folder, "record.json", "files/folds.json", file_hash(folder.path / "folds.json"))
        rewrite(folder, "record.json", "sha256", own_hash(json.loads((folder.path / "record.json").read_text())))
    good = RunFolder(shutil.copytree(exported, tmp_path / "sent" / "r"))
    outcomes = merge_records([*(RunFolder(tmp_path / "sent" / name) for name in kinds), good], tmp_path / "taken")
    assert {o.id: o.status for o in outcomes} == dict.fromkeys(kinds, "refused") | {"r": "taken"}
    reasons = {o.id: o.reason for o in outcomes}
    assert all(kinds[name][1].rpartition("/")[2].partition(".")[0] in reasons[name] for name in kinds)
