"""Which included model is taken where none is named."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mebench.errors import RunError
from mebench.inference import default_models
from mebench.inference.alarm_rates import real_rate_on_card
from mebench.inference.models import included_models


def card(f1=None, alarms=None, found=None):
    """Scores of a card: F1 on drawn people, alarms in a minute of real films, and finds of 30 strong injections into them."""
    scores = {"spotting.micro.f1": f1}
    if alarms is not None:
        scores |= {"real.micro.alarms": float(alarms), "real.micro.seconds": 60.0}
    if found is not None:
        scores |= {"recovery.still.found": float(found), "recovery.still.of": 20.0, "recovery.speech.of": 10.0}
    return SimpleNamespace(scores=scores)


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"a": card(0.9, alarms=2, found=3), "b": card(0.1, alarms=5, found=9)}, "b"),
        ({"a": card(0.9, alarms=2, found=3), "loud": card(0.1, alarms=6, found=9)}, "a"),
        ({"a": card(0.2, alarms=2, found=3), "untried": card(0.9)}, "a"),
        ({"a": card(0.2, alarms=2), "b": card(0.4, alarms=50, found=9)}, "b"),
    ],
    ids=["finds more", "too many alarms", "tried on real films", "F1 where no card tells both"],
)
def test_default_spotter_finds_most_at_few_alarms(cards, expected, monkeypatch):
    monkeypatch.setattr(default_models, "included_models", lambda: {Path(name): one for name, one in cards.items()})
    assert default_models.default_spotter_file() == Path(expected)


def test_default_spotter_says_that_none_is_included(monkeypatch):
    monkeypatch.setattr(default_models, "included_models", dict)
    with pytest.raises(
        RunError, match=r"includes no model with spotting\.micro\.f1 on its card: name one with --model"
    ):
        default_models.default_spotter_file()


def test_included_models_spot_and_name_emotions():
    headers = included_models()
    spotter, namer = headers[default_models.default_spotter_file()], headers[default_models.default_naming_file()]
    assert default_models.recovered_share(spotter.scores) == max(
        share
        for header in headers.values()
        if (rate := real_rate_on_card(header.scores, "micro")) is not None
        and rate.per_minute <= default_models.MOST_ALARMS
        and (share := default_models.recovered_share(header.scores)) is not None
    )
    assert "recognition.uf1" in namer.scores
