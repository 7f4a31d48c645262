"""The macro-to-micro transformation behind the contract: a linear map and the nearest neighbour."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mebench.core import Chain, ClipView, LabelledVideo, Method, Task, Timing, all_clips
from mebench.errors import RunError
from mebench.features import Lbp, LbpTop

from .params import Params as _Params
from .steps import AtLeast
from .transformation import Floats, held_out, joint_subspace, partner_shares, to_micro

MACRO, MICRO = "lbp_of_apex", "lbp_top_of_clip"
PLANES = 3


class MacroTransform(Method):
    """Macro-expressions of the training subjects, mapped to what micro-expressions of their emotion look like.

    Fitted, it is nothing but buffers: the mapped features, (n, n_features), and their classes, (n,).
    """

    Params = _Params
    tasks = frozenset({"recognize"})
    params: _Params

    gallery: Tensor
    labels: Tensor

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.register_buffer("gallery", torch.zeros(0, 0, dtype=torch.float64))
        self.register_buffer("labels", torch.zeros(0, dtype=torch.int64))

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Patterns of the apex, for macro-expressions, and of the clip on three planes, for micro-expressions."""
        p = self.params
        apex = Lbp(p.rows, p.cols)
        clip = (AtLeast(2 * p.rt + 1), LbpTop(p.rows, p.cols, rt=p.rt))
        return {
            MACRO: Chain(MACRO, (p.face(), apex), scope="clips"),
            MICRO: Chain(MICRO, (p.face(), *clip), scope="clips"),
        }

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Map the training subjects' macro-expressions; without any pair, take their micro-expressions as they are.

        Raises:
            RunError: there are no micro-expressions to train on.
        """
        macro, micro = all_clips(train, "macro"), all_clips(train)
        if not micro:
            raise RunError(
                "method=macro_transform needs micro-expressions to train on, and no training subject has any"
            )
        macro_labels, micro_labels = (np.array([clip.label for clip in clips], np.int64) for clips in (macro, micro))
        aside = held_out(macro_labels) if self.params.gallery == "held_out" else np.zeros(len(macro), np.bool_)
        shares = partner_shares(macro_labels[~aside], micro_labels)
        paired = np.flatnonzero(~aside)[shares.any(axis=1)]
        self.notes |= {"macro_clips": len(macro), "pairs": len(paired)}
        of_micro = self._clips(micro)
        if not len(paired):
            self.gallery, self.labels = torch.from_numpy(of_micro), torch.from_numpy(micro_labels)
            return
        of_macro, partners = self._apexes(macro), shares[shares.any(axis=1)] @ of_micro
        subspace = joint_subspace(of_macro[paired], partners, self.params.rank)
        shown = np.flatnonzero(aside) if aside.any() else paired
        mapped = to_micro(subspace, of_macro[shown], self.params.variant == "released_code")
        self.gallery, self.labels = torch.from_numpy(mapped), torch.from_numpy(macro_labels[shown])

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Minus the distance to the nearest mapped macro-expression of each class, (n_clips, n_classes).

        A class without any scores one below the lowest of the others.
        """
        of_clips = torch.from_numpy(self._clips(clips))
        # By differences: products of matrices would let the other clips decide the last digits.
        distances = torch.cdist(of_clips, self.gallery, compute_mode="donot_use_mm_for_euclid_dist").numpy()
        scores = np.repeat(-distances.max(axis=1, keepdims=True) - 1, len(self.task.classes), axis=1)
        labels = self.labels.numpy()
        for label in np.unique(labels):
            scores[:, label] = -distances[:, labels == label].min(axis=1)
        return scores

    @staticmethod
    def _apexes(clips: Sequence[ClipView]) -> Floats:
        """Patterns of the apex of each clip, one row each."""
        return np.stack([clip.feature(MACRO) for clip in clips]).astype(np.float64).reshape(len(clips), -1)

    @staticmethod
    def _clips(clips: Sequence[ClipView]) -> Floats:
        """Patterns of each clip, averaged over the three planes, one row each."""
        histograms = np.stack([clip.feature(MICRO) for clip in clips]).astype(np.float64)
        planes = histograms.reshape(*histograms.shape[:-1], PLANES, -1)
        return np.asarray(planes.mean(axis=-2).reshape(len(clips), -1))

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        """A saved state brings its own number of clips and features."""
        for name in ("gallery", "labels"):
            if (saved := state_dict.get(prefix + name)) is not None:
                setattr(self, name, torch.zeros_like(saved))
        super()._load_from_state_dict(state_dict, prefix, *rest)  # type: ignore[no-untyped-call]


Plugin = MacroTransform
