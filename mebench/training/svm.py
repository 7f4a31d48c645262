"""A linear support vector machine as a layer, and recognition from clip vectors with it."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import Tensor, nn

from mebench.core import Chain, ClipView, LabelledVideo, Method, Task, Timing, all_clips
from mebench.errors import RunError
from mebench.features.top import PLANES, SvmParams, TopParams, check_c

ClassWeight = Literal["balanced"]
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

CANDIDATES = (0.1, 1.0, 2.0, 10.0, 100.0, 1000.0)
"""Values of C that cross-validation chooses from: the range of Li et al. 2017, "Towards Reading Hidden Emotions"."""

MAX_ITER = 20_000
_LOG = logging.getLogger(__name__)


class LinearSvm(nn.Module):
    """One hyperplane for each class against all others: scikit-learn's `LinearSVC` (squared hinge, L2 penalty).

    Its state consists of buffers: `weights`, (n_classes, n_features), and `intercepts`, (n_classes,), in double
    precision, with standardisation included, and the classes `seen`. So it is saved with the model without pickling,
    and the same samples give the same numbers in every run.

    Attributes:
        notes: `svm_steps` if the last fit ended after so many steps without convergence, which is likely with a large
            `c`: its hyperplanes are approximate.

    Args:
        n_classes: classes of the task, numbered from 0.
        c: weight of the training errors against the size of the weights, above 0. None: the one of `CANDIDATES` with
            the best five-fold cross-validation on the training samples, ties: the smallest.
        class_weight: `balanced` weighs each class by n / (classes in training x its samples); None weighs all alike.
        standardise: subtract the training samples' mean from each feature and divide it by their standard deviation; a
            constant feature is only centred.

    Raises:
        ConfigError: `c` is not above 0.
    """

    weights: Tensor
    intercepts: Tensor
    seen: Tensor

    def __init__(
        self,
        n_classes: int,
        c: float | None = 1.0,
        class_weight: ClassWeight | None = None,
        standardise: bool = False,
    ) -> None:
        super().__init__()
        check_c("C of a linear SVM", c)
        self.n_classes = n_classes
        self.c = c
        self.class_weight = class_weight
        self.standardise = standardise
        self.notes: dict[str, float] = {}
        # The number of features is known when samples are: `fit` or a saved state brings the width.
        self.register_buffer("weights", torch.zeros(n_classes, 0, dtype=torch.float64))
        self.register_buffer("intercepts", torch.zeros(n_classes, dtype=torch.float64))
        self.register_buffer("seen", torch.zeros(n_classes, dtype=torch.bool))

    def fit(self, x: ArrayLike, y: ArrayLike) -> float | None:
        """Fit to samples, replacing any former fit.

        A class without samples has no hyperplane, see `forward`; a single class has none either and always wins.

        Args:
            x: (n, n_features), finite.
            y: (n,) class numbers.

        Returns:
            The C that was used; None where a single class left nothing to fit.

        Raises:
            RunError: there are no samples, or a feature is not finite.
        """
        samples = np.asarray(x, np.float64)
        labels = np.asarray(y, np.int64)
        _refuse_unusable_samples(samples)
        present = np.unique(labels)
        weights = np.zeros((self.n_classes, samples.shape[1]))
        intercepts = np.zeros(self.n_classes)
        c = None
        self.notes = {}
        if len(present) > 1:
            c, weights[present], intercepts[present] = self._fit_hyperplanes(samples, labels)
        self.weights = torch.from_numpy(weights)
        self.intercepts = torch.from_numpy(intercepts)
        self.seen = torch.from_numpy(np.isin(np.arange(self.n_classes), present))
        return c

    def _fit_hyperplanes(self, samples: Floats, labels: Labels) -> tuple[float, Floats, Floats]:
        """The hyperplanes of the classes that have samples, on features as they are given.

        Args:
            samples: (n, n_features), finite.
            labels: (n,) class numbers, at least two different ones.

        Returns:
            The C that was used, weights (n_present, n_features), and intercepts (n_present,), by class number.
        """
        n_features = samples.shape[1]
        mean, scale = 0.0, 1.0
        if self.standardise:
            scaler = StandardScaler().fit(samples)
            mean, scale = scaler.mean_, scaler.scale_
        inputs = (samples - mean) / scale
        dual = n_features > len(samples)  # scikit-learn's own choice: of the two ways the one that is quick
        if dual:
            # It knows samples by their inner products alone, which stay the same in coordinates of the space that they span. A
            # clip has thousands of features and a training set a few hundred clips: each fit is some twenty times faster.
            axes, coordinates = np.linalg.qr(inputs.T)
            inputs = np.ascontiguousarray(coordinates.T)
        else:
            axes = np.eye(n_features)
        c = self._chosen_c(inputs, labels, dual)
        machine = self._fitted(inputs, labels, c, dual)
        coefs = machine.coef_
        offsets = machine.intercept_
        steps = int(np.max(machine.n_iter_ or 0))
        if steps >= MAX_ITER:
            self.notes = {"svm_steps": steps}
            _LOG.info("the SVM with C = %g did not converge in %d steps", c, steps)
        if len(coefs) == 1:  # two classes share one hyperplane
            coefs = np.concatenate([-coefs, coefs])
            offsets = np.concatenate([-offsets, offsets])
        weights = coefs @ axes.T / scale
        return c, weights, offsets - weights @ np.broadcast_to(mean, n_features)

    def _chosen_c(self, inputs: Floats, labels: Labels, dual: bool) -> float:
        """The given C, or the candidate that classifies most samples of the other folds correctly."""
        if self.c is not None:
            return self.c
        # Five folds share out each class as evenly as they can; they are fewer if none has five.
        n_folds = min(5, int(np.bincount(labels).max()))
        if n_folds < 2:  # no class has two samples
            return 1.0
        kfold = StratifiedKFold(n_folds, shuffle=True, random_state=0)
        # A class of few samples is absent from some folds.
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            folds = list(kfold.split(np.zeros(len(labels)), labels))
        return max(CANDIDATES, key=lambda c: sum(self._right(inputs, labels, c, dual, *fold) for fold in folds))

    def machine(self, c: float, dual: bool) -> Any:
        """The scikit-learn classifier to fit; a subclass with another loss returns another linear one."""
        # The dual is solved by taking the samples in a shuffled order: a fixed one.
        return LinearSVC(C=c, class_weight=self.class_weight, dual=dual, max_iter=MAX_ITER, random_state=0)

    def _fitted(self, x: Floats, y: Labels, c: float, dual: bool) -> Any:
        """The classifier, fitted to at least two classes."""
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # `fit` looks at the steps
            return self.machine(c, dual).fit(x, y)

    def _right(
        self, x: Floats, y: Labels, c: float, dual: bool, train: NDArray[np.intp], held_out: NDArray[np.intp]
    ) -> int:
        """The number of held-out samples that the others classify correctly."""
        classes = np.unique(y[train])
        if len(classes) == 1:
            return int(np.count_nonzero(y[held_out] == classes[0]))
        answers = self._fitted(x[train], y[train], c, dual).predict(x[held_out])
        return int(np.count_nonzero(answers == y[held_out]))

    def forward(self, x: Tensor) -> Tensor:
        """Scores, (n, n_features) to (n, n_classes) in double precision; the largest is the answer.

        They are scikit-learn's `decision_function`. With two classes in training that is the score of the second, and its
        negative that of the first. A class without a training sample scores one below the lowest of the others.
        """
        scores = x.double() @ self.weights.T + self.intercepts
        if self.seen.all() or not self.seen.any():
            return scores
        return torch.where(self.seen, scores, scores[:, self.seen].amin(dim=1, keepdim=True) - 1)

    @torch.no_grad()
    def decision_function(self, x: ArrayLike) -> Floats:
        """Like `forward`, on arrays."""
        return np.asarray(self(torch.from_numpy(np.array(x, np.float64))).numpy())

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        """A saved state brings its own number of features."""
        saved = state_dict.get(f"{prefix}weights")
        if saved is not None:
            self.weights = self.weights.new_zeros(self.n_classes, saved.shape[-1])
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _refuse_unusable_samples(samples: Floats) -> None:
    """Refuse samples that a linear SVM cannot be fitted to.

    Raises:
        RunError: there are none, or a feature is not finite.
    """
    if len(samples) == 0:
        raise RunError("a linear SVM needs training clips, but there are none: no training subject has a labelled clip")
    bad = np.flatnonzero(~np.isfinite(samples).all(axis=1))
    if len(bad):
        raise RunError(
            f"a linear SVM needs finite features, but {len(bad)} of {len(samples)} training clips have others, "
            f"first number {bad[0]}: inspect the features with mebench features"
        )


class ClipSvm(Method):
    """One vector for each clip, from onset to offset, and a linear SVM. A subclass sets `Params` and `chain`.

    Attributes:
        chain: name of the chain.
    """

    tasks = frozenset({"recognize"})
    chain: ClassVar[str]
    params: SvmParams

    def __init__(self, params: SvmParams, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.svm = LinearSvm(len(task.classes), params.c, params.class_weight, params.standardise)

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The steps of the parameters."""
        return {self.chain: Chain(self.chain, self.params.steps(), scope="clips")}

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Fit the SVM to the training clips.

        Raises:
            RunError: there are none.
        """
        clips = all_clips(train)
        self.svm.fit(self.inputs(clips) if clips else np.empty((0, 0)), [clip.label for clip in clips])
        self.notes |= self.svm.notes

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Signed distances to the hyperplanes of the classes, (n_clips, n_classes): no probabilities."""
        return self.svm.decision_function(self.inputs(clips))

    def inputs(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """One row for each clip, (n_clips, numbers of its feature)."""
        return np.stack([clip.feature(self.chain) for clip in clips]).astype(np.float64).reshape(len(clips), -1)


class TopRecognizer(ClipSvm):
    """One row of histograms on three planes for each clip."""

    params: TopParams

    def inputs(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """A row for each clip, (n_clips, rows * cols * slices * planes * bins)."""
        chosen = [PLANES.index(plane) for plane in self.params.planes]
        features = np.stack([clip.feature(self.chain) for clip in clips]).astype(np.float64)
        blocks = features.shape[:3]  # ready-made histograms have a grid of their own
        return features.reshape(*blocks, self.params.slices, len(PLANES), -1)[..., chosen, :].reshape(len(clips), -1)
