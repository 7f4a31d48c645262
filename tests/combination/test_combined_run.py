"""A run made of runs of drawn answers: scores, record, board, and whom the weights were chosen on."""

import json

import numpy as np
import pytest

from mebench.boards.build import build_tables
from mebench.combination.combined_run import combine_runs
from mebench.combination.rules import CombinationRules
from mebench.errors import ConfigError
from mebench.intake.collect import collect_finished_runs, collect_records
from mebench.intake.export import export_record
from mebench.intake.integrity import check_record
from mebench.records.record import record_from_run
from mebench.runs import RunFolder
from tests.helpers.run_folders import make_run


@pytest.fixture
def runs(tmp_path):
    """A good and a bad run of each task, on the same people."""
    return [
        make_run(tmp_path / "runs", "good", method="good", shift=0, wrong_every=5),
        make_run(tmp_path / "runs", "bad", method="bad", shift=9, wrong_every=2),
    ]


def combined(runs, tmp_path, **rules):
    return combine_runs(runs, CombinationRules(**rules), tmp_path / "runs")


def f1_of(folder):
    return folder.read_json("summary.json")["spotting"]["micro"]["scores"]["f1"]["value"]


def test_combine_runs_scores_as_the_only_weighing_member(runs, tmp_path):
    made = combined(runs, tmp_path, weights=(1.0, 0.0))
    assert made.summary["spotting"]["micro"]["tp"] == runs[0].read_json("summary.json")["spotting"]["micro"]["tp"]
    assert made.summary["recognition"]["scores"] == runs[0].read_json("summary.json")["recognition"]["scores"]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("Landlock", "Landlock"), {"lacks": [], "by": "Landlock"}),
        (("Landlock", "Seatbelt"), {"lacks": []}),
        (("Seatbelt", ""), {"lacks": ["files"], "reason": "its trial broke off"}),
    ],
)
def test_combine_runs_is_as_isolated_as_the_least_member(runs, tmp_path, kinds, expected):
    for run, kind in zip(runs, kinds, strict=True):
        of_kind = {"lacks": [], "by": kind} if kind else {"lacks": ["files"], "reason": "its trial broke off"}
        run.write_json(
            "sandbox.json", {"asked": "auto", "view": kind == "Landlock", "reads": [], "devices": [], **of_kind}
        )
    kept = combined(runs, tmp_path).folder.read_json("sandbox.json")
    assert {name: kept[name] for name in ("lacks", "by", "reason") if name in kept} == expected


def test_combine_runs_means_probabilities(runs, tmp_path):
    made = combined(runs, tmp_path, weights=(3.0, 1.0))
    place = ["video", "onset", "offset"]
    tables = [run.read_table("clips.parquet").set_index(place)["probabilities"] for run in (*runs, made.folder)]
    first, second, mixed = (np.array(table.sort_index().tolist()) for table in tables)
    np.testing.assert_allclose(mixed, 0.75 * first + 0.25 * second)


def test_combine_runs_names_members_and_is_made_once(runs, tmp_path):
    made = combined(runs, tmp_path, name="both")
    stored = made.folder.read_json("config.json")
    assert stored["config"]["method"]["members"] == ["good", "bad"]
    assert stored["parts"]["members"] == {run.id: run.read_json("config.json")["key"] for run in runs}
    assert made.folder.id.startswith("both-drawn-loso-seed0-")
    again = combined(runs, tmp_path, name="both")
    assert not again.fresh
    assert again.summary == made.summary
    assert combined(runs, tmp_path, name="both", weights="chosen").folder.id != made.folder.id


def test_combine_runs_costs_as_much_as_all_members(runs, tmp_path):
    costs = [record_from_run(run).costs for run in (*runs, combined(runs, tmp_path).folder)]
    for name in ("fit_seconds", "predict_seconds", "parameters"):
        assert costs[2][name] == pytest.approx(costs[0][name] + costs[1][name], abs=0.002)


def test_combine_runs_chooses_weights_on_other_people(runs, tmp_path):
    made = combined(runs, tmp_path, weights="chosen")
    audit = made.folder.read_json("audit.json")
    of_kind = {value["name"]: value for value in audit["values"]}
    assert of_kind["weights of the members (micro)"]["saw"] == "train"
    chosen = of_kind["weights of the members (micro)"]["folds"]
    assert all(weights[0] > weights[1] for weights in chosen.values())
    assert f1_of(made.folder) == f1_of(runs[0])


def test_combine_runs_weights_do_not_follow_the_tested_person(runs, tmp_path):
    """Turning the answers for one person upside down leaves the weights of this person's fold as they were."""
    before = combined(runs, tmp_path, weights="chosen").folder.read_json("audit.json")["values"]
    person = "drawn/00"
    for run in runs:
        clips = run.read_table("clips.parquet")
        own = clips["video"].str.startswith(f"{person}/")
        clips.loc[own, "probabilities"] = clips.loc[own, "probabilities"].map(lambda shares: shares[::-1])
        run.write_table("clips.parquet", clips)
        config = run.read_json("config.json")
        run.write_json("config.json", config | {"key": config["key"][::-1]})
    after = combined(runs, tmp_path, weights="chosen").folder.read_json("audit.json")["values"]
    named = [next(v for v in values if v["name"] == "weights of the members (classes)") for values in (before, after)]
    assert named[0]["folds"][person] == named[1]["folds"][person]


def test_combine_runs_makes_a_record_that_boards_take(runs, tmp_path):
    made = combined(runs, tmp_path, weights="chosen")
    (record,) = [one for one in collect_finished_runs(tmp_path / "runs") if one.id == made.folder.id]
    tables = build_tables(collect_finished_runs(tmp_path / "runs"))
    rows = {row.method: row for table in tables for part in table.parts for row in part.rows if row.measured}
    assert {"good", "bad", "combination"} <= set(rows)
    assert "weights=chosen" in record.settings
    export_record(made.folder, tmp_path / "records")
    (place,) = (tmp_path / "records").iterdir()
    check_record(RunFolder(place))
    (read,) = collect_records(tmp_path / "records")
    assert read.summary["spotting"] == record.summary["spotting"]


def test_combine_runs_takes_records_as_members(runs, tmp_path):
    expected = combined(runs, tmp_path).summary
    for run in runs:
        export_record(run, tmp_path / "records")
    records = [RunFolder(tmp_path / "records" / run.id) for run in runs]
    made = combine_runs(records, CombinationRules(), tmp_path / "others")
    assert made.summary["spotting"]["micro"]["tp"] == expected["spotting"]["micro"]["tp"]
    assert record_from_run(made.folder).data == record_from_run(runs[0]).data


def test_combine_runs_leaves_out_what_not_all_do(tmp_path):
    both = make_run(tmp_path / "runs", "both", method="a")
    spotter = make_run(tmp_path / "runs", "spotter", method="b", tasks=("spot",))
    made = combined([both, spotter], tmp_path)
    assert "recognition" not in made.summary
    assert made.remarks == ["not every run does recognition: it is left out"]


def test_combine_runs_marks_the_least_honest_facts(tmp_path):
    honest = make_run(tmp_path / "runs", "a", method="a", pretrained="none", loaded=[])
    other = make_run(
        tmp_path / "runs", "b", method="b", pretrained="unknown", loaded=[], transductive="video", selection="inner"
    )
    about = combined([honest, other], tmp_path).folder.read_json("folds.json")
    assert (about["pretrained"], about["transductive"], about["selection"]) == ("unknown", "video", "inner")


def test_combine_runs_refuses_runs_that_do_not_fit(runs, tmp_path):
    other_people = make_run(tmp_path / "runs", "fewer", method="c", subjects=3)
    recognizer = make_run(tmp_path / "runs", "recognizer", method="d", tasks=("recognize",))
    spotter = make_run(tmp_path / "runs", "spotter", method="e", tasks=("spot",))
    leaking = make_run(tmp_path / "runs", "leaking", method="f", settings={"audit": "leak"})
    cases = [
        ([runs[0]], "a combination needs two runs at least, not 1"),
        ([runs[0], runs[0]], "run good is named twice"),
        ([runs[0], other_people], "have other annotations"),
        ([recognizer, spotter], "no task is done by all runs"),
        ([runs[0], leaking], "run leaking lets tested people influence it"),
    ]
    for folders, message in cases:
        with pytest.raises(ConfigError, match=message):
            combined(folders, tmp_path)
    with pytest.raises(ConfigError, match="--name mean is a method of its own"):
        combined(runs, tmp_path, name="mean")


def test_combine_runs_refuses_to_choose_without_other_people(tmp_path):
    folds = [{"fold": "a", "train": ["drawn/x"], "valid": [], "test": [f"drawn/{n:02d}" for n in range(4)]}]
    runs = [make_run(tmp_path / "runs", name, method=name, folds=folds) for name in "ab"]
    with pytest.raises(ConfigError, match="nobody who trains in fold 'a' is tested"):
        combined(runs, tmp_path, weights="chosen")
    assert json.dumps(runs[0].read_json("config.json"))
