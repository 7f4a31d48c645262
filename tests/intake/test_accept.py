import json
import re
import shutil
import signal
from collections import Counter
from contextlib import suppress
from functools import partial, reduce
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mebench.boards import build as boards_build, site
from mebench.boards.site.site_pages import Site
from mebench.boards.table_files import as_csv, latex_tables, markdown_page
from mebench.config import registry
from mebench.config.registry import list_plugins
from mebench.errors import RunError
from mebench.files import file_hash
from mebench.intake import checking, export as boards_export, integrity
from mebench.intake.accept import find_records, merge_records
from mebench.intake.collect import collect_records
from mebench.intake.integrity import check_record
from mebench.metrics.name_leak import names_chance
from mebench.records.record_files import own_hash, rescore_record
from mebench.runs import RunFolder
from tests.helpers.nightly import NIGHTLY, by_day
from tests.helpers.refusals import refusal
from tests.helpers.run_folders import make_run

export = partial(boards_export.export_record, scored_again=False)
"""As of a sender who trusts his scores: whoever takes the record in scores it again."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    return boards_export.export_record(make_run(folder / "runs", "r", members=("a", "b")), folder / "records")


@pytest.fixture
def record(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "sent" / "r")


def refused(record, tmp_path):
    (outcome,) = merge_records([RunFolder(record)], tmp_path / "taken")
    assert outcome.status == "refused"
    assert not list((tmp_path / "taken").glob("*"))
    return outcome.reason


def sign(record, **changes):
    """Change `record.json` and hash everything anew, as somebody would who knows how."""
    stored = json.loads((record / "record.json").read_text()) | changes
    stored["files"] = {name: file_hash(record / name) for name in stored["files"]}
    del stored["sha256"]
    (record / "record.json").write_text(json.dumps({**stored, "sha256": own_hash(stored)}))


def rewrite(record, name, **columns):
    table = pd.read_parquet(record / name)
    table.assign(**{column: change(table[column]) for column, change in columns.items()}).to_parquet(record / name)


def test_merge_takes_sound_record_byte_for_byte(record, tmp_path):
    assert [(o.id, o.status) for o in merge_records([RunFolder(record)], tmp_path / "taken")] == [("r", "taken")]
    there = {f.name: f.read_bytes() for f in (tmp_path / "taken" / "r").iterdir()}
    assert there == {f.name: f.read_bytes() for f in record.iterdir()}
    assert merge_records([RunFolder(record)], tmp_path / "taken")[0].status == "there"


def test_find_records_sorts_by_name(tmp_path, monkeypatch):
    for name in "bca":
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.json").touch()
    files = [tmp_path / name / "record.json" for name in "bca"]
    monkeypatch.setattr(type(tmp_path), "glob", lambda *_: iter(files))
    assert [record.path.name for record in find_records(tmp_path)] == ["a", "b", "c"]


def test_merge_with_check_only_takes_nothing(record, tmp_path):
    assert merge_records([RunFolder(record)], tmp_path / "taken", check_only=True)[0].status == "checked"
    assert not (tmp_path / "taken").exists()


def test_merge_refuses_edited_number_by_hash(record, tmp_path):
    stored = json.loads((record / "record.json").read_text())
    stored["summary"]["spotting"]["micro"]["scores"]["f1"]["value"] = 0.99
    (record / "record.json").write_text(json.dumps(stored))
    assert "record.json has changed since the export: its hash differs" in refused(record, tmp_path)


def test_merge_refuses_edited_number_by_scoring_again(record, tmp_path):
    summary = json.loads((record / "record.json").read_text())["summary"]
    true = summary["recognition"]["scores"]["uf1"]["value"]
    summary["recognition"]["scores"]["uf1"]["value"] = 0.99
    sign(record, summary=summary)
    reason = refused(record, tmp_path)
    assert f"summary.recognition.scores.uf1.value is 0.99 in the record but {true!r} when scored again" in reason


def test_merge_refuses_edited_predictions_by_scoring_again(record, tmp_path):
    rewrite(record, "predictions.parquet", offset=lambda column: column + 40)
    sign(record)
    assert "scored again, it differs: summary." in refused(record, tmp_path)


@pytest.mark.parametrize(
    ("name", "columns", "words"),
    [
        ("predictions.parquet", {"onset": lambda c: c.astype(float)}, "onset of predictions.parquet is of type double"),
        ("predictions.parquet", {"confidence": lambda c: c.astype(str)}, "expected number: its type was changed"),
        ("videos.parquet", {"fps": lambda c: c.astype("int64")}, "fps of videos.parquet is of type int64"),
        ("clips.parquet", {"more": lambda c: 1}, "the columns of clips.parquet are"),
    ],
)
def test_merge_refuses_column_of_other_type(record, tmp_path, name, columns, words):
    table = pd.read_parquet(record / name)
    table.assign(**{n: change(table.get(n)) for n, change in columns.items()}).to_parquet(record / name, index=False)
    sign(record)
    assert words in refused(record, tmp_path)


@pytest.mark.parametrize(
    ("name", "column", "value", "words"),
    [
        ("videos.parquet", "fps", -30.0, "is -30.0, expected number from 0.001 to 100000"),
        ("videos.parquet", "n_frames", 0, "is 0, expected whole number from 1 to 1e+07"),
        ("videos.parquet", "n_frames", 10**9, "is 1000000000, expected whole number from 1 to 1e+07"),
        ("videos.parquet", "subject", "a\x1b[2J", r"is 'a\x1b[2J', expected text without control characters"),
        ("truth.parquet", "onset", -1, "is -1, expected whole number from 0 to 1e+07"),
        ("predictions.parquet", "offset", 2**62, "is 4611686018427387904, expected whole number from -1e+07 to 1e+07"),
        ("predictions.parquet", "confidence", float("nan"), "is nan, expected number from -1e+15 to 1e+15"),
        ("predictions.parquet", "confidence", float("inf"), "is inf, expected number from -1e+15 to 1e+15"),
        ("predictions.parquet", "draw", 10**9, "is 1000000000, expected whole number from 0 to 100000"),
        (
            "clips.parquet",
            "probabilities",
            [float("nan"), 1, 0],
            "is nan, expected list of numbers from -1e+15 to 1e+15",
        ),
    ],
)
def test_merge_refuses_cell_out_of_bounds(record, tmp_path, name, column, value, words):
    table = pq.read_table(record / name)  # pandas would write NaN as a gap
    place = table.column_names.index(column)
    cells = [*table[column].to_pylist()[:-1], value]
    changed = table.set_column(place, table.field(place), pa.array(cells, table.field(place).type))
    pq.write_table(changed, record / name)
    sign(record)
    assert f"{column} of {name} {words}" in refused(record, tmp_path)


def test_merge_refuses_too_many_rows_before_reading(record, tmp_path, monkeypatch):
    monkeypatch.setitem(integrity.RECORD_ROWS, "videos.parquet", 7)
    monkeypatch.setattr(integrity, "SOUND_TABLES", set())  # another test's record has the same table
    monkeypatch.setattr("pyarrow.parquet.ParquetFile.read", lambda *_: pytest.fail("they were read"))
    assert "videos.parquet has 8 rows, expected at most 7" in refused(record, tmp_path)


def change(record, name, **columns):
    """Write a table of a record anew with some columns changed, and hash it."""
    table = pd.read_parquet(record / name)
    table.assign(**{n: values(table) for n, values in columns.items()}).to_parquet(record / name, index=False)
    sign(record)


@pytest.mark.parametrize(
    ("name", "columns", "words"),
    [
        ("videos.parquet", {"video": lambda t: t["video"].iloc[0]}, "videos.parquet holds 'a/00/v0' twice"),
        (
            "videos.parquet",
            {"subject": lambda t: "x" * 301},
            "expected text without control characters, of 300 letters",
        ),
        ("videos.parquet", {"n_frames": lambda t: 10**7}, "predict_per_minute of costs is"),
        ("truth.parquet", {"video": lambda t: "nowhere"}, "truth.parquet names 'nowhere', which is not in videos"),
        ("truth.parquet", {"kind": lambda t: "tiny"}, "kind of truth.parquet is 'tiny', expected micro or macro"),
        ("truth.parquet", {"offset": lambda t: t["onset"] - 1}, "truth.parquet holds an interval from 50 to 49"),
        ("predictions.parquet", {"offset": lambda t: -5}, "predictions.parquet holds an interval from 50 to -5"),
    ],
)
def test_merge_refuses_contradicting_tables(record, tmp_path, name, columns, words):
    change(record, name, **columns)
    reason = refused(record, tmp_path)
    assert words in reason


def test_merge_refuses_column_without_text(record, tmp_path):
    table = pq.read_table(record / "videos.parquet")
    torn = pa.array([b"\xff\xfe"] * len(table)).cast(pa.binary()).view(pa.string())
    pq.write_table(table.set_column(1, "subject", torn), record / "videos.parquet")
    sign(record)
    assert "videos.parquet cannot be read as parquet (" in refused(record, tmp_path)


def test_merge_refuses_table_that_expands(record, tmp_path, monkeypatch):
    monkeypatch.setattr("mebench.intake.integrity.RECORD_TABLE_BYTES", 2**20)
    monkeypatch.setitem(integrity.RECORD_ROWS, "clips.parquet", 10**5)
    table = pq.read_table(record / "clips.parquet").slice(0, 1)
    many = pa.concat_tables([table.set_column(1, "video", pa.array(["v" * 290]))] * 10_000)
    pq.write_table(many, record / "clips.parquet")
    sign(record)
    assert (record / "clips.parquet").stat().st_size < 10_000
    assert "clips.parquet expands to " in refused(record, tmp_path)


def test_merge_refuses_code_of_another_plugin(record, tmp_path, monkeypatch):
    versions = json.loads((record / "record.json").read_text())["versions"]
    codes = {
        kind: {registry.content_hash(p): p.id for p in list_plugins(kind).values()} for kind in ("method", "dataset")
    }
    for kind, name in (("method", "random"), ("dataset", "synthetic")):
        (mine,) = (code for code, id_ in codes[kind].items() if id_ == name)
        sign(record, versions=versions | {f"{kind}_plugin": mine})
        assert f"{kind}_plugin of versions is the code of {kind} {name}, but the record says " in refused(
            record, tmp_path
        )


def test_merge_goes_on_after_check_over_limit(record, tmp_path, monkeypatch):
    def endless(_):
        while True:
            with suppress(Exception):  # as of somebody who foresaw errors of his own
                sum(range(100))

    words = r"record r is refused: checking it took more than [0-9.]+ seconds, or more than 1024 MiB"
    with monkeypatch.context() as patch:
        patch.setattr(checking, "SECONDS", 0.05)
        patch.setattr(checking, "check_scores", endless)
        assert re.fullmatch(words, checking.reason_for_refusal(RunFolder(record), tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(checking, "check_scores", lambda _: np.empty(2**31, np.uint8))
        assert re.fullmatch(words, checking.reason_for_refusal(RunFolder(record), tmp_path))
    assert checking.reason_for_refusal(RunFolder(record), tmp_path) == ""
    np.empty(2**31, np.uint8)  # nobody else is bounded
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)


def test_merge_refuses_too_many_draws_or_pairs(record, tmp_path, monkeypatch):
    monkeypatch.setattr(checking, "check_scores", lambda _: pytest.fail("it was scored"))
    monkeypatch.setattr("mebench.intake.integrity.RECORD_WEIGHTS", 199)
    assert "it has 50 draws of 4 subjects, expected at most 199 in all" in refused(record, tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(checking, "check_scores", lambda _: pytest.fail("it was scored"))
    monkeypatch.setattr("mebench.intake.integrity.RECORD_PAIRS", 5)
    assert "6 pairs of intervals of one video, expected at most 5" in refused(record, tmp_path)


def test_check_once_compares_hashes_of_passed_record(record, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    messages, checked = [], []
    whole = checking.check_content
    monkeypatch.setattr(
        checking, "check_content", lambda folder, known: checked.append(folder.id) or whole(folder, known)
    )
    for _ in range(2):
        assert [found.id for found in collect_records(record.parent, messages.append)] == ["r"]
    assert checked == ["r"]
    assert messages == []
    rewrite(record, "predictions.parquet", offset=lambda column: column + 40)
    assert collect_records(record.parent, messages.append) == []
    assert "predictions.parquet has changed since the export: its hash differs" in messages[0]
    assert checked == ["r"]
    rewrite(record, "predictions.parquet", offset=lambda column: column.astype(float))
    sign(record)
    assert collect_records(record.parent, messages.append) == []
    assert "offset of predictions.parquet is of type double" in messages[1]
    assert checked == ["r", "r"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "1"}, "version of record.json is '1', but should be a valid integer: its type was changed"),
        ({"version": True}, "version of record.json is True, but should be a valid integer: its type was changed"),
        (
            {"costs": {"fit_seconds": "8"}},
            "costs.fit_seconds of record.json is '8', but should be a valid number: its type was changed",
        ),
        ({"costs": {"fit_seconds": float("nan")}}, "costs.fit_seconds of record.json is nan, but should be a finite"),
        (
            {"versions": {"mebench": 1}},
            "versions.mebench of record.json is 1, but should be a valid string: its type was changed",
        ),
        ({"config": {"method": "a", "seed": "0"}}, "config.seed of record.json is '0', but should be a valid integer"),
        ({"run_id": "another"}, "its folder should be called another"),
        ({"format": 1}, "format 1, which lacks the hashes"),
        ({"version": 2, "supersedes": "r"}, "its folder should be called r~v2"),
    ],
)
def test_merge_refuses_renamed_record(record, tmp_path, changes, words):
    sign(record, **changes)
    assert words in refused(record, tmp_path)


def test_merge_names_damaged_and_missing_files(record, tmp_path):
    whole = (record / "clips.parquet").read_bytes()
    (record / "clips.parquet").write_bytes(whole[:100])
    assert "clips.parquet has changed since the export" in refused(record, tmp_path)
    sign(record)
    assert "clips.parquet cannot be read as parquet" in refused(record, tmp_path)
    (record / "clips.parquet").unlink()
    assert "clips.parquet is missing" in refused(record, tmp_path)


def test_merge_names_torn_record_json(record, tmp_path):
    (record / "record.json").write_text((record / "record.json").read_text()[:200])
    assert "record r is refused: record.json cannot be read" in refused(record, tmp_path)


def test_merge_refuses_files_of_unknown_names(record, tmp_path):
    (record / "face.png").write_bytes(b"x")
    assert "face.png does not belong in a record, which has only JSON and parquet files of known names" in refused(
        record, tmp_path
    )
    (record / "face.png").unlink()
    target = tmp_path / "elsewhere.json"
    target.write_bytes((record / "folds.json").read_bytes())
    (record / "folds.json").unlink()
    (record / "folds.json").symlink_to(target)
    assert "folds.json is not a plain file" in refused(record, tmp_path)


@pytest.mark.parametrize("name", ["../../evil.json", "/etc/passwd", "audit.json"])
def test_merge_never_reads_missing_file(record, tmp_path, name):
    stored = json.loads((record / "record.json").read_text())
    stored["files"][name] = "0"
    (record / "record.json").write_text(json.dumps(stored))
    assert "does not belong in a record" in refused(record, tmp_path) or name == "audit.json"


def test_merge_refuses_subject_on_two_sides(record, tmp_path):
    folds = json.loads((record / "folds.json").read_text())
    folds["folds"][0]["train"] += folds["folds"][0]["test"]
    (record / "folds.json").write_text(json.dumps(folds))
    sign(record)
    assert "are both trained on and tested" in refused(record, tmp_path)
    folds["subject_dependent"] = True
    (record / "folds.json").write_text(json.dumps(folds))
    sign(record)
    assert "fold 'a/00' is not that of protocol loso" in refused(record, tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"remark": 5}, "remark of folds.json is 5, but should be a valid string: its type was changed"),
        ({"classes": "abc"}, "classes of folds.json is 'abc', but should be a valid list: its type was changed"),
        ({"folds": [{"fold": "a", "train": [], "valid": []}]}, "folds[0] of folds.json lacks 'test'"),
        (
            {"folds": [{"fold": "a", "train": [1], "valid": [], "test": []}]},
            "folds[0].train[0] of folds.json is 1, but",
        ),
    ],
)
def test_merge_refuses_edited_folds(record, tmp_path, changes, words):
    folds = json.loads((record / "folds.json").read_text()) | changes
    (record / "folds.json").write_text(json.dumps(folds))
    sign(record)
    assert words in refused(record, tmp_path)


def test_merge_refuses_answers_of_wrong_fold(record, tmp_path):
    folds = json.loads((record / "folds.json").read_text())
    names = [fold["fold"] for fold in folds["folds"]]
    for fold, name in zip(folds["folds"], names[1:] + names[:1]):
        fold["fold"] = name
    (record / "folds.json").write_text(json.dumps(folds))
    sign(record)
    assert "predictions.parquet answers for " in refused(record, tmp_path)
    assert "which does not test its subject" in refused(record, tmp_path)


def leaves(content, path=()):
    """Where the values of JSON stand, each list by its first entry."""
    entries = (
        content.items() if isinstance(content, dict) else enumerate(content[:1]) if isinstance(content, list) else ()
    )
    for name, value in entries:
        yield (*path, name)
        yield from leaves(value, (*path, name))


@pytest.mark.usefixtures("names_rows")
@pytest.mark.parametrize("file", ["record.json", "folds.json"])
def test_merge_refuses_or_shows_any_edit(exported, tmp_path, monkeypatch, file):
    """Every value in turn becomes one of another type, hashed anew: the tables and the page of the run are made all the same."""
    none = SimpleNamespace(PLUGIN_KINDS=("method", "dataset"), list_plugins=lambda kind: {})
    monkeypatch.setattr("mebench.boards.site.site_pages.registry", none)  # slow, and not of the record
    drawn = {}

    def draw_once(*what):  # slow, too, and most values change nothing in it
        key = repr(what)
        if key not in drawn:
            drawn[key] = site.chart.draw_chart(*what)
        return drawn[key]

    monkeypatch.setattr("mebench.boards.site.site_pages.draw_chart", draw_once)
    of_names = {}

    def read_once(tables, *rules):  # the tables stay as they are
        key = repr(rules)
        if key not in of_names:
            of_names[key] = names_chance(tables, *rules)
        return of_names[key]

    monkeypatch.setattr("mebench.boards.chance_rows.names_chance", read_once)
    record = shutil.copytree(exported, tmp_path / "sent" / "r")
    content = json.loads((record / file).read_text())
    paths = [path for path in leaves(content) if path[0] not in ("summary", "files", "sha256", "format")]
    outcomes = Counter()
    for number, path in enumerate(paths):
        *above, last = path
        part = reduce(lambda inner, name: inner[name], above, content)
        before, part[last] = part[last], (7, "seven", None, [["x"]], {"y": {}}, float("inf"))[number % 6]
        (record / file).write_text(json.dumps(content))
        sign(record)
        message = refusal(lambda: check_record(RunFolder(record)), RunError)
        if message is not None:
            assert "is refused: " in message
            outcomes["refused"] += 1
        else:
            records = collect_records(record.parent)
            if NIGHTLY or outcomes["shown"] % 8 == 0:  # most are texts that are shown in the same way
                tables = boards_build.build_tables(records)
                assert all(map(markdown_page, tables))
                assert [(as_csv(table), latex_tables(table)) for table in tables]
                assert list(Site(tables, records, []).make_pages())
            outcomes["shown"] += 1
        part[last] = before
    assert outcomes["refused"] > 20
    assert outcomes["shown"]


def test_merge_edits_no_existing_record(record, tmp_path):
    merge_records([RunFolder(record)], tmp_path / "taken")
    before = (tmp_path / "taken" / "r" / "record.json").read_bytes()
    sign(record, settings="p=0.7")
    (outcome,) = merge_records([RunFolder(record)], tmp_path / "taken")
    assert outcome.status == "refused"
    assert "records are never edited" in outcome.reason
    assert (tmp_path / "taken" / "r" / "record.json").read_bytes() == before


def test_merge_needs_superseded_version(tmp_path):
    run = make_run(tmp_path / "runs", "r", tasks=("recognize",))
    export(run, tmp_path / "sent")
    run.write_json("versions.json", run.read_json("versions.json") | {"torch": "9"})
    second = export(run, tmp_path / "sent")
    (outcome,) = merge_records([RunFolder(second)], tmp_path / "taken")
    assert outcome.status == "refused"
    assert "supersedes r, which is not in" in outcome.reason
    outcomes = merge_records(find_records(tmp_path / "sent")[::-1], tmp_path / "taken")
    assert [(o.id, o.status) for o in outcomes] == [("r", "taken"), ("r~v2", "taken")]


@pytest.mark.parametrize("check_only", by_day([True, False], False))
def test_merge_refuses_version_after_refused_one(tmp_path, check_only):
    export(make_run(tmp_path / "runs", "r", tasks=("recognize",)), tmp_path / "sent")
    export(other := make_run(tmp_path / "others", "r", tasks=("recognize",), wrong_every=2), tmp_path / "sent")
    for torch in ("9", "10"):
        other.write_json("versions.json", other.read_json("versions.json") | {"torch": torch})
        export(other, tmp_path / "sent")
    outcomes = merge_records(find_records(tmp_path / "sent"), tmp_path / "taken", check_only)
    assert [(o.id, o.status == "refused") for o in outcomes] == [
        *[("r", False), ("r~v2", True), ("r~v3", True), ("r~v4", True)]
    ]
    assert "it supersedes r~v3, which is not in" in outcomes[3].reason
    assert "is refused itself" in outcomes[3].reason


@pytest.mark.parametrize(
    ("write", "words"),
    [
        ({"row_group_size": 1}, "predictions.parquet has "),
        ({"metadata": {"note": "n" * 2**20}}, "the footer of predictions.parquet has "),
        (
            {"probabilities": [0.5] * 101},
            "probabilities of predictions.parquet holds 101 in a row, expected as many in each",
        ),
        (
            {"probabilities": [0.5], "but_one": [0.5, 0.5]},
            "holds 1 to 2 in a row, expected as many in each, 100 at most",
        ),
    ],
)
def test_merge_refuses_small_parquet_with_large_content(record, tmp_path, monkeypatch, write, words):
    monkeypatch.setattr("mebench.intake.integrity.PARQUET_GROUPS", 10)
    table = pq.read_table(record / "predictions.parquet")
    how = dict(write)
    if "probabilities" in how:
        place = table.column_names.index("probabilities")
        kind = pa.list_(pa.float32())
        cells = [how.pop("probabilities")] * len(table)
        cells[0] = how.pop("but_one", cells[0])
        table = table.set_column(place, "probabilities", pa.array(cells, kind))
    table = table.replace_schema_metadata(how.pop("metadata", None))
    pq.write_table(table, record / "predictions.parquet", **how)
    sign(record)
    assert words in refused(record, tmp_path)


def test_collect_records_names_record_over_memory(record, monkeypatch):
    messages = []
    monkeypatch.setattr("mebench.intake.collect.read_once", lambda folder: np.empty(2**31, np.uint8))
    assert collect_records(record.parent, messages.append) == []
    assert messages == [f"r is left out: reading {record} takes more memory than the record of any run"]
    np.empty(2**31, np.uint8)  # nobody else is bounded


def test_merge_refuses_record_that_no_table_shows(record, tmp_path):
    stored = json.loads((record / "record.json").read_text())
    versions = {name: version for name, version in stored["versions"].items() if name != "python"}
    sign(record, versions=versions)
    assert "it lacks version of python, so no table would show it" in refused(record, tmp_path)
    folds = json.loads((record / "folds.json").read_text())
    (record / "folds.json").write_text(json.dumps(folds | {"tasks": []}))
    sign(record, summary={name: stored["summary"][name] for name in ("convention", "rules", "remarks", "bootstrap")})
    sign(record, summary=rescore_record(RunFolder(record)))
    assert "it lacks version of python, a score, so no table" in refused(record, tmp_path)
