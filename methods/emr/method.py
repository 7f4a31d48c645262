"""EMR behind the contract: recognition from the magnified motion between onset and apex."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench.core import Chain, LabelledVideo, Step, Timing, all_clips
from mebench.errors import ConfigError, DataError
from mebench.features import Flow, Magnify
from mebench.training import Samples
from mebench.training.maps import MapNetwork
from mebench.training.released import load, torch_weights

from .network import HalvesNetwork, ResNet18, of_resnet18, seen
from .params import Params as _Params
from .steps import LengthPicture

MICRO, MACRO = "emr_magnified", "emr_reduced"
LEAST_LR = 1e-5
"""A learning rate up to here is not halved any more."""
STEPS = 1000.0
"""Training steps by which the reversed gradient grows: 10,000 over 10 in the program."""


class Emr(MapNetwork):
    """Both halves of the face and the whole name the emotion; a discriminator makes micro- and macro-expressions alike."""

    Params = _Params
    names = (MICRO,)
    params: _Params
    network: HalvesNetwork

    def build(self, classes: int) -> nn.Module:
        """The network from random numbers; `setup` loads the weights."""
        network: nn.Module = HalvesNetwork(classes, self.params.size).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def setup(self, stage: str) -> None:
        """Load the user's weights before a training; what was trained is restored later."""
        if stage == "fit" and (file := self.params.weights) is not None:
            self.network.resnet.load_state_dict(_resnet18(file, file.stat().st_mtime_ns))

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The picture of a magnified clip, and of a clip as it is, for macro-expressions.

        Raises:
            ConfigError: there are no weights to start from.
            DataError: they are not those of a ResNet-18.
        """
        p = self.params
        if p.weights is not None and p.weights.is_file():  # a model that was trained does without
            _resnet18(p.weights, p.weights.stat().st_mtime_ns)
        if p.start == "weights" and p.weights is None:
            raise ConfigError(
                "method=emr starts from a ResNet-18 trained on faces, and the authors do not publish theirs: give a file "
                "of your own with method.weights=FILE, or begin with random numbers, which is not the paper's method, with "
                "method.start=random"
            )
        magnify: tuple[Step, ...] = (Magnify(p.alpha, p.low, p.high, filter="butterworth"),) if p.alpha else ()
        picture = (Flow(p.flow), LengthPicture())
        return {
            MICRO: Chain(MICRO, (p.face(), *magnify, *picture), scope="clips"),
            MACRO: Chain(MACRO, (p.face(), *picture), scope="clips"),
        }

    def inputs(self, maps: Sequence[NDArray[np.float32]]) -> Tensor:
        """The pictures, (n, 1, pixels, pixels), bytes."""
        return torch.from_numpy(maps[0].astype(np.uint8)).permute(0, 3, 1, 2)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Training clips with their classes and the domain 1; and the training subjects' macro-expressions of these classes, read
        halfway to the apex, with the domain 0.
        """
        micro, held_out = super().samples(stage, train, valid)
        assert isinstance(micro, Samples)
        x, y = micro.tensors
        macro = all_clips(train, "macro")
        self.notes["macro_clips"] = len(macro)
        if macro:
            halfway = [clip.onset + (clip.apex - clip.onset + 1) // 2 for clip in macro]
            pictures = [
                clip.video.clip_feature(MACRO, clip.onset, half) for clip, half in zip(macro, halfway, strict=True)
            ]
            x = torch.cat([x, self.inputs([np.stack(pictures)])])
            y = torch.cat([y, torch.tensor([clip.label for clip in macro])])
        return Samples(x, y, (torch.arange(len(y)) < len(y) - len(macro)).float()), held_out

    def training_step(self, batch: tuple[Tensor, ...], index: int) -> Tensor:
        """Cross-entropy of whole and halves, and of the domain with a reversed gradient if there are macro-expressions."""
        pictures, y, micro = batch
        answers = self.network.answers(seen(pictures, self.params.size, changed=True))
        loss = torch.stack([F.cross_entropy(scores, y) for scores in answers[:3]]).sum()
        if self.notes["macro_clips"]:
            reversal = math.tanh((self.global_step + 1) / STEPS / 2)  # 2 / (1 + exp(-step / 1000)) - 1
            features = (1 + reversal) * answers.features.detach() - reversal * answers.features
            loss = loss + F.binary_cross_entropy_with_logits(self.network.domain(features)[:, 0], micro)
        return loss

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Shorten the gradients of each part but the discriminator."""
        for part in self.network.clipped:
            nn.utils.clip_grad_norm_(part.parameters(), self.params.clip_norm)

    def configure_optimizers(self) -> dict[str, Any]:
        """Adam; the rate of all but the ResNet is halved in steps."""
        p, resnet = self.params, self.network.resnet
        others = [weights for name, weights in self.network.named_parameters() if not name.startswith("resnet.")]
        groups: list[dict[str, Any]] = [{"params": resnet.parameters(), "lr": p.backbone_lr}, {"params": others}]
        optimizer = torch.optim.Adam(groups, lr=p.lr, weight_decay=p.weight_decay, fused=True)
        halvings = max(0, math.ceil(math.log2(p.lr / LEAST_LR)))
        rates: list[Callable[[int], float]] = [
            lambda _: 1.0,
            lambda epoch: 0.5 ** min(epoch // p.decay_every, halvings),
        ]
        return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, rates)}


@lru_cache(maxsize=1)
def _resnet18(file: Path, changed: int) -> dict[str, Tensor]:
    """The state of a ResNet-18 with the weights of a file, read again once it was changed (time in nanoseconds).

    Raises:
        DataError: it holds other weights, or cannot be read.
    """
    with torch.device("cpu"):  # also while a method without memory for its weights is looked at
        weights, resnet = of_resnet18(torch_weights(file)), ResNet18()
        if left := sorted(weights.keys() - resnet.state_dict().keys()):
            raise DataError(
                f"the weights {file} are not those of a ResNet-18, which has no {left[0]}: give what "
                "torch.save(model.state_dict(), FILE) writes of one"
            )
        load(resnet, weights, file)
        return resnet.state_dict()


Plugin = Emr
