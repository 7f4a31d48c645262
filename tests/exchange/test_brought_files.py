"""Files as people bring them: each row and name is taken or named, and a guess needs evidence in the values."""

import json
import zipfile

import pytest

from mebench.annotations.drawn import write_xlsx
from mebench.errors import DataError
from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks

SPANS = [("006_1", 100, 140), ("006_1", 900, 950), ("007_2", 300, 360), ("011_3", 1234, 1290), ("011_3", 2500, 2560)]
TRUTH = "subject,video,onset,offset\n" + "".join(f"{v[:3]},{v},{a},{b}\n" for v, a, b in SPANS)


@pytest.fixture
def scored(write, score):
    """The counts of a file of predictions beside the truth; of a refused one its exit code and message."""

    def run(content, name="p.csv", *words, fails=False):
        path = write(content, name) if isinstance(content, str | bytes) else content
        result = score("--truth", write(TRUTH, "t.csv"), "--predictions", path, *words, fails=fails)
        if fails:
            return result
        micro = result["spotting"]["micro"]
        return [micro["tp"], micro["fp"], micro["fn"]], result

    return run


def by_video(spans):
    videos = {}
    for video, onset, offset in spans:
        videos.setdefault(video, []).append([onset, offset])
    return videos


@pytest.mark.parametrize("quote", ['"', "'"], ids=["json", "printed by Python"])
def test_read_value_joins_entries_of_a_repeated_name(scored, quote):
    entries = ",".join(f"{quote}{video}{quote}:[[{onset},{offset}]]" for video, onset, offset in SPANS)
    counts, result = scored(f"{{{entries}}}", "p.json")
    assert counts == [5, 0, 0]
    assert "predictions: 006_1, 011_3 are written twice in one object: the entries are joined" in result["repaired"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '[{"video": "a", "onset": 1, "onset": 3, "offset": 4}]',
            "'onset' is written twice in one object, as 1 and as 3",
        ),
        ('{"a": [[1, 2], 3]}', "video 'a', item 1: 3 is not an interval: expected"),
        ('{"a": [[1, 2], [3]]}', "video 'a', item 1: .3. is not an interval"),
        ('{"columns": 3, "data": 4}', "columns is 3, not a list"),
        (
            '{"columns": ["video", "onset"], "data": [["a"]]}',
            "item 0 of data is .'a'.: expected a list with a cell for each of 2",
        ),
        ('{"results": {"a": 5}}', "video 'a': 5 is not a list of intervals"),
        ('{"database": {"a": {"annotations": [{"segment": [1]}]}}}', "video 'a', item 0: .* is not an interval"),
        ('{"video": {"0": "a"}, "onset": {"0": 1, "1": 3}}', "'video' and 'onset' have different rows"),
        ('{"a": [{"video": "x", "onset": 1, "offset": 2}, [3, 4]]}', "'a', item 1: .3, 4. names no video"),
    ],
)
def test_read_intervals_refuses_a_layout_that_holds_in_part(write, text, reason):
    with pytest.raises(DataError, match=reason):
        read_intervals(write(text, "p.json"), "predictions", Remarks())


def test_read_intervals_reads_apexes_beside_an_empty_video(write):
    given = read_intervals(write('{"a": [[3, 5, 9]], "b": []}', "p.json"), "predictions", Remarks())
    assert given.intervals[["onset", "apex", "offset"]].values.tolist() == [[3, 5, 9]]
    assert given.videos["video"].tolist() == ["a", "b"]


def test_account_names_parts_of_an_object_without_rows(scored):
    _, result = scored(json.dumps({"model": "mine", "results": by_video(SPANS)}), "p.json")
    names = next(entry for entry in result["account"] if entry["unit"] == "name")
    assert (names["held"], names["taken"]) == (2, 1)
    assert names["left_out"] == [{"n": 1, "reason": "a part without rows", "which": "model"}]


def test_account_counts_notes_and_repeated_headers(scored):
    rows = TRUTH + TRUTH.partition("\n")[0] + "\n" + "Total,,5,\n"
    _, result = scored(rows)
    entry = next(e for e in result["account"] if (e["source"], e["unit"]) == ("predictions", "row"))
    assert (entry["held"], entry["taken"]) == (7, 5)
    assert [(part["n"], part["which"]) for part in entry["left_out"]] == [(1, "line 7"), (1, "line 8")]


def dotted(number):
    return f"{number // 1000}.{number % 1000:03}" if number > 999 else str(number)


@pytest.mark.parametrize("words", [(), ("--fps", "30")])
def test_moments_refuse_dots_of_thousands(scored, words):
    text = "video;onset;offset\n" + "".join(f"{v};{dotted(a)};{dotted(b)}\n" for v, a, b in SPANS)
    code, message = scored(text, "p.csv", *words, fails=True)
    assert code == 3
    assert "line 5: the onset 1.234 may stand for a thousand and more" in message


@pytest.mark.parametrize(
    ("cells", "frames"),
    [
        ("100.000;140.000", (100, 140)),
        ("0.500;1.250", (1, 1)),
        ("1000.125;1400.375", (1000, 1400)),
        ("1.25;2.5", (1, 3)),
    ],
)
def test_moments_take_dots_that_separate_no_thousands(write, cells, frames):
    given = read_intervals(write(f"video;onset;offset\na;{cells}\n"), "predictions", Remarks())
    assert (given.intervals["onset"][0], given.intervals["offset"][0]) == frames


def test_with_column_names_reads_no_class_as_confidence(scored):
    text = "".join(f"{v[:3]},{v},{a},{(a + b) // 2},{b},{n % 3}\n" for n, (v, a, b) in enumerate(SPANS))
    counts, result = scored(text)
    assert counts == [5, 0, 0]
    assert result["spotting"]["micro"]["scores"]["ap50"]["value"] is None
    assert any("the last numbers are not read: they are whole or equal" in line for line in result["warnings"])


@pytest.mark.parametrize(
    ("text", "line"),
    [("a,1,9,micro\nb,5,3,micro\n", 2), ("\n# mine\na,1,9,micro\n\nb,5,3,micro\n", 5)],
    ids=["from the first line", "with a remark and a blank line"],
)
def test_with_column_names_keeps_numbers_of_lines(write, text, line):
    with pytest.raises(DataError, match=f"p.csv, line {line}: the offset 3 is before the onset 5"):
        read_intervals(write(text, "p.csv"), "predictions", Remarks())


def test_with_column_names_takes_no_thousands_for_fractions(scored):
    text = "".join(f"{v};{a:,};{b:,}\n".replace(",", ".") for v, a, b in SPANS)
    code, message = scored(text, "p.csv", fails=True)
    assert code == 3
    assert "line 4: the onset 1.234 may stand for a thousand and more" in message


def test_rows_by_layout_joins_lines_of_one_interval_each(scored):
    counts, _ = scored("".join(json.dumps({v: [[a, b]]}) + "\n" for v, a, b in SPANS), "p.log")
    assert counts == [5, 0, 0]


def test_with_column_names_reads_confidences_that_differ(scored):
    text = "".join(f"{v[:3]},{v},{a},{b},0.{9 - n}\n" for n, (v, a, b) in enumerate(SPANS))
    _, result = scored(text)
    assert result["spotting"]["micro"]["scores"]["ap50"]["value"] == 1


def test_with_column_names_reads_clips_of_the_challenge(write, score):
    said = "casme2,sub01,clipA,1\ncasme2,sub01,clipB,0\nsamm,006,006_1_2,0\nsmic,s1,s1_ne_01,2\n"
    summary = score("--truth", write(said.replace("clipB,0", "clipB,2"), "t.csv"), "--clips", write(said, "p.csv"))
    assert summary["recognition"]["scores"]["accuracy"]["value"] == 0.75
    assert list(summary["recognition"]["members"]) == ["casme2", "samm", "smic"]


def test_printed_table_refuses_a_table_with_a_header_of_its_own(scored):
    rows = "p | TP | FP | FN\n" + "".join(f"0.0{n} | {40 - n} | {298 - n} | 17\n" for n in range(1, 9))
    code, message = scored(
        json.dumps({"cells": [{"outputs": [{"text": [rows]}]}], "nbformat": 4}), "p.ipynb", fails=True
    )
    assert code == 3
    assert "the header 'p | TP | FP | FN', which names no video, onset and offset" in message


def test_read_sheet_tells_of_hidden_rows(scored, tmp_path):
    write_xlsx(
        tmp_path / "p.xlsx", {"A": [("subject", "video", "onset", "offset"), *[(v[:3], v, a, b) for v, a, b in SPANS]]}
    )
    changed = rewritten(tmp_path / "p.xlsx", lambda xml: xml.replace(b'<row r="3"', b'<row r="3" hidden="1"'))
    counts, result = scored(changed)
    assert counts == [5, 0, 0]
    assert "predictions: hidden in the sheet, but counted (line 3)" in result["repaired"]


def rewritten(book, change):
    """The workbook with its first sheet changed."""
    other = book.with_name("changed.xlsx")
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            raw = old.read(name)
            new.writestr(name, change(raw) if name.endswith("sheet1.xml") else raw)
    return other


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"MATLAB 5.0 MAT-file" + bytes(120), "is a file of MATLAB"),
        (b"ARROW1" + bytes(50), "is a feather file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "is an HDF5 file"),
    ],
)
def test_read_sheet_names_files_that_are_no_tables(scored, raw, kind):
    code, message = scored(raw, "p.bin", fails=True)
    assert code == 3
    assert kind in message


def test_read_sheet_names_a_zip_archive(scored, tmp_path):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("answers.csv", TRUTH)
    code, message = scored(tmp_path / "p.zip", fails=True)
    assert code == 3
    assert "is a zip archive of 1 file (answers.csv): unpack it and name the file inside" in message


def write_ods(path):
    """A sheet as LibreOffice writes it."""
    cells = [("subject", "video", "onset", "offset"), *[(v[:3], v, a, b) for v, a, b in SPANS]]
    kind = {str: 'office:value-type="string"', int: 'office:value-type="float" office:value="{0}"'}
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f"<table:table-cell {kind[type(cell)].format(cell)}><text:p>{cell}</text:p></table:table-cell>"
            for cell in row
        )
        + "</table:table-row>"
        for row in cells
    )
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    document = (
        f'<office:document-content{spaces} office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="A">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry '
        'manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", document)
        archive.writestr("META-INF/manifest.xml", manifest)
    return path


def test_read_sheet_reads_opendocument(scored, tmp_path):
    pytest.importorskip("python_calamine")
    counts, _ = scored(write_ods(tmp_path / "p.ods"))
    assert counts == [5, 0, 0]


FORMS = {
    "msec": lambda frame: f"{frame * 40}",
    "ss.msec": lambda frame: f"{frame / 25:.3f}",
    "hh:mm:ss.ms": lambda frame: f"00:{frame // 1500:02}:{frame % 1500 / 25:06.3f}",
}


@pytest.mark.parametrize("form", FORMS)
def test_sheet_of_export_reads_times_of_elan(scored, form):
    head = f"Tier\t\tBegin Time - {form}\tEnd Time - {form}\tdefault\tFile\n"
    rows = "".join(f"micro\t\t{FORMS[form](a)}\t{FORMS[form](b + 1)}\t0.5\t{v}.eaf\n" for v, a, b in SPANS)
    counts, result = scored(
        head + rows + f"gaze\t\t{FORMS[form](1)}\t{FORMS[form](2)}\t\t006_1.eaf\n", "p.txt", "--fps", "25"
    )
    assert counts == [5, 0, 0]
    assert any("1 tier of 006_1 not read: gaze" in line for line in result["repaired"])


def test_sheet_of_export_reads_times_without_names(scored):
    clock = FORMS["hh:mm:ss.ms"]
    lines = [f"micro\t\t{clock(a)}\t{clock(b)}\t{clock(b - a)}\tx\t{v}.eaf\n" for v, a, b in SPANS]
    counts, result = scored("".join(lines), "p.txt", "--fps", "25")
    assert counts == [5, 0, 0]
    assert any("read as those of ELAN's export" in note for note in result["repaired"])


def test_sheet_of_export_needs_a_rate(scored):
    code, message = scored(
        "Tier\tBegin Time - msec\tEnd Time - msec\tFile\nmicro\t0\t400\t006_1.eaf\n", "p.txt", fails=True
    )
    assert code == 3
    assert "counts time and states no frame rate: give it with --fps N" in message


@pytest.mark.parametrize(("unit", "scale"), [("s", 1), ("secs", 1), ("ms", 1000)])
def test_add_times_reads_columns_by_their_unit(scored, unit, scale):
    rows = "".join(f"{v},{a / 25 * scale:g},{b / 25 * scale:g}\n" for v, a, b in SPANS)
    counts, result = scored(f"video,start_{unit},end_{unit}\n{rows}", "p.csv", "--fps", "25")
    assert counts == [5, 0, 0]
    assert any(f"the column 'start_{unit}' is read as the onset in" in line for line in result["repaired"])


def test_score_counts_repeated_predictions_as_false(scored):
    counts, _ = scored(TRUTH + "006,006_1,100,140\n")
    assert counts == [5, 1, 0]


def test_score_refuses_names_with_an_ending(scored):
    rows = "".join(f"{v[:3]},{v}.mp4,{a},{b}\n" for v, a, b in SPANS)
    code, message = scored(f"subject,video,onset,offset\n{rows}", fails=True)
    assert code == 3
    assert "no video of the predictions is in the truth" in message
    assert "add --loose-ids" in message


@pytest.mark.parametrize("labels", [(0, 1, 0, 1, 0), ("1", "2", "1", "2", "1")], ids=["numbers", "texts"])
def test_join_intervals_refuses_numbers_for_kinds_of_the_truth(write, score, labels):
    kinds = ("micro", "macro", "micro", "macro", "micro")
    truth = "video,onset,offset,kind\n" + "".join(f"{v},{a},{b},{k}\n" for (v, a, b), k in zip(SPANS, kinds))
    rows = [{"video": v, "onset": a, "offset": b, "label": one} for (v, a, b), one in zip(SPANS, labels)]
    words = ("--truth", write(truth, "t.csv"), "--predictions", write(json.dumps(rows), "p.json"))
    code, message = score(*words, fails=True)
    assert code == 3
    assert "the label of each interval is a number" in message
    micro = score(*words, "--kinds", "micro")["spotting"]["micro"]
    assert (micro["tp"], micro["fp"], micro["fn"]) == (3, 2, 0)


def test_with_kinds_refuses_numbers_beside_names(scored):
    results = {"006_1": [{"segment": [4, 5.6], "label": "micro"}, {"segment": [36, 38], "label": 1}]}
    code, message = scored(json.dumps({"results": results}), "p.json", "--fps", "25", fails=True)
    assert code == 3
    assert "the column 'emotion' holds 'micro' in some rows and '1' in others" in message
