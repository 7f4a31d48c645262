import copy
import pickle

import numpy as np
import pytest
import torch
from torchmetrics.classification import BinaryAUROC, MulticlassF1Score, MulticlassRecall, MultilabelF1Score

from mebench.metrics import as_torchmetric
from mebench.metrics.action_units import mean_unit_f1
from mebench.metrics.classification import expected_calibration_error, uar, uf1
from mebench.metrics.curves import frame_auc


@pytest.mark.parametrize(
    ("function", "reference"),
    [(uf1, MulticlassF1Score(3, average="macro")), (uar, MulticlassRecall(3, average="macro"))],
)
def test_batches_are_pooled_as_torchmetrics_does(function, reference) -> None:
    generator = torch.Generator().manual_seed(0)
    metric = as_torchmetric(function, n_classes=3)
    for size in (5, 17, 8):
        scores, truth = torch.rand(size, 3, generator=generator), torch.randint(3, (size,), generator=generator)
        metric.update(scores, truth)
        reference.update(scores, truth)
    assert metric.compute() == pytest.approx(float(reference.compute()))
    assert copy.deepcopy(metric).compute() == pickle.loads(pickle.dumps(metric)).compute() == metric.compute()
    metric.reset()
    metric.update(torch.tensor([0, 1, 2]), torch.tensor([0, 1, 2]))
    assert metric.compute() == 1


def test_units_are_pooled_as_torchmetrics_does() -> None:
    generator = torch.Generator().manual_seed(0)
    metric, reference = as_torchmetric(mean_unit_f1, 4, "multilabel"), MultilabelF1Score(4, average="macro")
    for size in (5, 17, 8):
        scores, truth = torch.rand(size, 4, generator=generator), torch.randint(2, (size, 4), generator=generator)
        metric.update(scores, truth)
        reference.update(scores, truth)
    assert metric.compute() == pytest.approx(float(reference.compute()))
    yes = torch.tensor([[1, 0, 1, 1]])
    assert as_torchmetric(mean_unit_f1, 4, "multilabel")(yes, yes) == 1


def test_samples_are_gathered_as_torchmetrics_does() -> None:
    generator = torch.Generator().manual_seed(0)
    metric, reference = as_torchmetric(frame_auc, task="samples"), BinaryAUROC()
    error = as_torchmetric(expected_calibration_error, task="samples")
    every = []
    for size in (5, 17, 8):
        scores, truth = torch.rand(size, generator=generator), torch.randint(2, (size,), generator=generator)
        for each in (metric, reference, error):
            each.update(scores, truth)
        every.append((scores, truth))
    assert metric.compute() == pytest.approx(float(reference.compute()))
    scores, truth = (torch.cat(side).numpy() for side in zip(*every))
    assert error.compute() == pytest.approx(expected_calibration_error(scores.astype(np.float64), truth))
    assert pickle.loads(pickle.dumps(metric)).compute() == metric.compute()
    with pytest.warns(UserWarning, match="before the ``update``"):
        assert torch.isnan(as_torchmetric(frame_auc, task="samples").compute())


def test_class_numbers_and_class_scores_are_the_same() -> None:
    scores, truth = torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1])
    assert as_torchmetric(uf1, 2)(scores, truth) == as_torchmetric(uf1, 2)(scores.argmax(1), truth)
