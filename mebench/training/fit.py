"""Lightning's Trainer over the stages of a method, bare: no logger, checkpoint, progress bar or cluster detection; and who is watched."""

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import lightning as L
import torch
from lightning.pytorch.plugins.environments import LightningEnvironment
from torch import Generator, Tensor
from torch.utils.data import DataLoader

from mebench.core import LabelledVideo, Method
from mebench.errors import ConfigError, RunError


class Classified(NamedTuple):
    """What a `validation_step` answers about a batch of clips, to have it scored.

    Attributes:
        scores: of the classes of the task, (n, n_classes), higher is likelier; or class numbers (n,).
        truth: class numbers, (n,).
    """

    scores: Tensor
    truth: Tensor


class Watch(L.Callback):  # type: ignore[misc]
    """Notes UF1 and UAR of all that `validation_step` classified in an epoch, over the classes that occur in its truth.

    Args:
        n_classes: of the task.
    """

    def __init__(self, n_classes: int) -> None:
        from mebench.metrics.torch import UAR, UF1  # and with it pandas, which a training needs for nothing else

        self.uf1, self.uar = UF1(n_classes), UAR(n_classes)

    def on_validation_batch_end(
        self, trainer: L.Trainer, pl_module: Method, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Count the answers of a batch."""
        if isinstance(outputs, Classified):
            self.uf1.update(*outputs)
            self.uar.update(*outputs)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: Method) -> None:
        """Score the whole epoch."""
        if not self.uf1.update_called:  # a stage that learns something else
            return
        uf1, uar = float(self.uf1.compute()), float(self.uar.compute())
        pl_module.history.score(pl_module.stage, pl_module.current_epoch, "valid", uf1, uar)
        self.uf1.reset()
        self.uar.reset()


def fit(
    method: Method,
    train: Sequence[LabelledVideo],
    valid: Sequence[LabelledVideo],
    accelerator: str = "cpu",
    after_epoch: Callable[[], bool] | None = None,
    precision: str = "32-true",
) -> None:
    """Train all stages of `method` in order, then fit what has a closed form. It begins in training mode and ends in evaluation mode.

    `torch.manual_seed` must have been called: initial weights, dropout and order follow from it. Validation samples change none
    of them: what is learnt is the same whether anybody is watched or not.

    Args:
        method: what is fitted.
        train: the training videos.
        valid: what the method may choose on.
        accelerator: where Lightning trains.
        after_epoch: asked after each epoch; the weights of the last epoch for which it answers True stay. By default, and where it
            never does, those of the last epoch do.
        precision: numbers that Lightning trains with, in its words.

    Raises:
        RunError: a stage has no samples.
        ConfigError: the machine has no such precision.
    """
    method.train()  # Lightning leaves modes as they are, and who is fitted again ended in the other one
    for stage in method.stages():
        method.stage = stage.name
        train_samples, valid_samples = method.samples(stage.name, train, valid)
        if len(train_samples) == 0:  # type: ignore[arg-type]
            raise RunError(
                f"the training subjects give no samples for the stage {stage.name!r}: they have no labelled expressions"
            )
        loaders, callbacks = [_loader(train_samples, stage.batch_size, stage.shuffle)], []
        if valid_samples is not None:
            loaders.append(_loader(valid_samples, stage.batch_size, shuffle=False, apart=True))
            callbacks.append(Watch(len(method.task.classes)))
        with _quiet():
            kept = [] if after_epoch is None else [_Kept(after_epoch)]
            trainer = L.Trainer(
                max_epochs=stage.epochs,
                accelerator=accelerator,
                devices=1,  # a fold is small: several devices work on several folds, see mebench.runner.workers
                precision=precision,
                barebones=True,
                # One thread of a CPU already is; to say so would import PyTorch's compiler.
                deterministic=True if accelerator != "cpu" else None,
                # This process is alone: a fold inside a Slurm job must not wait for its brothers.
                plugins=[LightningEnvironment()],
                callbacks=[*callbacks, *kept],
            )
            if trainer.precision != precision:  # Lightning takes another, and warns
                raise ConfigError(
                    f"precision={precision} is not for this machine: choose precision={trainer.precision}, or a GPU"
                )
            trainer.fit(method, *loaders)
            if kept and kept[0].weights:
                method.load_state_dict(kept[0].weights)
    method.stage = ""
    method.eval()
    method.fit_closed_form(train, valid)


def _loader(samples: Any, batch_size: int, shuffle: bool, apart: bool = False) -> Any:
    """Batches of samples; `apart` draws nothing from torch's own generator, as every pass of a loader does otherwise."""
    # Worker processes would cost more than a batch of small arrays: samples come whole from memory.
    return DataLoader(
        samples,
        batch_size,
        shuffle,
        num_workers=0,
        collate_fn=lambda batch: batch,
        generator=Generator() if apart else None,
    )


class _Kept(L.Callback):  # type: ignore[misc]
    """Keeps the weights of a stage after an epoch, where it is asked to, in `weights`."""

    def __init__(self, after_epoch: Callable[[], bool]) -> None:
        self.after_epoch = after_epoch
        self.weights: dict[str, Any] = {}

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.after_epoch():
            self.weights = {name: t.detach().clone() for name, t in pl_module.state_dict().items()}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence Lightning's advice (devices found, workers of loaders): it is for interactive training.

    And take numbers below 1e-38 for 0, on processors that can: a penalty brings weights that nothing needs there, and then a
    convolution takes many times as long (MEAN's 17 times).
    """
    names = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        for logger in levels:
            logger.setLevel(logging.ERROR)
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
            for logger, level in levels.items():
                logger.setLevel(level)
