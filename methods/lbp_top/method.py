"""Local binary patterns on three orthogonal planes behind the contract."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from torch import Tensor, nn

from mebench.core import Task
from mebench.training.svm import MAX_ITER, LinearSvm, TopRecognizer

from .params import Params as _Params


class Logistic(LinearSvm):
    """Multinomial logistic regression, as scikit-learn's."""

    def machine(self, c: float, dual: bool) -> LogisticRegression:
        """With the loss of a likelihood."""
        return LogisticRegression(C=c, tol=1e-6, class_weight=self.class_weight, max_iter=MAX_ITER)


class Ridge(LinearSvm):
    """Least squares on classes, as scikit-learn's ridge classifier."""

    def machine(self, c: float, dual: bool) -> RidgeClassifier:
        """With the squared loss."""
        return RidgeClassifier(alpha=1 / (2 * c), class_weight=self.class_weight)


LINEAR = {"svm": LinearSvm, "logistic": Logistic, "ridge": Ridge}


class Nearest(nn.Module):
    """Minus the chi-square distance of a clip's histograms to the nearest ones of each class.

    Fitted, it is nothing but buffers: histograms, (n, n_features), and their classes, (n,).
    """

    held: Tensor
    labels: Tensor

    def __init__(self, n_classes: int, templates: bool) -> None:
        super().__init__()
        self.n_classes, self.templates = n_classes, templates
        self.notes: dict[str, float] = {}
        self.register_buffer("held", torch.zeros(0, 0, dtype=torch.float64))
        self.register_buffer("labels", torch.zeros(0, dtype=torch.int64))

    def fit(self, x: ArrayLike, y: ArrayLike) -> None:
        """Keep the histograms of the training clips, or the mean of each class."""
        samples, labels = np.asarray(x, np.float64), np.asarray(y, np.int64)
        if self.templates:
            present = np.unique(labels)
            samples, labels = np.stack([samples[labels == label].mean(0) for label in present]), present
        self.held, self.labels = torch.from_numpy(samples), torch.from_numpy(labels)

    def decision_function(self, x: ArrayLike) -> NDArray[np.float64]:
        """(n, n_features) to (n, n_classes); a class without a training clip scores one below the lowest of the others."""
        rows, held, labels = np.asarray(x, np.float64), self.held.numpy(), self.labels.numpy()
        far = np.stack([((row - held) ** 2 / np.maximum(row + held, 1e-12)).sum(1) for row in rows])
        scores = -np.full((len(rows), self.n_classes), far.max(1, keepdims=True) + 1)
        for label in np.unique(labels):
            scores[:, label] = -far[:, labels == label].min(1)
        return scores

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        """A saved state brings its own number of clips and features."""
        for name in ("held", "labels"):
            if (saved := state_dict.get(prefix + name)) is not None:
                setattr(self, name, torch.zeros_like(saved))
        super()._load_from_state_dict(state_dict, prefix, *rest)  # type: ignore[no-untyped-call]


class LbpTopSvm(TopRecognizer):
    """Local binary patterns on three orthogonal planes of the clip, classified by a linear SVM."""

    Params = _Params
    chain = "lbp_top"
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        how, n = params.classifier, len(task.classes)
        if how in LINEAR:
            self.svm = LINEAR[how](n, params.c, params.class_weight, params.standardise)
        else:
            self.svm = Nearest(n, how == "template")  # type: ignore[assignment]


Plugin = LbpTopSvm
