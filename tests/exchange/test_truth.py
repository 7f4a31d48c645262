"""The sheet of a dataset as the truth beside a file of any program, as its adapter reads it."""

import json
from pathlib import Path

import pandas as pd
import pytest
from mebench.datasets.casme2 import fake
from mebench.datasets.samm import fake as samm_fake

from mebench.annotations.drawn import write_xlsx
from mebench.errors import DataError
from mebench.exchange import answers
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks
from mebench.inspection import dataset_summary
from tests.helpers.old_excel import write_xls

SAMM = "SAMM_Micro_FACS_Codes_v2.xlsx"


@pytest.fixture
def samm(tmp_path):
    """The sheet with the lines above its header, numbers for subjects, and an offset of 0."""
    rows = [
        (int(c.name[:3]), c.name, 1, c.onset, c.apex, c.offset, 9, "Micro - 1/2", c.units, c.emotion)
        for c in samm_fake.CLIPS
    ]
    rows[-1] = (*rows[-1][:5], 0, *rows[-1][6:])
    write_xlsx(
        tmp_path / SAMM,
        {"Legend": [("Codes",)], "MICRO_ONLY": [*((line,) for line in samm_fake.PREAMBLE), samm_fake.HEADER, *rows]},
    )
    return tmp_path / SAMM


def truth(path, **asked):
    remarks = Remarks()
    found, rules = answers.read_truth(path, Rules(), remarks, dataset_summary.adapters_of(path), **asked)
    return found, rules, remarks


def test_read_truth_takes_samm_sheet_with_its_quirks(samm):
    found, rules, remarks = truth(samm)
    rows = found.intervals
    assert rows["subject"].tolist() == [clip.name[:3] for clip in samm_fake.CLIPS]
    assert rules.loose_ids
    assert rows[["onset", "offset"]].to_numpy().tolist() == [
        *([clip.onset, clip.offset] for clip in samm_fake.CLIPS[:-1]),
        [samm_fake.CLIPS[-1].onset, samm_fake.CLIPS[-1].apex],
    ]
    assert rows["emotion"].tolist() == [clip.emotion.lower() for clip in samm_fake.CLIPS]
    assert rows["line"].tolist()[0] == len(samm_fake.PREAMBLE) + 2
    assert set(found.videos["fps"]) == {200.0}
    assert "truth: read as the sheet of samm" in remarks.repaired[0]


@pytest.mark.parametrize("names", ["sheet", "folders"])
def test_score_clips_and_mistakes_take_a_sheet_as_truth(mebench, samm, tmp_path, names):
    """Subjects may be called as in the sheet, 6, or as the folders are, 006."""
    answers = [
        (int(c.name[:3]) if names == "sheet" else c.name[:3], c.name, c.onset, c.offset, c.emotion)
        for c in samm_fake.CLIPS[:4]
    ]
    pd.DataFrame(answers, columns=["subject", "video", "onset", "offset", "emotion"]).to_csv(
        tmp_path / "p.csv", index=False
    )
    code, out, err = mebench("score", "--predictions", tmp_path / "p.csv", "--truth", samm, "--json", "-")
    assert code == 0, err
    micro = json.loads(out)["spotting"]["micro"]
    assert (micro["tp"], micro["fp"], micro["fn"]) == (4, 0, 2)
    code, out, _ = mebench("score", "--clips", tmp_path / "p.csv", "--truth", samm, "--json", "-")
    assert code == 0
    assert json.loads(out)["recognition"]["scores"]["accuracy"]["value"] == pytest.approx(4 / 6)
    code, out, _ = mebench("mistakes", tmp_path / "p.csv", "--truth", samm, "--json", "-")
    assert code == 0
    assert len(json.loads(out)["mistakes"]) == 2


@pytest.mark.parametrize(
    ("name", "rows", "dataset", "video", "interval"),
    [
        ("CAS(ME)3_part_C_ME.xlsx", [("sub", "onset", "offset", "au"), (1, 30, 44, "4")], "casme3", "a", (30, 44)),
        ("CAS(ME)^2code_final.xlsx", None, "cas_me2", "15_0401", (20, 40)),
        ("4DME_Labelling_Micro.xlsx", [("sub_ID", "fold_name", "Onset", "Apex", "Offset", "AUs", "Emotion"),
         ("S1", "s1_1", 3, 5, 9, "4", "Negative")], "four_dme", "s1_1", (3, 9)),
    ],
)  # fmt: skip
def test_read_truth_finds_dataset_by_name_of_sheet(tmp_path, name, rows, dataset, video, interval):
    sheets = {"Sheet1": rows} if rows else {
        "CASFEcode_final": [(1, "anger1_1", 20, 30, 40, "4", "negative", "micro-expression", "anger")],
        "naming rule1": [(1, "s15", 1)],
        "naming rule2": [("0401", "anger1")],
    }  # fmt: skip
    write_xlsx(tmp_path / name, sheets)
    found, _, remarks = truth(tmp_path / name)
    assert f"sheet of {dataset}," in remarks.repaired[0]
    ((id_, *ends),) = found.intervals[["video", "onset", "offset"]].to_numpy().tolist()
    assert (id_, *ends) == (video, *interval)


def test_read_truth_tells_casme2_from_casme(tmp_path):
    fake.write_sheet(tmp_path / "CASME2-coding-20140508.xlsx")
    found, _, remarks = truth(tmp_path / "CASME2-coding-20140508.xlsx", clips=True)
    assert "sheet of casme2," in remarks.repaired[0]
    assert len(found.intervals) == 255


def test_read_truth_takes_other_tables(tmp_path):
    plain = [("subject", "video", "onset", "offset"), ("1", "a", 3, 9)]
    for write, name in ((write_xlsx, "SAMM_mine.xlsx"), (write_xls, "mine.xls")):
        write(tmp_path / name, {"Sheet1": plain})
        found, rules, remarks = truth(tmp_path / name)
        assert found.intervals["subject"].tolist() == ["1"]
        assert rules == Rules()
        assert not any("sheet of" in line for line in remarks.repaired)
    with pytest.raises(DataError, match=r"nowhere\.xlsx cannot be read"):
        truth(Path("nowhere.xlsx"))
