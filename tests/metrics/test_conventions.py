import re
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from mebench.errors import ConfigError
from mebench.metrics import conventions, find_convention, matching
from mebench.metrics.conventions import CONVENTIONS

STRICT = CONVENTIONS["strict"]
PRESETS = [
    "mean2022",
    "softnet2021",
    "sl_swin2022",
    "auw_gcn",
    "abpn2022",
    "spotformer",
    "tsmsnet2021",
    "map_str",
    "boosting_vrme2025",
    "lgsnet2023",
    "megc2023_entries",
    "sklearn_macro",
    "megc2020",
    "strs_metric",
    "li2017",
    "activitynet",
]


def test_CONVENTIONS_begin_with_strict_and_know_their_names() -> None:
    assert list(CONVENTIONS) == ["strict", *PRESETS]
    assert all(find_convention(name) is rule and rule.name == name for name, rule in CONVENTIONS.items())


@pytest.mark.parametrize("name", PRESETS)
def test_Convention_describe_names_source_and_defects(name: str) -> None:
    rule = CONVENTIONS[name]
    described = rule.describe()
    assert described.startswith(f"{name}: ")
    assert rule.source in described
    assert all(defect in described for defect in rule.defects)
    assert rule.defects or name == "activitynet"


def test_Convention_strict_has_no_defect_and_defines_all() -> None:
    assert not STRICT.defects
    assert STRICT.defines("asr")
    assert STRICT.defines_of_classes("wf1")
    assert STRICT.ends == "inclusive"
    assert Fraction(1, 2) == STRICT.threshold
    assert STRICT.reaching


def test_Convention_describe_follows_the_rules() -> None:
    strict = STRICT.describe()
    assert "both ends counted" in strict
    assert "at least 0.5" in strict
    assert "every video counts" in strict
    other = replace(STRICT, ends="half_open", threshold=Fraction(1, 4), reaching=False, videos="with_truth").describe()
    assert "the offset left out" in other
    assert "more than 0.25" in other
    assert "only videos with a truth" in other
    assert len({rule.describe() for rule in CONVENTIONS.values()}) == len(CONVENTIONS)


def test_Convention_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        STRICT.reaching = False  # type: ignore[misc]


def test_find_convention_names_nearest_of_unknown() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'strict'"):
        find_convention("strickt")


def test_find_convention_changes_single_rules() -> None:
    assert find_convention("strict, ends=half_open, threshold=1/3, reaching=false") == replace(
        STRICT,
        name="strict, ends=half_open, threshold=1/3, reaching=false",
        source="the suite; changed: ends, threshold, reaching",
        ends="half_open",
        threshold=Fraction(1, 3),
        reaching=False,
    )
    assert find_convention("strict, scores=f1+recall").scores == {"f1", "recall"}
    assert find_convention("softnet2021, scores=all").scores is None
    assert find_convention("li2017, sections=spotting").sections == ("spotting",)
    assert set(conventions.RULES) == set(STRICT.__slots__) - {"name", "source", "defects"}
    described = find_convention(conventions.changed_name("mean2022", ["videos = all"])).describe()
    assert described.startswith("mean2022, videos=all: ")
    assert "every video counts" in described
    assert "changed: videos" in described


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("end=half_open", "unknown rule 'end'. Did you mean 'ends'? Known: asr, class_scores, classes, "),
        (
            "ends=open",
            "unknown value of the rule ends 'open'. Did you mean 'half_open'? Known: half_open, inclusive, never_empty",
        ),
        ("reaching=yes", "unknown value of the rule reaching 'yes'. Known: false, true"),
        ("threshold=1.5", "the rule threshold is an IoU above 0, up to 1, such as 0.5 or 1/3, not '1.5'"),
        ("threshold=half", "up to 1, such as 0.5 or 1/3, not 'half'"),
        ("scores=f1+f2", "unknown value of the rule scores 'f2'. Did you mean 'f1'"),
        ("half_open", "'half_open' is not a rule of a convention: write FIELD=VALUE, such as ends=half_open"),
    ],
)
def test_find_convention_lists_known_rules_and_values(rule, message) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        find_convention(conventions.changed_name("strict", [rule]))


def hits(convention, pairs: list[tuple[tuple[int, int], tuple[int, int]]]) -> np.ndarray:
    """Whether each (spotted, true) pair of intervals hits."""
    spotted, true = (np.array(side).T for side in zip(*pairs))
    row = np.arange(len(pairs))
    found = matching.overlap_pairs(row, row, (spotted[0], spotted[1]), (true[0], true[1]), convention)
    near = found.hits(convention.threshold, convention.reaching)
    return np.isin(row, near.prediction)


def test_Convention_ends_decide_a_quarter_of_short_pairs() -> None:
    """Lengths 5 to 16 frames at every shift: `inclusive >= .5` against `half-open > .5`."""
    pairs = [
        ((0, a - 1), (shift, shift + b - 1)) for a, b, shift in product(range(5, 17), range(5, 17), range(-16, 17))
    ]
    inclusive, half_open = hits(STRICT, pairs), hits(replace(STRICT, ends="half_open", reaching=False), pairs)
    assert (inclusive.sum(), (inclusive != half_open).sum()) == (892, 244)
    assert not (half_open & ~inclusive).any()


def test_Convention_megc2020_lets_distant_intervals_hit() -> None:
    rule = replace(CONVENTIONS["megc2020"], threshold=Fraction(1, 3))
    apart = [((0, 1), (50, 51)), ((0, 2), (50, 52)), ((0, 0), (0, 0)), ((0, 5), (3, 8))]
    # 1 of 2 + 2 - 1 frames is a third; a single frame hits nothing; where they do overlap, it counts right: 3 of 9.
    assert hits(rule, apart).tolist() == [True, False, False, True]
    assert hits(replace(STRICT, threshold=Fraction(1, 3)), apart).tolist() == [False, False, True, True]
    # At the threshold of a half it decides nothing, for intervals of two frames and more.
    every = [((0, a), (s, s + b)) for a, b, s in product(range(1, 8), range(1, 8), range(-9, 10))]
    assert (hits(CONVENTIONS["megc2020"], every) == hits(STRICT, every)).all()
