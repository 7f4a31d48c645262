import csv
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from mebench.errors import DataError
from mebench.records import published
from tests.helpers.run_folders import make_run

COMMITTED = Path(__file__).parents[2] / "leaderboards" / "published.csv"
SURVEY = "xie2020overview"
MEAN = "liong2023mean"
SOFTNET = "liong2021softnet"
MTSN = "liong2022mtsn"
HTNET = "wang2023htnet"

ROW = {
    "method": "SOFTNet",
    "year": "2021",
    "dataset": "cas_me2",
    "task": "spotting",
    "kind": "micro",
    "protocol": "loso",
    "metric": "f1",
    "value": "0.1173",
    "source": "liong2021softnet arXiv:2106.06489",
    "table": "Table 1",
}
ANALYSED = {"task": "analysis", "part": "true_positives", "classes": "3"}


def load(path: Path) -> pd.DataFrame:
    rows = published.read_published(path)
    frame = pd.DataFrame(rows, columns=[column.name for column in fields(published.PublishedValue)])
    return frame.astype({"year": "Int64", "classes": "Int64"}).assign(path=[row.path for row in rows])


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return load(COMMITTED)


def select(rows: pd.DataFrame, source: str, **columns: str) -> pd.DataFrame:
    found = rows[rows["source"].str.startswith(f"{source} ")]
    for name, cell in columns.items():
        found = found[found[name] == cell]
    return found


def the(rows: pd.DataFrame, source: str, **columns: str) -> pd.Series:
    found = select(rows, source, **columns)
    assert len(found) == 1, found
    return found.iloc[0]


def carrying(rows: pd.DataFrame, caveat: str) -> pd.DataFrame:
    return rows[[caveat in caveats for caveats in rows["caveats"]]]


def table(folder: Path, *changes: dict[str, str]) -> Path:
    path = folder / "published.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, published.COLUMNS, restval="")
        writer.writeheader()
        writer.writerows({**ROW, **change} for change in changes)
    return path


# The committed file


def test_published_csv_holds_every_value_of_tables(rows):
    counted = rows.groupby([rows["source"].str.split(" ").str[0], "table"]).size()
    assert counted[MEAN].to_dict() == {
        "Table 2": 17,
        "Table 3": 4,
        "Table 4": 12,
        "Table 5": 108,
        "Table 6": 9,
        "Table 7": 15,
        "Table 8": 18,
        "Table 9": 12,
        "Table 10": 8,
    }
    assert counted[SURVEY].to_dict() == {
        "Table 3": 23,
        "Table 4": 33,
        "Table 5": 30,
        "Table 6": 44,
        "Table 7": 34,
        "Table 8": 25,
    }
    assert counted[HTNET].to_dict() == {"Table 2": 104, "issue 21": 4}


def test_published_csv_uses_names_of_mebench(rows):
    """And those of the grand challenges whose videos or questions nobody outside them can score."""
    challenges = {"megc2022", "megc2023", "megc2024", "megc2025"}
    datasets = {
        "megc2019",
        "casme2",
        "casme3",
        "smic_hs",
        "smic_vis",
        "smic_nir",
        "samm",
        "cas_me2",
        "samm_lv",
        "meview",
        "four_dme",
        "mmew",
    }
    assert set(rows["dataset"]) == datasets | challenges | {"megc2025_vqa", "megc2026_vqa"}
    assert set(rows["member"]) == {"", "casme2", "casme3", "smic_hs", "samm", "samm_lv"}
    protocols = {"", "none", "loso", "kfold", "megc2019_cde"}
    assert set(rows["protocol"]) == protocols | challenges | {"megc2026", "4dmr2025"}


def test_published_csv_marks_misassigned_ststnet(rows):
    truly = {"casme2": "smic_hs", "smic_hs": "samm", "samm": "casme2"}
    printed = select(rows, SURVEY, method="STSTNet")
    assert len(printed) == 6
    assert set(printed["dataset"]) == set(truly)
    for row in printed.itertuples():
        original = the(rows, HTNET, method="STSTNet", member=truly[row.dataset], metric=row.metric)
        own = the(rows, HTNET, method="STSTNet", member=row.dataset, metric=row.metric)
        assert row.value == pytest.approx(original["value"], abs=0.0006) != pytest.approx(own["value"], abs=0.0006)
        assert "misassigned" in row.caveats


def test_published_csv_marks_precisions_as_accuracies(rows):
    printed = carrying(select(rows, SURVEY, table="Table 3"), "misassigned")
    assert len(printed) == 5
    assert set(printed["metric"]) == {"accuracy"}
    for row in printed.itertuples():
        recall, f1 = (
            the(rows, SURVEY, table="Table 3", method=row.method, dataset=row.dataset, metric=metric)["value"]
            for metric in ("recall", "f1")
        )
        low, high = (2 * p * recall / (p + recall) for p in (row.value - 0.0005, row.value + 0.0005))
        assert low - 0.0005 <= f1 <= high + 0.0005


def test_published_csv_marks_macro_of_sp_fd(rows):
    printed = the(rows, MEAN, method="SP-FD", dataset="samm_lv")
    micro, macro = (
        the(rows, SOFTNET, method="SP-FD", dataset="samm_lv", kind=kind)["value"] for kind in ("micro", "macro")
    )
    assert (printed["kind"], printed["value"], micro) == ("micro", macro, 0.1331)
    assert "misassigned" in printed["caveats"]


def test_published_csv_marks_parts_of_mean(rows):
    printed = carrying(select(rows, MEAN, table="Table 9"), "misassigned")
    assert list(printed["dataset"]) == ["casme2", "smic_hs", "smic_vis", "smic_nir"]
    for row in printed.itertuples():
        over_all = the(
            rows, MEAN, table="Table 2", method="MEAN", dataset=row.dataset, part="all_intervals", metric="f1"
        )
        assert row.part == "true_positives"
        assert row.value == pytest.approx(over_all["value"], abs=0.00011)


@pytest.mark.parametrize(
    ("source", "dataset", "metric", "words"),
    [
        (
            MEAN,
            "casme2",
            "uf1",
            "uf1 of MEAN is 0.6755, but the f1, its upper bound, of the same table give 0.0000 to 0.5927",
        ),
        (HTNET, "megc2019", "uf1", "uf1 of LBP-TOP is 0.2000, but the uar of the same table give 0.29"),
    ],
)
def test_read_published_refuses_impossible_row_without_caveat(rows, tmp_path, source, dataset, metric, words):
    row = the(carrying(rows, "impossible"), source, dataset=dataset, metric=metric)
    copy = tmp_path / "published.csv"
    lines = COMMITTED.read_text(encoding="utf-8").splitlines(keepends=True)
    own = [line.replace(",impossible,", ",,") if line.startswith(f"{row['method']},") else line for line in lines]
    copy.write_text("".join(own), encoding="utf-8")
    with pytest.raises(DataError, match=rf"line {row['line']}: {words}"):
        load(copy)


def test_published_csv_marks_lbp_top_on_smic(rows):
    where = {"method": "LBP-TOP", "member": "smic_hs"}
    uf1, uar = (the(rows, HTNET, **where, metric=metric) for metric in ("uf1", "uar"))
    assert (uf1["value"], uar["value"]) == (0.2, 0.528)
    assert len(carrying(rows, "impossible")) == 4
    assert all("impossible" in row["caveats"] and "no UF1 below 0.29" in row["note"] for row in (uf1, uar))


def test_published_csv_marks_survey_that_contradicts_paper(rows):
    """The survey prints .836 for a model whose paper has .655 at best."""
    jia = rows[rows["method"] == "Macro-to-micro transformation (Jia)"]
    best = jia[jia["source"].str.startswith("jia2018macro")]["value"].max()
    assert best == 0.655
    assert set(select(jia, SURVEY)["caveats"]) == {("misassigned",)}
    assert select(jia, SURVEY)["value"].min() > best


def test_published_csv_marks_test_selected_methods(rows):
    chosen = carrying(rows, "test_selected")
    assert {(row.method, row.source.split()[0]) for row in chosen.itertuples()} == {
        ("HTNet", HTNET),
        ("AUW-GCN", "yin2023auwgcn"),
        ("CausalNet", "zhang2025causalnet"),
        ("CapsuleNet", HTNET),
        ("LGSNet", "yu2023lgsnet"),
        ("MULT", "guo2023mult"),
        ("MER-CLIP", "liu2025merclip"),
        ("Macro-to-micro transformation (Jia)", "jia2018macro"),
    }
    again = carrying(rows, "reproduction")
    of_2025 = {"ME-TST+", "BoostingVRME (authors of ME-TST)"}
    assert set(again["method"]) == {"STSTNet", "HTNet", "MTSN", "SOFTNet", "SKD-TSTSAN"} | of_2025
    assert set(chosen.index).isdisjoint(again.index)


def test_caveats_are_explained_and_occur(rows):
    occurring = {caveat for caveats in rows["caveats"] for caveat in caveats}
    with_caveats = [row for row in rows.itertuples() if row.caveats]
    assert occurring == set(published.CAVEATS)
    assert all(row.note for row in with_caveats)


def test_published_csv_marks_unranked_precision_of_mean(rows):
    assert len(rows[rows["metric"] == "ap"]) == 6
    assert carrying(rows, "unranked").index.equals(rows[rows["metric"] == "ap"].index)


def test_published_csv_has_values_of_several_sources(rows):
    where = {"method": "3D-CNN (Yap)", "dataset": "samm_lv", "kind": "overall"}
    assert the(rows, SOFTNET, **where)["value"] == 0.3299
    assert the(rows, MTSN, **where)["value"] == 0.1084


def test_published_csv_marks_partly_scored_videos(rows):
    own = rows[rows["method"].isin(["MEAN", "SOFTNet", "MTSN"]) & rows["dataset"].isin(["cas_me2", "samm_lv"])]
    assert len(own) > 60
    assert carrying(own, "different_protocol").index.equals(own.index)


# The reader


def test_published_rows_become_typed_frame(tmp_path):
    change = {"caveats": "unranked;reproduction", "note": "a, b", "metric": "ap", "year": "", "value": "0.10"}
    frame = load(table(tmp_path, {}, change))
    assert frame["year"].dtype == frame["classes"].dtype == "Int64"
    assert frame["value"].dtype == "float64"
    first, second = frame.to_dict("records")
    assert (first["year"], first["value"], first["digits"], first["caveats"], first["line"]) == (2021, 0.1173, 4, (), 2)
    assert (second["value"], second["digits"], second["note"]) == (0.1, 2, "a, b")
    assert pd.isna(second["year"])
    assert second["caveats"] == ("unranked", "reproduction")


def test_published_table_without_rows_is_empty_frame(tmp_path):
    frame = load(table(tmp_path))
    assert frame.empty
    assert set(published.COLUMNS) < set(frame.columns)


def test_read_published_takes_file_of_spreadsheet_program(tmp_path):
    path = table(tmp_path, {})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n").replace(b"\r\r", b"\r"))
    assert len(load(path)) == 1


def test_published_path_leads_to_value_of_summary(tmp_path):
    summary = make_run(tmp_path).read_json("summary.json")
    recognition = {"task": "recognition", "classes": "3"}
    changes = (
        {},
        {"metric": "tp", "value": "3"},
        {**ANALYSED, "metric": "uf1"},
        {**ANALYSED, "metric": "n", "value": "9"},
        {**ANALYSED, "metric": "strs", "part": "", "value": "0.1"},
        {**recognition, "metric": "uar"},
    )
    for path in load(table(tmp_path, *changes))["path"]:
        found = summary
        for key in path:
            found = found[key]
        assert isinstance(found, int) or "value" in found
    member = load(table(tmp_path, {**recognition, "member": "samm", "metric": "uar"}))["path"][0]
    assert member == ("recognition", "members", "samm", "scores", "uar")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": ""}, "source is empty: every row needs method, dataset"),
        ({"source": "SOFTNet, Table 1"}, "expected a key, a blank, and doi"),
        ({"method": "SOFTNet "}, "remove blanks"),
        ({"note": "two\nlines"}, "remove blanks at its ends, tabs and line breaks"),
        ({"metric": "f2"}, "unknown metric 'f2'. Did you mean"),
        ({"task": "spot"}, "unknown task 'spot'. Did you mean 'spotting'"),
        ({"task": "recognition", "kind": "macro"}, "unknown kind of recognition 'macro'"),
        ({"task": "analysis"}, "an analysis needs true_positives or all_intervals (except for acc_mesr and strs)"),
        ({"part": "true_positives"}, "otherwise leave it empty"),
        ({"dataset": "CAS(ME)^2"}, "expected an id of lower-case letters"),
        ({"caveats": "test-selected"}, "unknown caveat 'test-selected'. Did you mean 'test_selected'"),
        ({"caveats": "unranked; reproduction"}, "unknown caveat ' reproduction'"),
        ({"caveats": "unranked;unranked"}, "name each once"),
        ({"value": "0,1173"}, "f1 is '0,1173': expected digits, a point, digits"),
        ({"value": ".1173"}, "expected digits, a point, digits"),
        ({"value": "nan"}, "expected digits, a point, digits"),
        ({"value": "-0.1"}, "expected digits, a point, digits"),
        ({"value": "11.73"}, "divide percentages by 100"),
        ({"metric": "tp", "value": "17.0"}, "tp is '17.0': expected a whole number"),
        ({"year": "21"}, "expected nothing or a whole number from 1900"),
        ({"classes": "three"}, "expected nothing or a whole number from 2"),
    ],
)
def test_read_published_refuses_row_with_its_line(tmp_path, change, words):
    with pytest.raises(DataError) as error:
        load(table(tmp_path, {}, change))
    assert words in str(error.value)
    assert f"published.csv, line {4 if 'note' in change else 3}: " in str(error.value)


def test_read_published_takes_value_out_of_range(tmp_path):
    assert load(table(tmp_path, {"value": "1.2", "caveats": "impossible"}))["value"][0] == 1.2
    assert load(table(tmp_path, {"value": "40.5", "metric": "apex_mae_ms"}))["value"][0] == 40.5


def test_read_published_refuses_repeated_row(tmp_path):
    with pytest.raises(DataError, match=r"line 3: repeats line 2 \(SOFTNet, cas_me2, f1, Table 1\)"):
        load(table(tmp_path, {}, {"value": "0.1174"}))
    apart = ({"method_variant": "run 2"}, {"table": "Table 2"}, {"dataset": "samm_lv"}, {"kind": "macro"})
    assert len(load(table(tmp_path, {}, *apart))) == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1: expected the columns method,"),
        (b"method,value\nMEAN,0.5\n", "line 1: expected the columns method,"),
        ((",".join(published.COLUMNS) + "\nMEAN\n").encode(), "line 2: expected 16 columns"),
        ((",".join(published.COLUMNS) + "\n" + "x," * 20).encode(), "line 2: expected 16 columns"),
        (b"\xff\xfe\x00", "cannot be read as a UTF-8 table"),
        (b'method,"open\n', "cannot be read as a UTF-8 table"),
    ],
)
def test_read_published_refuses_other_files(tmp_path, content, words):
    path = tmp_path / "published.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        load(path)
    assert words in str(error.value)


def test_read_published_names_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*absent.csv"):
        load(tmp_path / "absent.csv")


def test_papers_say_what_programs_keep():
    words = (
        "selection not known",
        "is not known",
        "nothing is trained",
        "program",
        "chosen on its own",
        "checkpoint of best accuracy",
    )
    silent = [
        row
        for row in published.read_published(COMMITTED)
        if "test_selected" not in row.caveats and not any(word in row.note for word in words)
    ]
    assert not silent, silent[0]


def test_published_systems_of_sources_are_built_or_left_out():
    """A method of the survey, MEAN and SOFTNet has a card here, or a reason on the page of methods."""
    page = (COMMITTED.parents[1] / "docs" / "methods" / "index.md").read_text("utf-8")
    cards = [card.read_text("utf-8") for card in (COMMITTED.parents[1] / "methods").glob("*/README.md")]
    known = _plain("".join([page, *cards]))
    rows = published.read_published(COMMITTED)
    names = {row.method.partition(" (")[0] for row in rows if row.source.startswith((SURVEY, MEAN, SOFTNET))}
    assert {name for name in names if _plain(name) not in known} == set()


def _plain(text: str) -> str:
    """Letters and digits alone."""
    return "".join(filter(str.isalnum, text.lower()))
