"""What a training notes of itself."""

import math

import torch

from mebench.core.history import Epoch, History


def test_History_averages_batches_over_samples():
    history = History()
    history.add("spotting", 0, "train", 3, 1.0, torch.tensor(2))
    history.add("spotting", 0, "train", 1, torch.tensor(5.0), torch.tensor(1))
    history.add("spotting", 0, "valid", 2, 0.5)
    assert history.list_epochs() == [
        Epoch("spotting", 0, "train", 2.0, 0.75),
        Epoch("spotting", 0, "valid", 0.5, None),
    ]


def test_History_keeps_scores_with_and_without_sums():
    history = History()
    history.add("recognition", 0, "train", 3, 1.0)
    history.add("recognition", 0, "valid", 2, 0.5, 1)
    history.score("recognition", 0, "valid", 0.25, 0.75)
    history.score("recognition", 1, "valid", 0.5, 1.0)
    *noted, alone = history.list_epochs()

    assert noted == [
        Epoch("recognition", 0, "train", 1.0, None, None, None),
        Epoch("recognition", 0, "valid", 0.5, 0.5, 0.25, 0.75),
    ]
    assert math.isnan(alone.loss)
    assert (alone.epoch, alone.uf1, alone.uar) == (1, 0.5, 1.0)


def test_History_without_training_has_no_epochs():
    assert History().list_epochs() == []
