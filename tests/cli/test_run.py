"""`mebench run` with words that list several values."""

import pytest

from mebench.cli.run import run_command
from mebench.errors import ConfigError

WORDS = ["method=random", "dataset=synthetic", "dataset.preset=tiny"]


@pytest.mark.parametrize(
    "word", ["seed=0,1", "scheme=native,megc2019", "tracking.models=true,false", "kinds=micro,macro"]
)
def test_run_takes_a_refused_list_for_a_sweep(word):
    with pytest.raises(ConfigError, match=rf"If '{word}' is a list of values, this is a sweep: mebench run -m "):
        run_command([*WORDS, word], dry_run=True)


@pytest.mark.parametrize("words", [["runs=seed,p", "seed=-1"], ["cache=a,b", "convention=none_of_them"]])
def test_run_blames_no_list_for_the_fault_of_another_word(words):
    with pytest.raises(ConfigError) as error:
        run_command([*WORDS, *words], dry_run=True)
    assert "is a list of values" not in str(error.value)


def test_run_refuses_a_range_that_only_a_sweep_takes():
    with pytest.raises(ConfigError, match=r"'seed=0\.\.2' names several runs, which is a sweep: mebench run -m "):
        run_command([*WORDS, "seed=0..2"], dry_run=True)
