from dataclasses import FrozenInstanceError, replace
from fractions import Fraction

import pytest

from mebench.errors import ConfigError
from mebench.metrics.conventions import CONVENTIONS, named


def test_strict_is_the_only_convention_and_knows_its_name() -> None:
    assert {name: rule.name for name, rule in CONVENTIONS.items()} == {"strict": "strict"}
    assert named("strict") is CONVENTIONS["strict"]


def test_a_convention_is_one_sentence_and_follows_its_rules() -> None:
    strict = CONVENTIONS["strict"].describe()
    assert strict.count(".") - strict.count("0.5") == 1 and strict.endswith(".")
    other = replace(CONVENTIONS["strict"], ends="half_open", threshold=Fraction(1, 4), reaching=False).describe()
    assert "the offset left out" in other and "more than 0.25" in other


def test_a_convention_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CONVENTIONS["strict"].reaching = False  # type: ignore[misc]


def test_an_unknown_convention_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'strict'"):
        named("strickt")
