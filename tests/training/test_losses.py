"""Losses for uneven classes, against PyTorch's, scikit-learn's and the printed equations."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from mebench.training import layers


def draw(n=40, classes=4, seed=0):
    torch.manual_seed(seed)
    return torch.randn(n, classes), torch.randint(0, classes, (n,))


def test_balanced_weights_equal_scikit_learn():
    _, y = draw()
    np.testing.assert_allclose(
        layers.balanced_weights(y, 4), compute_class_weight("balanced", classes=np.arange(4), y=y.numpy()), rtol=1e-6
    )


def test_balanced_weights_of_absent_classes_are_zero():
    assert layers.balanced_weights(torch.tensor([0, 0, 2]), 4).tolist() == [0.75, 0.0, 1.5, 0.0]


@pytest.mark.parametrize("weighted", [False, True])
def test_focal_loss_without_gamma_is_cross_entropy(weighted):
    logits, y = draw()
    weights = layers.balanced_weights(y, 4) if weighted else None
    torch.testing.assert_close(layers.focal_loss(logits, y, 0.0, weights), F.cross_entropy(logits, y, weights))


def test_focal_loss_equals_its_equation():
    logits, y = draw()
    p = logits.softmax(1)[torch.arange(len(y)), y]
    torch.testing.assert_close(layers.focal_loss(logits, y, 2.0), (-((1 - p) ** 2) * p.log()).mean())


def test_focal_loss_takes_one_output_as_logit_of_label_1():
    logits, y = draw(classes=2)
    difference = logits[:, 1] - logits[:, 0]
    torch.testing.assert_close(layers.focal_loss(difference, y.float(), 1.5), layers.focal_loss(logits, y, 1.5))
    torch.testing.assert_close(
        layers.focal_loss(difference, y.float(), 0.0), F.binary_cross_entropy_with_logits(difference, y.float())
    )


def test_focal_loss_of_several_kinds_is_a_sum():
    logits = draw(classes=2)[0]
    y = draw(classes=2, seed=1)[0] > 0
    for loss in (layers.squared_error, lambda scores, labels: layers.focal_loss(scores, labels, 2.0)):
        alone = [loss(logits[:, kind], y[:, kind].float()) for kind in range(2)]
        torch.testing.assert_close(loss(logits, y.float()), sum(alone))


def test_focal_loss_weighs_good_answers_little():
    sure, unsure = torch.tensor([[4.0, 0.0]]), torch.tensor([[0.2, 0.0]])
    y = torch.tensor([0])
    plain = F.cross_entropy(sure, y) / F.cross_entropy(unsure, y)
    assert layers.focal_loss(sure, y, 2.0) / layers.focal_loss(unsure, y, 2.0) < plain / 100


def test_squared_error_balanced_gives_both_labels_equal_say():
    outputs, y = torch.tensor([0.5, 0.1, 0.2, 0.3]), torch.tensor([1.0, 0.0, 0.0, 0.0])
    assert layers.squared_error(outputs, y) == F.mse_loss(outputs, y)
    expected = (0.25 + (0.01 + 0.04 + 0.09) / 3) / 2
    assert float(layers.squared_error(outputs, y, layers.balanced_weights(y, 2))) == pytest.approx(expected)
