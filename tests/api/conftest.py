"""Judging what is yours on the smallest drawn dataset."""

import pytest

import mebench
from mebench.output.progress import Silent


@pytest.fixture
def judged(tiny):
    words = [word for word in tiny if word != "dataset=synthetic"]

    def judge(model, **settings):
        return mebench.evaluate(
            model, "synthetic", "loso", *words, workers=1, bootstrap=0, progress=Silent(), **settings
        )

    judge.words = [*words, "workers=1", "bootstrap=0"]
    return judge
