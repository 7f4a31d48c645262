"""People come from the truth: names that only predictions have change no interval of others and no p value."""

import pytest

import mebench
from mebench.errors import DataError

ROWS = [
    ("1", "EP01", 10, 24),
    ("1", "EP02", 40, 60),
    ("2", "EP01", 11, 25),
    ("3", "EP01", 11, 25),
    ("4", "EP01", 11, 25),
]
TRUTH = "subject,video,onset,offset,n_frames,fps\n" + "".join(f"{s},{v},{a},{b},900,30\n" for s, v, a, b in ROWS)
HEAD = "subject,video,onset,offset\n"
FOUND = HEAD + "".join(f"{s},{v},{a},{b}\n" for s, v, a, b in ROWS[:3]) + "3,EP01,300,330\n"
WRONG = HEAD + "".join(f"{s},{v},{a + 400},{b + 400}\n" for s, v, a, b in ROWS)
STRANGE = WRONG + "9,x,11,25\n8,y,11,25\n"


@pytest.fixture
def files(write):
    contents = {"t.csv": TRUTH, "found.csv": FOUND, "wrong.csv": WRONG, "strange.csv": STRANGE}
    return {name: write(text, name) for name, text in contents.items()}


def test_compare_counts_no_person_for_an_unknown_video(files):
    plain = mebench.compare(files["found.csv"], files["wrong.csv"], truth=files["t.csv"])
    strange = mebench.compare(files["found.csv"], files["strange.csv"], truth=files["t.csv"])
    one, other = (result.found.scores["spotting.micro.f1"] for result in (plain, strange))
    assert plain.found.subjects == strange.found.subjects == 4
    assert one.first == other.first
    assert one.p == other.p == 0.25


def test_score_counts_false_positives_in_unknown_videos(files):
    plain, strange = (mebench.score(files[name], files["t.csv"]).summary for name in ("wrong.csv", "strange.csv"))
    one, other = (summary["spotting"]["micro"] for summary in (plain, strange))
    assert (other["fp"], one["fp"]) == (7, 5)
    minutes = 5 * 900 / 30 / 60
    assert other["scores"]["fp_per_minute"]["value"] == pytest.approx(7 / minutes)


def test_compare_refuses_a_file_of_other_videos(files, write):
    foreign = write(HEAD + "".join(f"x{n},v,11,25\n" for n in range(4)), "foreign.csv")
    with pytest.raises(DataError, match="no video of the predictions is in the truth, so nothing can be scored"):
        mebench.compare(files["found.csv"], foreign, truth=files["t.csv"])


def test_compare_tells_accounts_of_all_files(files):
    result = mebench.compare(files["found.csv"], files["strange.csv"], truth=files["t.csv"])
    rows = {entry["source"]: (entry["held"], entry["taken"]) for entry in result.account if entry["unit"] == "row"}
    assert rows == {"truth": (5, 5), "A: predictions": (4, 4), "B: predictions": (7, 7)}
    assert result.summary["account"] == result.account
