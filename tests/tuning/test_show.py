"""What is concluded in words."""

from types import SimpleNamespace

import pytest

from mebench.tuning import outcome


def plain(inner_gain, outer_gain, objectives=("spotting.micro.f1",), least_p=0.01):
    outer = {"value": outer_gain, "low": None, "high": None}
    score = {
        "inner": {"gain": inner_gain},
        "outer": {"gain": outer},
        "flattered": 0.1,
        "flattered_gain": inner_gain - outer_gain,
    }
    return {
        "scores": dict.fromkeys(objectives, score),
        "objectives": dict.fromkeys(objectives, "maximize"),
        "least_p": least_p,
        "outer_subjects": 6,
        "nested": False,
        "conclusion": "so it is",
    }


@pytest.mark.parametrize(
    ("inside", "outside", "verdict"), [(0.3, 0.1, "0.2000 of the gain is lost"), (0.1, 0.3, "none of the gain is lost")]
)
def test_remarks_say_how_much_the_inner_score_flattered(inside, outside, verdict):
    first, last = outcome.tuning_remarks(plain(inside, outside))
    assert first.endswith(f" on the tuning subjects and {outside:+.4f} on new ones: {verdict}")
    assert last == "so it is"


def test_remarks_name_few_subjects_and_chosen_trial_of_a_front():
    lines = outcome.tuning_remarks(plain(0.3, 0.1, ("spotting.micro.f1", "spotting.micro.recall"), least_p=0.0625))
    assert any("with 6 outer subjects no p can be below 0.0625: too few" in line for line in lines)
    assert any(line.endswith("; take fewer --tuning-subjects, or --nested") for line in lines)
    study = plain(0.3, 0.1, least_p=1.0) | {"outer_subjects": 1, "nested": True}
    assert any(
        line.endswith("with 1 outer subject no p can be below 1.0000: too few to show any gain, however large")
        for line in outcome.tuning_remarks(study)
    )
    assert any("the trial that is best in spotting.micro.f1 was scored" in line for line in lines)


@pytest.mark.parametrize(("number", "name"), [(-1, "the default"), (0, "trial 0"), (3, "trial 3")])
def test_TrialReporter_names_the_best_trial_so_far(number, name):
    best = SimpleNamespace(number=number, state="complete", values=(0.5,), params={"method.p": 0.25})
    study = SimpleNamespace(
        best_trial=lambda: best, trials=[best], objectives=[SimpleNamespace(path="spotting.micro.f1")]
    )
    printed = []
    outcome.TrialReporter(SimpleNamespace(notify=printed.append), "s", 1, split=None, space=None).report(study, best)
    assert printed[0].endswith(f"; best 0.5000 ({name}: p=0.25)")
