"""Tables as people of the field write them: names, languages, encodings, notes, codes, and remarks on rows and columns."""

import openpyxl
import pytest

from mebench.annotations.text import decode_text
from mebench.config import registry
from mebench.errors import DataError
from mebench.exchange import answers, text_table
from mebench.exchange.intervals import read_intervals
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks
from mebench.inspection import dataset_summary
from tests.helpers.empty_trees import write_empty_tree

HEAD = ("subject", "video", "onset", "offset")


def read(path, role="truth", encoding=None):
    remarks = Remarks()
    return read_intervals(text_table.open_encoded(path, encoding), role, remarks), remarks


def spans(table):
    return list(zip(table.intervals["kind"], table.intervals["onset"], table.intervals["offset"]))


CODED = "subject,video_name,start_frame,end_frame,type_idx\nx,a,10,40,1\nx,a,60,70,2\nx,a,90,140,1\n"


def test_read_intervals_takes_kinds_by_number(write):
    """`type_idx` of AUW-GCN and others: 1 is macro."""
    table, remarks = read(write(CODED))
    assert spans(table) == [("macro", 10, 40), ("micro", 60, 70), ("macro", 90, 140)]
    assert "truth: the column 'type_idx' is read as the kind: 1 is macro, 2 is micro" in remarks.repaired
    alone, _ = read(write("video,onset,offset,type_idx\na,10,40,1\n"), "predictions")
    assert spans(alone) == [("macro", 10, 40)]
    words, _ = read(write("video,onset,offset,type_code\na,10,40,MaE\na,1,4,ME\n"))
    assert spans(words) == [("macro", 10, 40), ("micro", 1, 4)]
    for other in ("expr_type", "ME type"):
        named, _ = read(write(CODED.replace("type_idx", other)))
        assert spans(named) == spans(table)


@pytest.mark.parametrize("name", ["expression_kind", "category", "label kind", "类别"])
def test_read_intervals_takes_kind_column_of_any_name(write, name):
    table, _ = read(write(f"subject,video,onset,offset,{name}\nx,a,10,40,macro\nx,a,1,4,micro\n"))
    assert spans(table) == [("macro", 10, 40), ("micro", 1, 4)]


@pytest.mark.parametrize(
    ("name", "cells"), [("is_micro", "01"), ("macro", ("True", "false")), ("Macro-expression", "yn")]
)
def test_read_intervals_takes_kind_column_of_yes_and_no(write, name, cells):
    table, remarks = read(write(f"video,onset,offset,{name}\na,10,40,{cells[0]}\na,60,70,{cells[1]}\n"))
    assert spans(table) == [("macro", 10, 40), ("micro", 60, 70)]
    assert f"truth: the column {name!r} says yes or no and is read as the kind" in remarks.repaired


@pytest.mark.parametrize("rows", ["x,a,10,14,1\nx,a,60,90,2\n", "x,a,10,40,0\nx,a,60,70,1\n"])
def test_read_intervals_refuses_ambiguous_numbers_of_kinds(write, rows):
    with pytest.raises(DataError, match=r"the column 'type_idx' holds . and ., .* write micro and macro"):
        read(write("subject,video,onset,offset,type_idx\n" + rows))


def test_read_intervals_names_unread_column_of_many_codes(write):
    _, remarks = read(write("subject,video,onset,offset,type_id\nx,a,1,4,7\nx,a,10,14,8\nx,a,20,24,9\n"))
    assert (
        "truth: the column 'type_id' is not read; if it holds the kind, write micro and macro there" in remarks.warnings
    )


def test_read_intervals_lists_unread_columns(write):
    _, remarks = read(write("subject,video,onset_no,offset,notes,AU\nx,a,1,4,?,4\n"))
    assert "truth: the column 'onset_no' is read as the onset" in remarks.repaired
    assert "truth: 2 columns not read: notes, AU" in remarks.repaired


@pytest.mark.parametrize("name", ["data", "db", "corpus", "source"])
def test_score_clips_tells_datasets_apart_by_any_column_name(write, score, name):
    """MEGC 2019's lists: the same numbers are other people in SMIC and SAMM."""
    rows = ["smic,11,a1,0", "smic,11,a2,1", "smic,12,a3,2", "samm,11,b1,0", "samm,011,b2,0", "samm,12,b3,1"]
    file = write("\n".join([f"{name},subject,clip,label", *rows]))
    found = score("--truth", file, "--clips", file)
    assert {base: member["n"] for base, member in found["recognition"]["members"].items()} == {"smic": 3, "samm": 3}
    (warned,) = found["warnings"]
    assert "the subjects samm/011 and samm/11 count as different people" in warned


def test_score_clips_warns_once_of_people_written_alike(write, score):
    file = write("subject,clip,label\n20,a,0\nsub20,b,1\n7,c,0\nsub07,d,1\n")
    (warned,) = score("--truth", file, "--clips", file)["warnings"]
    assert "2 groups of subjects, such as 20 and sub20, count as different people" in warned
    assert "alike" not in warned


SIGNS = ["\x1a", "\x07", "\u200b", "\ufeff", "\u2060", "\u00ad", "\u202c", "\u034f", "\ufe0f", "\u3164"]


@pytest.mark.parametrize("sign", SIGNS)
def test_read_intervals_drops_invisible_characters_and_says_so(write, sign):
    table, remarks = read(write(f"subject,video,onset,offset\n1\u3000,EP{sign}02{sign},10,24\n"))
    assert table.intervals["video"].tolist() == ["EP02"]
    assert table.intervals["subject"].tolist() == ["1"]
    assert f"truth: 2 signs that are not shown (U+{ord(sign):04X}) left out (line 2)" in remarks.repaired


LANGUAGES = {
    "de": "Proband;Video;Beginn;Höhepunkt;Ende;Gefühl;Art\n1;a;10;12;20;Überraschung;Mikro",
    "zh": "被试，视频，起始帧，顶点帧，结束帧，情绪，类型\n１，a，10，12，20，惊讶，微表情",
    "fr": "Sujet,Séquence,Début,Apex,Fin,Émotion,Type\n1,a,10,12,20,surprise,micro-expression",
    "es": "Sujeto;Archivo;Inicio;Ápice;Fin;Emoción;Tipo\n1;a;10;12;20;sorpresa;microexpresión",
}
ENCODINGS = [("de", "cp1252"), ("zh", "gb18030"), ("fr", "cp1252"), ("es", "cp1252"), ("zh", "utf-16")]


@pytest.mark.parametrize(("language", "encoding"), [*((name, "utf-8") for name in LANGUAGES), *ENCODINGS])
def test_read_intervals_takes_headers_of_four_languages(write, language, encoding):
    table, remarks = read(write(LANGUAGES[language], encoding=encoding))
    row = table.intervals.iloc[0]
    assert (row["subject"], row["video"], row["kind"]) == ("1", "a", "micro")
    assert (row["onset"], row["apex"], row["offset"]) == (10, 12, 20)
    assert any("not UTF-8" in line for line in remarks.repaired) == (encoding in ("cp1252", "gb18030"))


@pytest.mark.parametrize(
    "header",
    [
        "Probandennummer;Dateiname;Startframe;Endframe",
        "Prüfling Nr.;Video-ID;Beginn (Frame);Ende (Frame)",
        "受试者ID,视频ID,起始（帧）,结束（帧）",
        "N° sujet;Nom de la séquence;Image de début;Image de fin",
        "Nº de sujeto;Vídeo;Fotograma de inicio;Fotograma de fin",
        "Proband_Nr;ID_Video;Anfang;Ende",
        "被试编号,视频名称,起始帧号,结束帧号",
        "受试者序号,文件名,开始帧编号,终止帧编号",
        "Nom du sujet;Nom de la vidéo;Image début;Image fin",
        "ID_sujeto;Nombre del video;Fotograma inicial;Fotograma final",
        "被験者番号,動画名,開始フレーム,終了フレーム",
        "피험자,영상,시작프레임,종료프레임",
        "Soggetto;File;Fotogramma iniziale;Fotogramma finale",
        "Participante;Arquivo;Quadro inicial;Quadro final",
        "Испытуемый;Видео;Начальный кадр;Конечный кадр",
        "Badany;Plik;Początek;Koniec",
        "Koehenkilö;Tiedosto;Alku;Loppu",
    ],
)
def test_read_intervals_takes_more_words_of_these_languages(write, header):
    sign = ";" if ";" in header else ","
    table, _ = read(write(f"{header}\n{sign.join(['7', 'a', '1', '2'])}\n"))
    assert spans(table) == [("micro", 1, 2)]
    assert table.intervals["subject"].tolist() == ["7"]


@pytest.mark.parametrize(
    ("text", "encoding"), [("これは被験者", "shift_jis"), ("被験者,動画", "shift_jis"), ("für é", "latin-1")]
)
def test_decode_text_concludes_the_encoding_from_text(text, encoding):
    assert decode_text(text.encode(encoding), "file")[0] == text


OTHERS = {
    "cp1251": "испытуемый",
    "big5": "視頻",
    "cp949": "똠방각하",
    "euc_kr": "표정",
    "euc_jp": "ひょうじょう",
    "iso8859_7": "πρόσωπο",
    "koi8_r": "видео",
    "cp874": "วิดีโอ",
    "mac_roman": "Gefühl",
}


@pytest.mark.parametrize("encoding", OTHERS)
def test_read_intervals_asks_for_any_other_encoding(write, encoding):
    name = OTHERS[encoding]
    file = write(f"subject,video,onset,offset\n1,{name},1,2\n", encoding=encoding)
    with pytest.raises(DataError, match=r"line 2: the text is not UTF-8, .* name it with --encoding"):
        read(file)
    table, _ = read(file, encoding=encoding)
    assert table.intervals["video"].tolist() == [name]


@pytest.mark.parametrize("name", ["悲伤", "惊讶", "视频", "开心", "其他类"])
def test_read_intervals_takes_short_chinese_as_gb18030(write, name):
    table, remarks = read(write(f"subject,video,onset,offset,emotion\n1,a,1,2,{name}\n", encoding="gb18030"))
    assert table.intervals["emotion"].tolist() == [name]
    assert "GB18030" in remarks.repaired[0]


@pytest.mark.parametrize("cell", ["1900-01-10", "1900/1/10", "10-Jan-1900", "1900-01-10T00:00:00"])
def test_read_intervals_takes_numbers_saved_as_dates(write, cell):
    table, remarks = read(write(f"subject,video,onset,offset\n1,a,{cell},20\n1,b,3,9\n"))
    assert spans(table) == [("micro", 10, 20), ("micro", 3, 9)]
    assert any("the onset is shown as a date (line 2)" in line for line in remarks.repaired)
    with pytest.raises(DataError, match="line 2: the onset '2024-04-12' is not a number"):
        read(write("subject,video,onset,offset\n1,a,2024-04-12,20\n"))


@pytest.mark.parametrize(
    "header",
    ["type_no,video,onset,offset", "video,onset_index,offset_nr,kind_code", "ID_video,Onset_num,Offset_num,Type_id"],
)
def test_read_intervals_reads_or_names_compound_columns(write, header):
    cells = {"type": "MaE", "kind": "MaE", "onset": "3", "offset": "9"}
    row = [next((c for n, c in cells.items() if n in name.casefold()), "a") for name in header.split(",")]
    table, remarks = read(write(f"{header}\n{','.join(row)}\n"))
    assert spans(table) == [("macro", 3, 9)]
    assert any("holds kinds, such as 'MaE', read as the kind" in line for line in remarks.repaired)


@pytest.mark.parametrize("row", ["smic,s11,s11_ne_01,0", "sub01 EP02_01f happiness", "s1;clip;1;positive"])
def test_score_clips_reads_files_without_header(write, score, row):
    """As the list of MEGC 2019 that comes without a header."""
    file = write(f"{row}\n{row.replace('1', '2')}\n")
    summary = score("--truth", file, "--clips", file)
    assert summary["recognition"]["n"] == 2
    assert any("no line names the columns: they are read as" in line for line in summary["repaired"])


@pytest.mark.parametrize("text", ["<html><table><tr><td>subject</td></tr></table>", '<?xml version="1.0"?><Workbook/>'])
def test_read_intervals_refuses_markup_named_as_workbook(write, text):
    with pytest.raises(DataError, match="is a page or other markup, not a table of text"):
        read(write(text, "labels.xls"))


def test_read_intervals_refusal_names_recognized_columns(write):
    with pytest.raises(
        DataError, match=r"lacks the column 'offset'; .* It takes 'Proband' as subject, 'Beginn' as onset"
    ):
        read(write("Proband;Video;Beginn;Dauer\n1;a;3;4\n"))


def test_read_intervals_leaves_out_preamble_notes_and_sums(write):
    text = "Our coding 2024\nfps 200\nsubject,video,onset,offset\n1,a,3,9\n,,,\nchecked twice,,,\nTotal,,3,9\n"
    table, remarks = read(write(text))
    assert spans(table) == [("micro", 3, 9)]
    assert "truth: lines 1 and 2 above the names of the columns, left out" in remarks.repaired
    assert "truth: lines 6 and 7, left out: a note or a sum that names no video" in remarks.repaired


@pytest.mark.parametrize("sums", ["Total,2,30,60", "Summe,2,,", "subtotal,1,,", "合计,2,30,60", ",Mean,15,30"])
def test_read_intervals_leaves_out_rows_of_sums(write, sums):
    table, remarks = read(write(f"subject,video,onset,offset\n1,a,10,20\n{sums}\nSD,b,20,40\nn,c,,\n"))
    assert spans(table) == [("micro", 10, 20), ("micro", 20, 40)]
    assert table.videos["video"].tolist() == ["a", "b", "c"]
    assert "truth: line 3, left out: a note or a sum that names no video" in remarks.repaired


def test_read_intervals_leaves_out_repeated_headers(write):
    one = "subject,video,onset,offset\n1,a,10,20\n"
    table, remarks = read(write(f"{one}\ufeff{one.replace('a', 'b')}{one.replace('a', 'c')}"))
    assert table.intervals["line"].tolist() == [2, 4, 6]
    assert "truth: the names of the columns again, left out (lines 3 and 5)" in remarks.repaired


def test_SheetDataset_leaves_out_repeated_headers_of_a_workbook(tmp_path):
    plugin = registry.load_plugin("dataset", "casme2")
    write_empty_tree("casme2", tmp_path)
    sheet = plugin(plugin.Params(root=str(tmp_path))).annotation_file
    expected = len(plugin(plugin.Params(annotations=str(sheet))).annotations)
    book = openpyxl.load_workbook(sheet)
    book.active.append([cell.value for cell in book.active[1]])
    book.active.append(["Total", 8, None, 10, 20, 30])
    book.save(sheet)
    dataset = plugin(plugin.Params(annotations=str(sheet)))
    assert len(dataset.annotations) == expected
    assert any("the names of the columns again, left out" in str(repair) for repair in dataset.repairs())


def test_read_intervals_takes_blanks_as_one_separator(write):
    table, _ = read(write("subject   video    onset  offset\n1         a        10     20\n"))
    assert spans(table) == [("micro", 10, 20)]


@pytest.mark.parametrize("sign", ["–", "—", "−", "k.A.", "无"])
def test_read_intervals_takes_signs_for_nothing_as_no_apex(write, sign):
    table, _ = read(write(f"video,onset,apex,offset\na,10,{sign},20\n"))
    assert spans(table) == [("micro", 10, 20)]
    assert table.intervals["apex"].isna().all()


def test_decode_text_refuses_text_of_two_encodings():
    with pytest.raises(DataError, match="its encoding is not certain"):
        decode_text("video,Gefühl\na,Überraschung\n".encode() + "b,Ärger\n".encode("cp1252"), "file")


@pytest.mark.parametrize(
    ("name", "remedy"), [("onset", "give both ends"), ("offset", "give both ends"), ("kind", "write micro or macro")]
)
def test_read_intervals_refuses_half_empty_column_of_marks(write, name, remedy):
    cells = {"video": "a", "onset": "1", "offset": "9", "kind": "micro"}
    rows = [",".join("" if n % 2 and column == name else cell for column, cell in cells.items()) for n in range(9)]
    with pytest.raises(DataError, match=rf"4 of 9 rows have no {name} \(lines 3, 5, 7 and 1 more\): {remedy}"):
        read(write("\n".join([",".join(cells), *rows])))


def test_read_intervals_refuses_half_empty_column_of_names(write):
    rows = [f"{'1' if n == 0 else ''},v{n},1,2" for n in range(9)]
    with pytest.raises(DataError, match=r"8 of 9 rows have no subject \(lines 3, 4, 5 and 5 more\)"):
        read(write("\n".join([",".join(HEAD), *rows])))


def test_read_intervals_takes_fuller_of_two_header_lines(tmp_path):
    book = openpyxl.Workbook()
    for row in (("Subject", "Video", "Frames"), (None, None, "Onset", "Offset"), ("s1", "v1", 10, 20)):
        book.active.append(row)
    for cells in ("A1:A2", "B1:B2", "C1:D1"):
        book.active.merge_cells(cells)
    book.save(tmp_path / "truth.xlsx")
    read = read_intervals(tmp_path / "truth.xlsx", "truth", Remarks())
    assert read.intervals[["subject", "onset", "offset"]].to_numpy().tolist() == [["s1", 10, 20]]


def test_read_intervals_repeats_values_of_merged_cells(tmp_path):
    book = openpyxl.Workbook()
    for row in (HEAD, (1, "a", 1, 2), (None, "b", 3, 4), (2, "c", 5, 6)):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / "book.xlsx")
    table, remarks = read(tmp_path / "book.xlsx")
    assert table.intervals["subject"].tolist() == ["1", "1", "2"]
    assert "truth: merged with the cell above (line 3)" in remarks.repaired


def test_read_intervals_skips_a_sentence_above_the_header(write):
    """SAMM Long Videos has such a note, and eleven lines above its header."""
    text = "FACS codes\t\t\n\nNOTE: Subject with Apex not annotated has -1\t\t\nsubject\tvideo\tonset\toffset\n1\ta\t1\t2\n"
    assert spans(read(write(text))[0]) == [("micro", 1, 2)]


def test_read_truth_takes_kinds_by_number_in_sheets(write):
    """The list of AUW-GCN is called as one of DFME's sheets."""
    file = write(
        "subject,video_name,start_frame,apex_frame,end_frame,type_idx\n1,a,10,12,0,2\n1,a,20,30,90,1\n",
        "cross_test.csv",
    )
    truth, _ = answers.read_truth(file, Rules(), Remarks(), dataset_summary.adapters_of(file))
    assert spans(truth) == [("micro", 10, 12), ("macro", 20, 90)]
