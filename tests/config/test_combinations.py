"""The words of a sweep: lists and ranges of values, and the combinations that they name."""

import itertools

import pytest

from mebench.config import combinations
from mebench.errors import ConfigError


def test_expand_lists_keeps_settings_of_one_method_apart():
    lists = combinations.lists_of_words(
        ["method=random,optical_strain", "random.draws=1,2", "optical_strain.p=0.5", "seeds=0,1"]
    )
    found = combinations.expand_lists(lists)
    assert [c.varied for c in found] == [
        {"method": "random", "random.draws": "1", "seed": "0"},
        {"method": "random", "random.draws": "1", "seed": "1"},
        {"method": "random", "random.draws": "2", "seed": "0"},
        {"method": "random", "random.draws": "2", "seed": "1"},
        {"method": "optical_strain", "seed": "0"},
        {"method": "optical_strain", "seed": "1"},
    ]
    assert found[0].settings == {"method": "random", "seed": "0", "method.draws": "1"}
    assert found[-1].settings == {"method": "optical_strain", "seed": "1", "method.p": "0.5"}


def test_expand_lists_gives_every_combination_in_order():
    found = combinations.expand_lists(
        combinations.lists_of_words(["method=mean,softnet", "dataset=cas_me2", "seeds=0..2"])
    )
    assert [c.settings for c in found] == [
        {"method": m, "dataset": "cas_me2", "seed": s} for m, s in itertools.product(("mean", "softnet"), "012")
    ]
    assert found[4].varied == {"method": "softnet", "seed": "1"}


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("dataset=[casme2,samm],smic_hs", ["[casme2,samm]", "smic_hs"]),
        ("seed=3", ["3"]),
        ("seeds=-1..1", ["-1", "0", "1"]),
        ("seeds=3..3", ["3"]),
        ("seeds=0..1,7, 9..10", ["0", "1", "7", "9", "10"]),
        ("dataset.root=../data/CAS(ME)^2", ["../data/CAS(ME)^2"]),
        ("method.name='a,b',c", ["a,b", "c"]),
        ("method.x={a: [1,2], b: (3,4)},null", ["{a: [1,2], b: (3,4)}", "null"]),
        ("method.p=", [""]),
    ],
)
def test_values_of_splits_commas_and_ranges(word, values):
    key = word.partition("=")[0].replace("seeds", "seed").removesuffix(".name")
    assert [c.settings for c in combinations.expand_lists(combinations.lists_of_words([word]))] == [
        {key: value} for value in values
    ]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("seeds=2..0", "counts down, write 0..2"),
        ("method=mean,,softnet", "names an empty value"),
        ("method=mean,mean", "names 'mean' twice"),
        ("workers=1,2", "workers is one for the whole sweep"),
        ("seeds=0..999999999", "longer than a sweep takes"),
    ],
)
def test_lists_of_words_refuses_wrong_words(word, sentence):
    with pytest.raises(ConfigError, match=sentence):
        combinations.expand_lists(combinations.lists_of_words([word]))


@pytest.mark.parametrize(
    "words",
    [
        ["seed=0..1", "seed=1"],
        ["seed=3", "seeds=0..1"],
        ["method=mean,softnet", "method.name=mean"],
        ["method.p=0.5", "seed=0,1", "method.p=.5,1"],
    ],
)
def test_expand_lists_refuses_a_varied_key_given_twice(words):
    with pytest.raises(ConfigError, match=r"(seed|method|method\.p) is given twice .* name all its values in one word"):
        combinations.expand_lists(combinations.lists_of_words(words))


def test_expand_lists_takes_the_last_of_a_fixed_key():
    found = combinations.expand_lists(combinations.lists_of_words(["method.p=0.5", "seed=0,1", "method.p=0.6"]))
    assert [c.settings for c in found] == [{"method.p": "0.6", "seed": seed} for seed in "01"]


@pytest.mark.parametrize(
    ("most", "more"),
    [
        (["seeds=1..6"], ["seeds=1..7"]),
        (["method=mean,softnet", "seeds=1..3"], ["method=mean,softnet", "seeds=1..4"]),
    ],
)
def test_expand_lists_refuses_too_many_runs(monkeypatch, most, more):
    monkeypatch.setattr(combinations, "MOST", 6)
    assert len(combinations.expand_lists(combinations.lists_of_words(most))) == 6
    with pytest.raises(ConfigError, match="a sweep takes"):
        combinations.expand_lists(combinations.lists_of_words(more))
