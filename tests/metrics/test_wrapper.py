import copy
import pickle

import pytest
import torch
from torchmetrics.classification import MulticlassF1Score, MulticlassRecall

from mebench.metrics import as_torchmetric
from mebench.metrics.classification import uar, uf1


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


def test_class_numbers_and_class_scores_are_the_same() -> None:
    scores, truth = torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1])
    assert as_torchmetric(uf1, 2)(scores, truth) == as_torchmetric(uf1, 2)(scores.argmax(1), truth)
