"""Traps: what tuning must not find, because only the outer subjects' labels could tell."""

import json

import pytest

from mebench.config import resolve
from mebench.tuning import outcome, records
from tests.helpers.nightly import nightly


def outer(found):
    return found.plain["scores"]["spotting.micro.f1"]


@nightly("the other traps, below")
def test_tune_reports_no_gain_of_pure_noise(go):
    found = go(
        "method=trap_noise", "dataset.subjects=12", params=("key={low: 0, high: 100000, acts: postprocess}",), trials=60
    )
    score = outer(found)
    assert score["inner"]["gain"] > 0.1, "sixty draws of noise look like a gain"
    assert found.plain["conclusion"].startswith("no gain is shown on new subjects")
    assert score["flattered"] > 0.05
    low, high = (score["outer"]["gain"][end] for end in ("low", "high"))
    assert low <= 0 <= high


@pytest.mark.parametrize(
    ("direction", "gain", "p", "conclusion"),
    [
        ("maximize", 0.1, 0.02, "tuning helps on new subjects: x changes by +0.1000, p 0.0200 over 9 subjects"),
        ("maximize", -0.1, 0.014, "tuning is worse here: x changes by -0.1000, p 0.0140 over 9 subjects"),
        ("minimize", 0.1, 0.014, "tuning is worse here: x changes by +0.1000, p 0.0140 over 9 subjects"),
        ("maximize", -0.1, 0.05, "no gain is shown on new subjects: x changes by -0.1000, p 0.0500 over 9 subjects"),
    ],
)
def test_conclusion_calls_one_worse_result_no_harm(direction, gain, p, conclusion):
    score = {"direction": direction, "outer": {"gain": {"value": gain, "low": None, "high": None}, "p": p}}
    assert outcome.conclude_test("x", score, 9, unchanged=False) == conclusion


@pytest.mark.parametrize(("nested", "subjects"), [(False, 4), (True, 3)])
def test_tune_finds_no_answers_for_outer_subjects(go, nested, subjects):
    everybody = ", ".join(f"'{s:02d}'" for s in range(subjects + 1))
    found = go(
        "method=trap_codebook",
        f"dataset.subjects={subjects}",
        params=(f"subject={{choices: [{everybody}], acts: postprocess}}",),
        sampler="grid",
        trials=100,
        nested=nested,
        inner_folds=2,
    )
    score = outer(found)

    assert score["inner"]["tuned"] > 0, "the answers for some tuned subject are found"
    assert score["outer"]["tuned"]["value"] == score["outer"]["default"]["value"] == 0


@pytest.mark.processes
def test_tune_forgets_what_a_method_remembers_of_other_folds(go):
    found = go(
        "method=trap_trickster",
        "dataset.subjects=3",
        params=("trick={choices: [false, true]}",),
        sampler="grid",
        trials=5,
        nested=True,
    )
    assert outer(found)["outer"]["tuned"]["value"] == 0


def test_tune_hides_labels_from_the_views_of_a_method(go, tmp_path):
    log = tmp_path / "log"
    found = go(
        "method=trap_walker",
        "dataset.subjects=5",
        f"method.log={log}",
        params=("trick={choices: [false, true]}",),
        sampler="grid",
    )
    (study,) = found.plain["studies"].values()
    tuned_on = {subject.partition("/")[2] for subject in study["subjects"]}
    looks = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(there[key] == [] for key, there, _ in looks), "a tested video has no labels, in trials and outside"
    in_trials = [people for _, there, people in looks if len(there) == 2 * len(tuned_on)]
    assert in_trials
    assert all(set(people) == tuned_on for people in in_trials)
    assert outer(found)["outer"]["tuned"]["value"] == 0


def test_part_of_runs_only_the_method_of_the_objective():
    from mebench.core import Task
    from mebench.tuning import records

    both = Task(frozenset({"spot", "recognize"}))
    parts = {
        word: records.tuned_member(records.read_objectives([word], both), paired=True)
        for word in ("f1", "uf1", "strs", "cost")
    }
    assert parts == {"f1": 0, "uf1": 1, "strs": None, "cost": None}
    assert records.tuned_member(records.read_objectives(["f1"], both), paired=False) is None


def test_read_objectives_defaults_to_main_score_of_the_task(toy):
    from mebench.core import Task

    for tasks, kinds, path in (
        ({"spot", "recognize"}, ("micro", "macro"), "spotting.overall.f1"),
        ({"recognize"}, ("micro",), "recognition.uf1"),
    ):
        (objective,) = records.read_objectives((), Task(frozenset(tasks), kinds))
        assert (objective.path, objective.direction) == (path, "maximize")
    assert resolve(toy()).method == "tunable"
