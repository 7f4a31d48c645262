import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mebench.boards import build as module, significance, standings
from mebench.boards.rows import BoardRow, Part, rank_rows, standing_in_words
from mebench.config import registry
from mebench.features import FaceCrop, Flow
from mebench.intake import collect as boards_collect
from mebench.metrics import catalogue, name_leak
from mebench.records.record import UnshownError
from mebench.runs.scoring import read_tables
from mebench.score_type import UNDEFINED, Score
from tests.helpers.nightly import by_day
from tests.helpers.run_folders import make_run


def tables(runs: Path):
    return {
        table.name: {part.name: part for part in table.parts}
        for table in module.build_tables(boards_collect.collect_finished_runs(runs))
    }


def measured(part: Part) -> list[BoardRow]:
    return [row for row in part.rows if row.measured]


def test_build_makes_table_of_each_task_dataset_protocol(tmp_path):
    make_run(tmp_path)
    make_run(tmp_path, method="recognizer", tasks=("recognize",))
    make_run(tmp_path, dataset="filmed", tasks=("spot",))
    assert {name: list(parts) for name, parts in tables(tmp_path).items()} == {
        "spotting-drawn-loso": ["micro"],
        "spotting-filmed-loso": ["micro"],
        "analysis-drawn-loso": ["true positives"],
        "recognition-drawn-loso": ["all clips"],
    }


def test_build_omits_hardest_people_if_folds_are_scored_each(tmp_path):
    """As under cdmer and pairs: a score is a mean over folds, so no person has one alone."""
    for method, wrong_every in (("better", 4), ("worse", 2)):
        make_run(tmp_path, method=method, tasks=("recognize",), wrong_every=wrong_every, scored_each=True)
    rows = measured(tables(tmp_path)["recognition-drawn-loso"]["all clips"])
    assert {row.method: (row.hardest, len(row.ranks)) for row in rows} == {"better": (None, 2), "worse": (None, 2)}


def test_row_has_mistakes_as_means_over_seeds(tmp_path):
    """As each run's summary tells it; and what is spotted where there is nothing, which no summary holds."""
    runs = [make_run(tmp_path, tasks=("spot",), seed=seed, shift=shift) for seed, shift in ((0, 4), (1, 100))]
    for run in runs:
        truths = run.read_table("truth.parquet")
        quiet = truths["video"].iloc[0]
        run.write_table("truth.parquet", truths[truths["video"] != quiet])
        summary = run.read_json("summary.json")
        summary["mistakes"]["micro"]["missed_by_length"] = {
            "short": 0.25,
            "long": run.read_json("config.json")["config"]["seed"] / 2,
        }
        run.write_json("summary.json", summary)
    (row,) = (r for r in tables(tmp_path)["spotting-drawn-loso"]["micro"].rows if r.measured)

    mistakes = [run.read_json("summary.json")["mistakes"]["micro"] for run in runs]
    assert set(row.causes) == {"macro", "duplicate", "near_miss", "nothing", "missed"}
    for cause, (n, gain) in row.causes.items():
        assert gain == pytest.approx(np.mean([one["gain"].get(cause, 0) for one in mistakes]))
        if cause != "missed":
            assert n == pytest.approx(np.mean([one["under"].get(cause, 0) for one in mistakes]))
    assert row.causes["missed"][0] == np.mean(
        [one["miss"]["missed"] + one["miss"]["kind_confusion"] for one in mistakes]
    )
    assert row.missed == {"length": {"short": 0.25, "long": 0.25}}

    spotted = [(run.read_table("predictions.parquet")["video"] == quiet).sum() for run in runs]
    assert row.quiet["none of the kind"] == pytest.approx((np.mean(spotted) / (10 / 60), 10 / 60))
    assert row.quiet["none at all"] == row.quiet["none of the kind"], "the macro-expression of that video went, too"


def test_row_lacks_causes_that_nobody_annotated(tmp_path):
    """Of a blink on which nothing falls the row says 0, of speech, which the run does not know, nothing."""
    runs = [make_run(tmp_path / name, tasks=("spot",), seed=seed) for seed, name in enumerate(("blinks", "speech"))]
    for run, kind, where in zip(runs, ("blink", "speech"), (290, 50)):
        video = run.read_table("truth.parquet")["video"].iloc[0]
        run.write_table(
            "distractors.parquet", pd.DataFrame({"video": [video], "kind": kind, "onset": where, "offset": where + 9})
        )
    rows = [next(r for r in tables(run.path.parent)["spotting-drawn-loso"]["micro"].rows if r.measured) for run in runs]
    assert rows[0].causes["blink"] == [0.0, 0.0]
    assert "speech" not in rows[0].causes
    assert "blink" not in rows[1].causes
    part = replace(tables(tmp_path / "blinks")["spotting-drawn-loso"]["micro"], rows=tuple(rows))
    assert "blink" not in part.causes, "a column of zeros and dashes tells nothing"


def test_row_repeats_summary(tmp_path):
    run = make_run(tmp_path, shift=3, selects=True, transductive="video", remark="not comparable: drawn")
    summary = run.read_json("summary.json")
    found = tables(tmp_path)
    rows = {
        "spotting": found["spotting-drawn-loso"]["micro"].rows,
        "analysis": found["analysis-drawn-loso"]["true positives"].rows,
        "recognition": found["recognition-drawn-loso"]["all clips"].rows,
    }
    spotting, analysis, recognition = (next(r for r in rows[task] if r.provenance == "measured") for task in rows)

    expected = {
        "spotting": summary["spotting"]["micro"]["scores"],
        "analysis": {"strs": summary["analysis"]["strs"], **summary["analysis"]["true_positives"]["scores"]},
        "recognition": summary["recognition"]["scores"],
    }
    for row, task in ((spotting, "spotting"), (analysis, "analysis"), (recognition, "recognition")):
        for metric in catalogue.metric_columns(task):
            ends = ("value", "low", "high")
            assert [row.scores[metric].plain()[end] for end in ends] == [expected[task][metric][end] for end in ends]
    assert (spotting.n, analysis.n, recognition.n) == (16, summary["analysis"]["true_positives"]["n"], 16)
    assert (spotting.selection, spotting.transductive, spotting.convention) == ("inner", "video", "strict")
    assert spotting.remark == "not comparable: drawn"
    assert {"fit_seconds": 8.0, "predict_seconds": 1.0, "parameters": 1234}.items() <= spotting.costs.items()
    assert spotting.runs == (run.id,)


def test_row_pools_seeds_with_mean_and_spread(tmp_path):
    runs = [
        make_run(tmp_path, tasks=("recognize",), seed=seed, wrong_every=every)
        for seed, every in ((0, 2), (1, 3), (2, 5))
    ]
    scores = [run.read_json("summary.json")["recognition"]["scores"]["uf1"] for run in runs]
    values = [score["value"] for score in scores]
    (row,) = measured(tables(tmp_path)["recognition-drawn-loso"]["all clips"])
    uf1 = row.scores["uf1"]
    assert row.seeds == (0, 1, 2)
    assert uf1.value == pytest.approx(sum(values) / 3)
    assert (uf1.lowest, uf1.highest) == (min(values), max(values))
    assert uf1.lowest < uf1.highest
    assert min(score["low"] for score in scores) < uf1.low < uf1.value < uf1.high


def test_build_tests_all_seeds_of_a_row(tmp_path, monkeypatch):
    for seed, every in enumerate((3, 2, 5)):
        make_run(tmp_path, tasks=("recognize",), seed=seed, wrong_every=every)
    compared = []
    monkeypatch.setattr(module, "compute_standings", lambda rows, *_: compared.append(rows) or [{}] * len(rows))
    module.build_tables(boards_collect.collect_finished_runs(tmp_path))
    ((runs,),) = compared
    assert [run.seed for run in runs] == [0, 1, 2]


def test_build_tests_no_run_with_too_many_answers(tmp_path, monkeypatch):
    for number in (1, 2, 3):
        make_run(tmp_path, f"run{number}", method=f"m{number}", tasks=("recognize",), wrong_every=number + 1)
    giant = tmp_path / "run2" / "clips.parquet"
    answers = pd.read_parquet(giant)
    pd.concat([answers] * 50, ignore_index=True).to_parquet(giant)
    monkeypatch.setattr(standings, "MOST_TOGETHER", 10 * len(answers))
    rows = measured(tables(tmp_path)["recognition-drawn-loso"]["all clips"])
    assert {row.method: (bool(row.group), row.remark) for row in rows} == {
        "m1": (True, ""),
        "m2": (False, module.TOO_MANY),
        "m3": (True, ""),
    }


def test_build_tests_first_of_many_rows(tmp_path, monkeypatch):
    for number in (1, 2, 3):
        make_run(tmp_path, f"run{number}", method=f"m{number}", tasks=("recognize",), wrong_every=number + 1)
    monkeypatch.setattr(standings, "MOST_ROWS", 2)
    rows = measured(tables(tmp_path)["recognition-drawn-loso"]["all clips"])
    assert [(bool(row.group), row.remark) for row in rows] == [(True, ""), (True, ""), (False, module.TOO_MANY)]


def test_row_has_no_mean_if_a_seed_is_undefined(tmp_path):
    make_run(tmp_path, tasks=("spot",), seed=0)
    make_run(tmp_path, tasks=("spot",), seed=1, shift=60)  # nothing found: no apex error
    part = tables(tmp_path)["spotting-drawn-loso"]["micro"]
    (row,) = (r for r in part.rows if r.provenance == "measured")
    assert row.scores["apex_mae_ms"] == UNDEFINED
    assert row.scores["f1"].value == 0.5


def test_build_makes_one_row_of_explicit_default(tmp_path):
    make_run(tmp_path, tasks=("recognize",), seed=0, settings={"method.p": 0.5})
    make_run(tmp_path, tasks=("recognize",), seed=1)
    (row,) = measured(tables(tmp_path)["recognition-drawn-loso"]["all clips"])
    assert (row.seeds, row.settings) == ((0, 1), "")


def test_over_seeds_has_interval_of_mean():
    scores = [Score(0.5, 0.4, 0.6), Score(0.7, 0.45, 0.8)]
    of_mean = Score(0.6, 0.5, 0.65)
    assert module.over_seeds(scores, of_mean) == Score(0.6, 0.5, 0.65, lowest=0.5, highest=0.7)
    assert module.over_seeds([scores[0], UNDEFINED], of_mean) == UNDEFINED


def test_build_separates_runs_of_one_seed(tmp_path):
    make_run(tmp_path, "a", tasks=("recognize",), key="1" * 16)
    make_run(tmp_path, "b", tasks=("recognize",), key="2" * 16, wrong_every=2)
    rows = measured(tables(tmp_path)["recognition-drawn-loso"]["all clips"])
    assert [(row.seeds, row.remark) for row in rows] == [((0,), module.OTHER_CODE)] * 2


NOW = f"FaceCrop {FaceCrop.version}, Flow {Flow.version}"


@pytest.mark.parametrize(
    ("steps", "settings", "earlier"),
    [
        (NOW, {}, ""),
        ("", {}, ""),  # it computes no features
        (f"{NOW}, OfAPlugin 1", {}, ""),
        (f"FaceCrop {FaceCrop.version}, Flow 1", {}, f"Flow 1, now {Flow.version}"),
        (None, {}, ""),
        (None, {"method.align": "none"}, "FaceCrop"),
        (None, {"method.flow": "farneback"}, "FaceCrop"),
        (None, {"method.flow": "tvl1_eps05"}, "FaceCrop; flow=tvl1_eps05, which was OpenCV's"),
    ],
)
def test_row_is_marked_for_earlier_features(tmp_path, steps, settings, earlier):
    """The versions of the steps are noted since those of crops and flow were raised; a record without them is older."""
    run = make_run(tmp_path, tasks=("recognize",), settings=settings)
    noted = {} if steps is None else {"steps": steps}
    run.write_json("versions.json", run.read_json("versions.json") | noted)
    (row,) = measured(tables(tmp_path)["recognition-drawn-loso"]["all clips"])
    assert (row.facts["earlier"], row.marks) == (earlier, ["earlier features"] * bool(earlier))


def test_row_of_ready_made_maps_has_no_earlier_features(tmp_path):
    run = make_run(tmp_path, tasks=("recognize",), settings={"method.flow": "tvl1"})
    run.write_table("videos.parquet", run.read_table("videos.parquet").assign(n_frames=1))
    (row,) = measured(tables(tmp_path)["recognition-drawn-loso"]["all clips"])
    assert row.facts["earlier"] == ""


def test_row_is_marked_for_other_input(tmp_path, write_plugin):
    """As the plugin says it of a value; a plugin that is no longer there says nothing."""
    setting = "other_input: {features: {flow: 'flow, for depth'}}\n"
    registry.add_paths([write_plugin("method", "reader", config=setting)])
    for method, features in (("reader", "flow"), ("reader", "depth"), ("gone", "flow")):
        make_run(tmp_path / "runs", tasks=("recognize",), method=method, settings={"method.features": features})
    rows = tables(tmp_path / "runs")["recognition-drawn-loso"]["all clips"].rows
    measured_rows = [row for row in rows if row.measured]
    assert {(row.method, row.settings): (row.facts["other_input"], row.marks) for row in measured_rows} == {
        ("reader", "features=flow"): ("flow, for depth", ["not the paper's method"]),
        ("reader", "features=depth"): ("", []),
        ("gone", "features=flow"): ("", []),
    }


def test_row_is_marked_for_settings_unlike_the_published_ones(tmp_path):
    for method, epochs in (("off_apexnet", 120), ("off_apexnet", 3000), ("gone", 120)):
        make_run(tmp_path / "runs", tasks=("recognize",), method=method, settings={"method.epochs": epochs})
    rows = tables(tmp_path / "runs")["recognition-drawn-loso"]["all clips"].rows
    assert {(row.method, row.settings): row.marks for row in rows if row.measured} == {
        ("off_apexnet", "epochs=120"): ["not as published"],
        ("off_apexnet", "epochs=3000"): [],
        ("gone", "epochs=120"): [],
    }


def test_row_of_inapplicable_method_has_no_rank(tmp_path, write_plugin):
    setting = "other_input: {features: {flow: 'does not apply: flow, for depth'}}\n"
    registry.add_paths([write_plugin("method", "reader", config=setting)])
    make_run(tmp_path / "runs", tasks=("recognize",), method="reader", settings={"method.features": "flow"})
    for name in ("two", "three"):
        make_run(tmp_path / "runs", tasks=("recognize",), method=name, wrong_every=2)
    part = tables(tmp_path / "runs")["recognition-drawn-loso"]["all clips"]
    last = measured(part)[-1]
    assert (last.method, last.group, last.remark) == ("reader", "", "not ranked: does not apply: flow, for depth")
    assert last.scores["uf1"].value > measured(part)[0].scores["uf1"].value
    ranked = [one for one in rank_rows(part) if one.row.measured]
    assert {one.row.method: one.rank for one in ranked} == {
        "three": 1,
        "two": 2,
        "reader": None,
    }


def test_row_of_earlier_features_has_no_letter(tmp_path):
    """Nobody can compute them again, so a difference may be that of the features."""
    for name, steps in (("old", "Flow 1"), ("new", NOW), ("newer", NOW)):
        run = make_run(tmp_path, method=name, tasks=("recognize",))
        run.write_json("versions.json", run.read_json("versions.json") | {"steps": steps})
    rows = {row.method: row for row in measured(tables(tmp_path)["recognition-drawn-loso"]["all clips"])}
    assert {name: row.group for name, row in rows.items()} == {"old": "", "new": "a", "newer": "a"}
    assert rows["old"].remark == module.OTHER_FEATURES
    assert not rows["new"].remark


def test_build_sorts_rows_by_main_metric(tmp_path):
    for name, shift in (("late", 5), ("early", 0), ("lost", 60), ("also_early", 0)):
        make_run(tmp_path, method=name, shift=shift)
    records = boards_collect.collect_finished_runs(tmp_path)
    expected = module.build_tables(records)
    for seed in range(2):
        random.Random(seed).shuffle(records)
        assert module.build_tables(records) == expected
    rows = tables(tmp_path)["spotting-drawn-loso"]["micro"].rows
    assert [r.method for r in rows if r.provenance == "measured"] == ["also_early", "early", "late", "lost"]
    values = [r.scores["f1"].value for r in rows]
    assert values == sorted(values, reverse=True)


def test_row_chosen_on_tested_subjects_is_below_without_rank(tmp_path):
    make_run(tmp_path, "chosen", method="best", tasks=("recognize",), wrong_every=9, selection="test")
    make_run(tmp_path, "honest", method="good", tasks=("recognize",), wrong_every=3)
    make_run(tmp_path, "poor", method="poor", tasks=("recognize",), wrong_every=2)
    part = tables(tmp_path)["recognition-drawn-loso"]["all clips"]
    rows = measured(part)
    assert [row.method for row in rows] == ["good", "poor", "best"]
    assert rows[2].scores["uf1"].value > rows[0].scores["uf1"].value
    ranked = [one for one in rank_rows(part) if one.row.measured]
    assert [(one.row.method, one.rank) for one in ranked] == [
        ("good", 1),
        ("poor", 2),
        ("best", None),
    ]


@pytest.mark.usefixtures("names_rows")
def test_build_adds_levels_of_chance_to_spotting(tmp_path):
    run = make_run(tmp_path, tasks=("spot",), kinds=("micro", "macro"))
    chance = run.read_json("summary.json")["chance"]
    parts = tables(tmp_path)["spotting-drawn-loso"]
    for kind, n in (("micro", 16), ("macro", 8)):
        rows = {r.method: r for r in parts[kind].rows if r.provenance == "chance"}
        assert set(rows) == {"random (as many as truths)", "random (best rate)", "names"}
        many, best = rows["random (as many as truths)"], rows["random (best rate)"]
        assert many.scores["f1"].value == chance[kind]["as_many"]["f1"]["value"]
        assert best.scores["f1"].high == chance[kind]["best_rate"]["f1"]["high"]
        assert best.settings == f"{chance[kind]['best_rate']['rate_per_minute']:.1f} intervals per minute"
        assert many.scores["ap"].value is None
        assert many.n == n
    assert [r.method for r in parts["overall"].rows if r.provenance == "chance"] == ["names"]


@pytest.mark.usefixtures("names_rows")
def test_build_adds_one_level_of_chance_to_short_clips(tmp_path):
    """Where each video shows one expression, one interval is placed in each: there is no best rate."""
    make_run(tmp_path, tasks=("spot",), one_per_video=True)
    make_run(tmp_path, tasks=("spot",), dataset="filmed")
    found = tables(tmp_path)
    short, long = (
        [row.method for row in found[f"spotting-{data}-loso"]["micro"].rows if not row.measured]
        for data in ("drawn", "filmed")
    )
    assert set(short) == {"random (as many as truths)", "names"}
    assert len(long) == 3


@pytest.mark.parametrize(
    "break_",
    [
        lambda summary: summary["spotting"]["micro"].pop("tp"),
        lambda summary: summary["chance"]["micro"]["as_many"].update(f1=None),
        lambda summary: summary["recognition"]["scores"]["uf1"].update(value="much"),
    ],
)
def test_build_names_record_that_cannot_be_shown(tmp_path, break_):
    sound = make_run(tmp_path, seed=1)
    broken = make_run(tmp_path, seed=0)
    records = boards_collect.collect_finished_runs(tmp_path)
    whole = {table.name for table in module.build_tables(records)}
    (record,) = (record for record in records if record.id == broken.id)
    break_(record.summary)
    with pytest.raises(UnshownError, match=f"{broken.id} cannot be shown") as raised:
        module.build_tables(records)
    assert list(raised.value.reasons) == [broken.id]
    of_sound = [record for record in records if record.id == sound.id]
    assert {table.name for table in module.build_tables(of_sound)} == whole


def test_build_makes_part_of_members_of_recognition(tmp_path):
    good = make_run(tmp_path, "good", tasks=("recognize",), members=("a", "b"), wrong_every=4, method="good")
    make_run(tmp_path, "bad", tasks=("recognize",), members=("a", "b"), wrong_every=1, method="bad")
    part = tables(tmp_path)["recognition-drawn-loso"]["members"]
    assert [(r.member, r.method) for r in part.rows] == [("a", "good"), ("a", "bad"), ("b", "good"), ("b", "bad")]
    of_b = good.read_json("summary.json")["recognition"]["members"]["b"]
    assert part.rows[2].scores["uar"].value == of_b["scores"]["uar"]["value"]
    assert part.rows[2].n == of_b["n"]


def test_build_makes_part_of_members_of_spotting(tmp_path):
    good = make_run(tmp_path, "good", members=("a", "b"), wrong_every=4, method="good")
    make_run(tmp_path, "bad", members=("a", "b"), shift=9, method="bad")
    found = tables(tmp_path)
    for task, name, path in (
        ("spotting", "micro, members", lambda own: own["spotting"]["micro"]["scores"]["f1"]),
        ("analysis", "true positives, members", lambda own: own["analysis"]["strs"]),
    ):
        part = found[f"{task}-drawn-loso"][name]
        assert [(r.member, r.method) for r in part.rows] == [("a", "good"), ("a", "bad"), ("b", "good"), ("b", "bad")]
        of_b = good.read_json("summary.json")["members"]["b"]
        assert part.rows[2].scores[part.metrics[0]].value == path(of_b)["value"]
        # Nobody of the other member is dealt anew: the letters are those of this one alone.
        assert all(r.group for r in part.rows)


def test_build_makes_other_table_of_other_data_or_scheme(tmp_path):
    make_run(tmp_path, "plain")
    make_run(tmp_path, "noisy", settings={"dataset.noise": 3.5})
    make_run(tmp_path, "other", settings={"scheme": "five"})
    names = set(tables(tmp_path))
    assert {n for n in names if n.startswith("spotting")} == {"spotting-drawn-loso", "spotting-drawn-loso-noise_3.5"}
    assert {n for n in names if n.startswith("recognition")} == {
        "recognition-drawn-loso",
        "recognition-drawn-loso-noise_3.5",
        "recognition-drawn-loso-scheme_five",
    }


ALIKE = [("[1, 2]", "(1, 2)"), (-1, 1), (0.0, "0_0"), ("a b", "a_b"), ("Loud", "loud"), ("é", "e\u0301")]


@pytest.mark.parametrize(("one", "other"), by_day(ALIKE, *ALIKE[3:]))
def test_table_name_is_unique_for_similar_variants(tmp_path, one, other):
    make_run(tmp_path, "a", tasks=("spot",), settings={"dataset.range": one})
    make_run(tmp_path, "b", tasks=("spot",), settings={"dataset.range": other})
    found = set(tables(tmp_path))
    assert len({n.casefold() for n in found}) == 2
    assert all(n.isascii() for n in found)


@pytest.mark.usefixtures("names_rows")
@pytest.mark.parametrize(
    ("tasks", "table", "part", "metric"),
    [
        (("recognize",), "recognition-drawn-loso", "all clips", "uf1"),
        (("spot",), "spotting-drawn-loso", "micro", "f1"),
        (("recognize", "spot"), "analysis-drawn-loso", "true positives", "strs"),
    ],
)
def test_names_rows_are_levels_of_chance(tmp_path, tasks, table, part, metric):
    """As `names_chance` scores it on the run of the lowest seed; it has neither rank nor letter."""
    runs = [make_run(tmp_path, seed=seed, tasks=tasks, wrong_every=3) for seed in (0, 1)]
    found = tables(tmp_path)[table][part]
    (names,) = [row for row in found.rows if row.method == "names"]
    assert (names.provenance, names.seeds, names.group) == ("chance", (0,), "")
    folds = runs[0].read_json("folds.json")
    trained_on = {person: [*fold["train"], *fold["valid"]] for fold in folds["folds"] for person in fold["test"]}
    expected = name_leak.names_chance(read_tables(runs[0]), trained_on, folds["classes"], folds["kinds"])
    section = expected[table.partition("-")[0]]
    scores = section[part]["scores"] if metric == "f1" else {**section.get("scores", {}), "strs": section.get("strs")}
    assert names.scores[metric].value == scores[metric]["value"]
    of_names = [one for one in rank_rows(found) if one.row.method == "names"]
    assert [one.rank for one in of_names] == [None]
    assert "code" in names.settings or "nothing" in names.settings or "number" in names.settings


@pytest.mark.usefixtures("names_rows")
def test_names_rows_mention_people_who_only_train(tmp_path):
    """A record holds the videos of tested people, not of those who train alone."""
    run = make_run(tmp_path, tasks=("recognize",))
    about = run.read_json("folds.json")
    about["folds"] = [{**fold, "train": [*fold["train"], "drawn/elsewhere"]} for fold in about["folds"]]
    run.write_json("folds.json", about)
    (names,) = [row for row in tables(tmp_path)["recognition-drawn-loso"]["all clips"].rows if row.method == "names"]
    assert names.remark.endswith("; 1 person trains alone, and no record holds their names")


def test_table_name_cuts_long_names(tmp_path):
    make_run(tmp_path, "long", dataset="d" * 300)
    assert all(len(name) < 100 for name in tables(tmp_path))


def test_build_makes_table_of_null_control(tmp_path):
    make_run(tmp_path, "default", tasks=("recognize",), seed=0)
    make_run(tmp_path, "spelled_out", tasks=("recognize",), seed=1, settings={"dataset.noise": 1.0})
    make_run(tmp_path, "another", tasks=("recognize",), method="two", settings={"dataset.noise": 1.0})
    make_run(tmp_path, "null", tasks=("recognize",), seed=0, settings={"dataset.noise": 0.0})
    found = tables(tmp_path)
    assert list(found) == ["recognition-drawn-loso", "recognition-drawn-loso-noise_0.0"]
    plain, null = (measured(parts["all clips"]) for parts in found.values())
    assert sorted(row.runs for row in plain) == [("another",), ("default", "spelled_out")]
    assert [row.runs for row in null] == [("null",)]


def test_row_mentions_other_annotations(tmp_path):
    make_run(tmp_path, "four", method="one", tasks=("recognize",))
    make_run(tmp_path, "five", method="two", tasks=("recognize",), subjects=5)
    rows = measured(tables(tmp_path)["recognition-drawn-loso"]["all clips"])
    assert len({row.remark for row in rows}) == 2
    assert all("annotations" in row.remark for row in rows)


def test_build_makes_table_of_convention_and_protocol(tmp_path):
    make_run(tmp_path, "plain", tasks=("spot",))
    other = make_run(tmp_path, "legacy", tasks=("spot",), method="two")
    other.write_json("summary.json", other.read_json("summary.json") | {"convention": "mean2022"})
    config = make_run(tmp_path, "folds", tasks=("spot",), method="three").read_json("config.json")
    config["config"]["protocol"] = {"name": "loso", "folds": 5}
    config["origins"]["protocol.folds"] = "command line"
    (tmp_path / "folds" / "config.json").write_text(json.dumps(config))
    assert set(tables(tmp_path)) == {
        "spotting-drawn-loso",
        "spotting-drawn-loso-convention_mean2022",
        "spotting-drawn-loso-protocol_folds_5",
    }


def test_table_and_row_name_composite_and_pair(tmp_path):
    config = make_run(tmp_path, "pair", tasks=("spot",)).read_json("config.json")
    config["config"]["dataset"] = {"name": ["a", "b"], "a": {"root": "/x"}}
    config["config"]["recognizer"] = {"name": "namer", "c": 2}
    config["origins"]["recognizer.c"] = "command line"
    (tmp_path / "pair" / "config.json").write_text(json.dumps(config))
    (table,) = module.build_tables(boards_collect.collect_finished_runs(tmp_path))
    row = next(r for r in table.parts[0].rows if r.measured)
    assert (table.dataset, row.method, row.settings) == ("a+b", "spotter + namer", "recognizer: c=2")


def ranked_row(method, value, group=""):
    """A measured row with a score."""
    score = {"f1": Score(value)}
    rest = dict.fromkeys(("settings", "member", "convention", "selection", "transductive", "remark"), "")
    given = {"provenance": "measured", "seeds": (0,), "n": 1.0, "costs": {}, "versions": {}, "runs": (method,)}
    return BoardRow(method=method, scores=score, group=group, **rest, **given)


def test_ranked_takes_groups_beyond_z(monkeypatch):
    n = 40
    apart = abs(np.subtract.outer(range(n), range(n))) > 1  # each like its neighbours alone
    groups = significance.significance_groups(apart, np.ones(n, bool))
    rows = tuple(ranked_row(str(i), 1 - i / 100, group) for i, group in enumerate(groups))
    assert [rows[i].groups for i in (0, 25, 26, 27)] == [["a"], ["y", "z"], ["z", "a1"], ["a1", "b1"]]
    counted = [(1 + sum(apart[i, :i]), n - sum(apart[i, i:])) for i in range(n)]
    assert [(one.low, one.high) for one in rank_rows(Part("micro", ("f1",), rows))] == counted


def test_ranked_spans_groups_and_folds_pairs():
    row = ranked_row
    chance = replace(row("random (best rate)", 0.25), provenance="chance")
    every = [
        row("a", 0.5, "a"),
        row("a + x", 0.5, "a"),
        row("b", 0.4, "ab"),
        row("floor", 0.3, "b"),
        chance,
        row("c", 0.2, "b"),
    ]
    shown = rank_rows(Part("micro", ("f1",), tuple(every)), {"floor"}, join_pairs=True)
    assert [(one.row.method, one.rank, one.low, one.high) for one in shown] == [
        ("a", 1, 1, 2), ("b", 2, 1, 3), ("floor", None, 0, 0), ("random (best rate)", None, 0, 0), ("c", 3, 2, 3),
    ]  # fmt: skip
    assert [pair.method for pair in shown[0].pairs] == ["a + x"]
    assert len(rank_rows(Part("micro", ("f1",), tuple(every)))) == 6


def test_place_names_no_winner_of_indistinguishable_rows():
    def card(*groups):
        rows = tuple(ranked_row(str(n), 1 - n / 100, group) for n, group in enumerate(groups))
        return standing_in_words(rank_rows(Part("micro", ("f1",), rows)))

    assert card("a", "b", "b") == "first of 3"
    assert card("a", "ab", "b") == "first of 3, tied with 1 other"
    assert card("ab", "ab", "b") == "first of 3, tied with 2 others"
    assert card("a", "a1") == "first of 2", "after z comes a1"
    assert card("", "") == "first of 2, tied with 1 other", "where nothing was tested nobody won"
