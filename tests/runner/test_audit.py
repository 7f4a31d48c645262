"""Which value saw which subjects: as it is written down, and as it is."""

import pytest

from mebench.config import resolve, shaping_settings
from mebench.output.progress import Progress
from mebench.runner import guard, make_plan
from mebench.runner.execute import execute_run


def value(audit, name):
    return next(entry for entry in audit["values"] if entry["name"] == name)


def audit_of_plan(plan, notes=None):
    run = guard.AuditedRun(plan.data, plan.methods, plan.config.values, plan.selection, plan.transductive)
    return guard.audit_of(run, notes or {})


@pytest.fixture
def audit(moody):
    return lambda *words: audit_of_plan(make_plan(resolve(moody(*words))))


def test_audit_of_k_prime_saw_training_people_alone(audit):
    """The micro-expressions of subject s last 8 + s frames at 30 frames per second."""
    found = audit()
    assert (found["selection"], found["switch"], found["subject_dependent"]) == ("fixed", "guard", False)
    assert value(found, "k") == {"name": "k", "saw": "nobody", "value": {"toy": {"frames": 3, "ms": 100.0}}}
    lengths = value(found, "k_prime")
    assert lengths["saw"] == "train"
    assert [lengths["folds"][f"toy/{s}"]["toy"]["micro"]["frames"] for s in "123"] == [
        int((8 + mean + 1) / 2) for mean in (2.5, 2.0, 1.5)
    ]
    assert lengths["folds"]["toy/1"]["toy"]["micro"]["ms"] == pytest.approx(1000 * 5 / 30, abs=1e-3)


@pytest.mark.parametrize(
    ("saw", "what"),
    [
        ("video", "threshold or normalisation of a tested video"),
        ("database", "features of all tested clips, unlabelled"),
    ],
)
def test_audit_names_what_came_from_tested_videos(moody, saw, what):
    plan = make_plan(resolve(moody()))
    found = guard.audit_of(guard.AuditedRun(plan.data, plan.methods, plan.config.values, plan.selection, saw), {})
    assert found["transductive"] == saw
    assert value(found, what) == {"name": what, "saw": saw, "value": None}


def test_audit_leak_takes_k_prime_over_all_subjects(audit):
    found = audit("audit=leak")
    assert (found["selection"], found["switch"]) == ("test", "leak")
    lengths = value(found, "k_prime")
    assert lengths["saw"] == "all"
    assert {lengths["folds"][f"toy/{s}"]["toy"]["micro"]["frames"] for s in "123"} == {int((8 + 2 + 1) / 2)}


def test_audit_of_sides_equals_those_of_folds(audit, moody):
    plan = make_plan(resolve(moody()))
    found = audit()
    for fold in plan.data.folds:
        sides = found["sides"][fold.key]
        assert [sides[side]["subjects"] for side in ("train", "valid", "test")] == [2, 0, 1]
    assert found["sides"]["toy/1"]["test"]["hash"] != found["sides"]["toy/2"]["test"]["hash"]


def test_audit_of_weights_saw_training_people_alone(audit):
    found = audit()
    assert value(found, "method weights and statistics") == {
        "name": "method weights and statistics",
        "saw": "train",
        "value": ["weights"],
    }
    assert value(found, "method parameters")["saw"] == "nobody"


def test_audit_of_names_the_held_out_that_choose(moody, monkeypatch):
    plan = make_plan(resolve(moody()))
    monkeypatch.setattr(plan.methods[0].method_class, "selects", True)
    held = make_plan(resolve(moody()))
    found = audit_of_plan(held, {"toy/1": {"threshold_micro": 0.4}})
    assert found["selection"] == "inner"
    assert value(found, "choices of the method")["saw"] == "valid"
    assert value(found, "threshold_micro") == {
        "name": "threshold_micro",
        "saw": "train+valid",
        "folds": {"toy/1": 0.4},
    }
    assert all(sides["valid"]["subjects"] == 1 for sides in found["sides"].values())


def test_audit_leak_picks_epochs_unless_subjects_choose(moody, monkeypatch):
    """STSTNet trains; once the spotter chooses on the tested subjects, the last epoch stays."""
    words = moody("recognizer=ststnet", "audit=leak")
    plan = make_plan(resolve(words))
    assert value(audit_of_plan(plan), "recognizer epoch")["saw"] == "test"
    monkeypatch.setattr(plan.methods[0].method_class, "selects", True)
    chosen = audit_of_plan(make_plan(resolve(words)))
    assert value(chosen, "choices of the method")["saw"] == "test"
    assert "recognizer epoch" not in {entry["name"] for entry in chosen["values"]}


def test_audit_is_kept_and_enters_the_key(moody):
    honest, leak = resolve(moody("tracking=null")), resolve(moody("audit=leak"))
    assert shaping_settings(honest) != shaping_settings(leak)
    folder = execute_run(honest, Progress()).folder
    assert folder.read_json("audit.json")["selection"] == folder.read_json("folds.json")["selection"] == "fixed"
