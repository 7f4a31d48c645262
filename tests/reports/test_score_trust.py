import json
from functools import partial

import pytest

import mebench as mebench_api
from mebench.errors import DataError
from mebench.metrics import Tables
from mebench.metrics.summary import summarize
from mebench.records import record
from mebench.reports import judge_run, score_trust
from mebench.runs import RunFolder
from tests.cli.conftest import mebench
from tests.helpers.run_folders import CLASSES, make_run

__all__ = ["mebench"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Of twelve people; those of odd number are spotted late, and all left movements are named rightly."""
    folder = tmp_path_factory.mktemp("trusted")
    run = make_run(folder, "one", subjects=12)
    answers = run.read_table("predictions.parquet")
    odd = answers["video"].str.split("/").str[1].astype(int) % 2 == 1
    run.write_table(
        "predictions.parquet", answers.assign(onset=answers["onset"] + 9 * odd, offset=answers["offset"] + 9 * odd)
    )
    truths = run.read_table("truth.parquet")
    left = truths["onset"] == 50
    run.write_table("truth.parquet", truths.assign(action_units=left.map({True: "L4+L7", False: "R12"})))
    make_run(folder, "two", subjects=12, method="other", shift=2)
    return folder


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Of truths as other coders would have them: `tests/metrics/test_noise.py` is about what more draws settle."""
    monkeypatch.setattr(score_trust, "under_noise", partial(score_trust.under_noise, draws=6))


@pytest.fixture(scope="module")
def side(runs):
    return judge_run(record.read_record(RunFolder(runs / "one")))


def people(folder, text):
    file = folder / "people.csv"
    file.write_text(text)
    return file


def every(values):
    return "subject,glasses\n" + "".join(f"drawn/{n:02d},{value}\n" for n, value in enumerate(values))


def test_measure_trust_scores_hardest_people_alone(side):
    found = score_trust.measure_trust(side)["hardest"]["spotting.micro.f1"]
    late = side.tables.videos["subject"].str[-2:].astype(int) % 2 == 1  # nobody of these is found in time
    hard = sorted(side.tables.videos["subject"][late].unique())[: found["people"]]
    videos = side.tables.videos[side.tables.videos["subject"].isin(hard)]
    own = [
        t[t["video"].isin(videos["video"])] for t in (side.tables.truths, side.tables.predictions, side.tables.clips)
    ]
    alone = summarize(Tables(videos, *own), kinds=["micro"], classes=CLASSES, seed=0, draws=0)
    assert found["people"] == 3  # a fifth of twelve, rounded up
    assert found["scores"][0]["value"] == alone["spotting"]["micro"]["scores"]["f1"]["value"]


def test_measure_trust_scores_group_alone(side, tmp_path):
    found = score_trust.measure_trust(side, people(tmp_path, every(["no", "yes"] * 6)))["groups"]["glasses"]
    for word, remainder in (("no", 0), ("yes", 1)):
        number = side.tables.videos["subject"].str[-2:].astype(int)
        videos = side.tables.videos[number % 2 == remainder]
        own = [
            t[t["video"].isin(videos["video"])]
            for t in (side.tables.truths, side.tables.predictions, side.tables.clips)
        ]
        alone = summarize(Tables(videos, *own), kinds=["micro"], classes=CLASSES, seed=0, draws=0)
        assert (
            found["spotting.micro.f1"]["groups"][word]["value"] == alone["spotting"]["micro"]["scores"]["f1"]["value"]
        )
        assert found["recognition.uf1"]["groups"][word]["value"] == pytest.approx(
            alone["recognition"]["scores"]["uf1"]["value"]
        )
    test = found["spotting.micro.f1"]
    assert test["gap"]["between"] == ["no", "yes"]
    assert test["p"] < 0.05
    assert test["p_holm"] >= test["p"]


def test_measure_trust_counts_sides_of_action_units(side):
    sides = score_trust.measure_trust(side)["sides"]
    clips = side.tables.clips
    halves = side.tables.truths[side.tables.truths["kind"] == "micro"]["action_units"].str[0].to_numpy()
    for half, name in (("L", "first"), ("R", "second")):
        own = clips[halves == half]
        assert sides["named rightly"][name]["value"] == pytest.approx((own["truth"] == own["predicted"]).mean())
    assert sides["found"]["n"] == [24, 24]
    assert sides["found"]["first"]["value"] == 0.5


def test_measure_trust_splits_age_at_median(side, tmp_path):
    rows = "subject,age\n" + "".join(f"{n:02d},{20 + n}\n" for n in range(11)) + "11,\n"
    found = score_trust.read_people(people(tmp_path, rows), sorted(set(side.tables.videos["subject"])))
    assert found["age"].tolist() == ["below 25"] * 5 + ["25 or more"] * 6 + [""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            every(["yes"] * 6),
            r"lacks 6 of the run's 12 people \(drawn/06, drawn/07, drawn/08 and 3 more\): give each a row",
        ),
        (every(["yes"] * 12) + "drawn/00,no\n", "describes drawn/00 twice and differently"),
        ("subject\n" + "".join(f"{n:02d}\n" for n in range(12)), "has no attributes of the people: add a column"),
        ("person,glasses\n00,yes\n", "has no column subject: its first line must name subject"),
        ("", "is not a table of text with commas"),
    ],
)
def test_read_people_refuses_in_a_sentence(side, tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        score_trust.measure_trust(side, people(tmp_path, text))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("onset,40,", "names no source for onset: give the paper or the coders"),
        ("end,40,us", "has the noise 'end', which is unknown: name one of onset, apex, offset, label"),
        ("label,40,us", "has the value '40' for label: give a number from 0 to 1"),
        ("onset,much,us", "has the value 'much' for onset: give a number from 0 to 10000"),
        ("label,0.1,us\nlabel,0.2,us", "names label twice: keep one row"),
        ("", "has no row: name one of onset, apex, offset, label, its value and its source"),
    ],
)
def test_read_noise_refuses_in_a_sentence(tmp_path, row, message):
    file = tmp_path / "noise.csv"
    file.write_text(f"what,value,source\n{row}\n")
    with pytest.raises(DataError, match=message):
        score_trust.read_noise(file)


def test_measure_trust_command_shows_groups_and_ranks(runs, tmp_path, mebench, monkeypatch):
    monkeypatch.setattr(score_trust, "under_noise", partial(score_trust.under_noise, draws=2))
    file = people(tmp_path, every(["no", "yes"] * 6))
    noise = tmp_path / "noise.csv"
    noise.write_text("what,value,source\nonset,60,two coders of ours\nlabel,0.1,two coders of ours\n")
    page = tmp_path / "report.html"
    _, out, _ = mebench("report", "one", "--runs", runs, "--people", file, "-o", page, "--json", "-")

    shown = json.loads(out)["trust"]
    assert shown["uncertainty"]["people"] == 12
    assert set(shown["groups"]["glasses"]) >= {
        "spotting.micro.f1",
        "recognition.uf1",
    }

    text = page.read_text().lower()
    assert "left and right half of the face" in text
    assert "spotting.micro.f1 by groups of people" in text
    _, out, _ = mebench("compare", "one", "two", "--runs", runs, "--noise", noise)
    assert "the truth itself" in out
    assert "onset: two coders of ours" in out
    assert "beats 2" in out

    code, _, err = mebench("report", "one", "two", "--runs", runs, "--people", file, "-o", page)
    assert code == 2
    assert "--people compares groups within one run" in err


def test_describe_trust_claims_a_gap_that_the_test_shows(side, tmp_path):
    """Those of odd number are never found in time; groups with as many of both have no gap."""
    odd = score_trust.measure_trust(side, people(tmp_path, every(["no", "yes"] * 6)))
    hardest, *gaps = score_trust.describe_trust(odd)
    found = odd["hardest"]["spotting.micro.f1"]
    assert hardest.startswith(f"On the {found['people']} people hardest for it, spotting, micro: F1 is ")
    tests = odd["groups"]["glasses"]
    shown = [path for path, test in tests.items() if test["gap"] and test["p_holm"] < 0.05]
    assert "spotting.micro.f1" in shown
    assert len(gaps) == len(shown)
    assert any(gap.startswith("Spotting, micro: F1 of glasses ") and " above that of " in gap for gap in gaps)
    mixed = score_trust.measure_trust(side, people(tmp_path, every(["a", "a", "b", "b"] * 3)))
    assert score_trust.describe_trust(mixed)[-1].startswith("No gap between groups of people is shown: of ")


def test_measure_trust_in_python_equals_command(runs, tmp_path):
    file = people(tmp_path, every(["no", "yes"] * 6))
    run = mebench_api.load_run(runs / "one")
    assert run.trust(file) == score_trust.measure_trust(judge_run(record.read_record(run.folder)), file)
    (noise := tmp_path / "noise.csv").write_text("what,value,source\nlabel,0.2,ours\n")
    found = mebench_api.compare(runs / "one", runs / "two", metrics=["recognition.accuracy"]).under_noise(noise)
    assert found["recognition.accuracy"]["ceiling"]["value"] == pytest.approx(0.8, abs=0.05)
