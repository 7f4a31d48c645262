"""Lightning's Trainer over the stages of a method, with the options of a run."""

import contextlib
import copy
import inspect
import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from pkgutil import resolve_name
from types import MethodType
from typing import Any, NamedTuple

from mebench._fast_imports import L  # before its parts

# isort: split
import numpy as np
import torch
from lightning.fabric.utilities.seed import _collect_rng_states, _set_rng_states
from lightning.pytorch.callbacks import Checkpoint, LambdaCallback, ModelCheckpoint, ProgressBar
from lightning.pytorch.core.optimizer import _configure_optimizers
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.profilers import PassThroughProfiler, Profiler
from lightning.pytorch.strategies import Strategy
from lightning.pytorch.utilities.seed import isolate_rng
from torch import Generator, Tensor
from torch.utils.data import DataLoader

from mebench.core import LabelledVideo, Method, Stage
from mebench.core.history import History, Split
from mebench.errors import ConfigError, RunError
from mebench.training.samples import ViewSamples, on_device

QUIET = {"enable_model_summary": False, "enable_progress_bar": False, "num_sanity_val_steps": 0}
"""Options of Lightning's that a fold has by default."""
SECONDS = 60.0
"""How long a fold trains before its state is kept, so that one that is killed goes on from there."""
STATE = ".training"
"""The file of that state."""
_SINGLE = ("strategy", "profiler")
"""Options that take one object."""
_OBJECTS = (L.Callback, Logger, Strategy, Profiler)
"""Classes of the objects that Python may give; anything else makes one."""


class Classified(NamedTuple):
    """Scores and truth of a batch of clips; a `validation_step` returns it to have them scored.

    Attributes:
        scores: scores of the task's classes, (n, n_classes), higher is likelier; or class numbers (n,).
        truth: class numbers, (n,).
    """

    scores: Tensor
    truth: Tensor


class Watch(L.Callback):  # type: ignore[misc]
    """Records UF1 and UAR of an epoch, over the classes that occur in the truth.

    Args:
        method: the method in training, whose history notes them.
    """

    def __init__(self, method: Method) -> None:
        from mebench.metrics.torch import UAR, UF1  # and with it pandas, which a training needs for nothing else

        n_classes = len(method.task.classes)
        self.method = method
        self.uf1 = UF1(n_classes)
        self.uar = UAR(n_classes)

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count the answers of a batch."""
        if isinstance(outputs, Classified) and outputs.truth.ndim == 1:  # of several classes a clip no UF1 is noted
            self.uf1.update(*outputs)
            self.uar.update(*outputs)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Score the whole epoch."""
        if not self.uf1.update_called:  # a stage that learns something else
            return
        uf1, uar = float(self.uf1.compute()), float(self.uar.compute())
        self.method.history.score(self.method.stage, trainer.current_epoch, "valid", uf1, uar)
        self.uf1.reset()
        self.uar.reset()


class _Unprofiled(PassThroughProfiler):  # type: ignore[misc]
    """A profiler that does nothing; Lightning's own takes 30 microseconds a step for 23 parts."""

    nothing = contextlib.nullcontext()

    def profile(self, action_name: str) -> Any:
        """The context of a part."""
        return self.nothing


class _Noted(Logger):  # type: ignore[misc]
    """A Lightning logger that writes to `history`: each logged value with its step and epoch.

    Attributes:
        name: name of the stage, which names the folder of checkpoints.
        known: metrics that `history` holds anyway.
    """

    name = ""
    version = ""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method
        self.name = method.stage
        self.known = set[str]()

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Note them."""
        trainer = self.method.trained().trainer
        logged = {name: float(value) for name, value in metrics.items() if name != "epoch" and name not in self.known}
        if logged:
            split: Split = "valid" if trainer.validating else "train"
            self.method.history.log(
                self.name, trainer.current_epoch, split, trainer.global_step if step is None else step, logged
            )

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """They are the settings of the run."""


def _logging(noted: _Noted) -> LambdaCallback:
    """Logs the values of an epoch in `history` (`train_loss`, `val_uf1`, …) for callbacks and loggers."""

    def log(trained: L.LightningModule, split: Split, word: str) -> None:
        values = noted.method.history.values_of_pass(noted.name, trained.current_epoch, split)
        metrics = {f"{word}_{name}": value for name, value in values.items()}
        noted.known |= metrics.keys()
        trained.log_dict(metrics)

    return LambdaCallback(
        on_train_epoch_end=lambda trainer, trained: log(trained, "train", "train"),
        on_validation_epoch_end=lambda trainer, trained: log(trained, "valid", "val"),
    )


def _noting_losses(method: Method) -> LambdaCallback:
    """Notes the loss that each `training_step` of a user's module returns in `history`; what the module logs is its own.

    Args:
        method: the method in training, which is not itself the module.
    """

    def note(trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, index: int) -> None:
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, torch.Tensor) and loss.numel() == 1 and isinstance(batch, list | tuple):
            method.history.add(method.stage, trainer.current_epoch, "train", len(batch[-1]), loss.detach())

    return LambdaCallback(on_train_batch_end=note)


class _Kept(Checkpoint):  # type: ignore[misc]
    """Keeps the weights of the chosen epoch, and saves the training now and then.

    If a callback selects, the chosen epoch is its best one.
    """

    def __init__(
        self,
        method: Method,
        after_epoch: Callable[[], bool] | None,
        file: Path | None,
        state: Mapping[str, Any],
        start: Mapping[str, Any],
    ) -> None:
        self.method = method
        self.after_epoch = after_epoch
        self.file = file
        self.random = state.get("random")
        self.start = start
        self.weights: dict[str, Any] = state.get("weights", {})
        self.state: dict[str, Any] = {}
        self.next = time.monotonic() + SECONDS

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Go on with the random numbers of the state, and find the metric that chooses."""
        if self.random is not None:
            _set_rng_states(self.random)
        choosing = [one for one in trainer.checkpoint_callbacks if getattr(one, "monitor", None)]
        self.by = next(iter([*choosing, *trainer.early_stopping_callbacks]), None)
        self.best = self._best()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep the weights if they are the best so far."""
        self._keep(pl_module)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep wanted weights, and store half of the state now and then."""
        self._keep(pl_module)
        if self.after_epoch is not None and self.after_epoch():
            self.weights = _copied(pl_module)
        if self.file is not None and time.monotonic() >= self.next:
            trainer.save_checkpoint(self.file.with_suffix(".half"))
            self.state = {"weights": self.weights, "random": _random_states(), "start": self.start}

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Complete the state of the epoch before."""
        if self.file is not None and self.state:  # now the history has all of the epoch before
            method = self.method
            history = method.history.state(method.stage, trainer.current_epoch)
            of_method = {"stage": method.stage, "history": history, "notes": method.notes}
            half = self.file.with_suffix(".half")
            whole = self.file.with_suffix(".whole")
            with contextlib.suppress(UnpicklingError):  # a training with more state than numbers starts again
                checkpoint = torch.load(half, weights_only=True, mmap=True)  # a second copy may not fit into memory
                torch.save(of_method | self.state | {"checkpoint": checkpoint}, whole)
                whole.replace(self.file)
                half.unlink()
            self.state = {}
            self.next = time.monotonic() + SECONDS

    def _best(self) -> Any:
        """The best value so far of the metric by which a callback chooses, or None."""
        return None if self.by is None else getattr(self.by, "best_model_score", getattr(self.by, "best_score", None))

    def _keep(self, method: L.LightningModule) -> None:
        """Keep the weights if the metric has improved."""
        before = self.best
        self.best = self._best()
        if self.after_epoch is None and self.best is not None and (before is None or self.best != before):
            self.weights = _copied(method)


def _random_states() -> dict[str, Any]:
    """The states of all random generators, as numbers and tensors."""
    states = dict(_collect_rng_states())
    parts: list[Any] = []
    for part in states["numpy"]:
        plain = part.tolist() if isinstance(part, np.ndarray) else part
        parts.append(plain)
    return states | {"numpy": parts}


def _copied(method: L.LightningModule) -> dict[str, Any]:
    """A copy of a method's weights."""
    return {name: t.detach().clone() for name, t in method.state_dict().items()}


def fit(  # noqa: PLR0913  (tests of plugins name what they change)
    method: Method,
    train: Sequence[LabelledVideo],
    valid: Sequence[LabelledVideo],
    accelerator: str = "cpu",
    after_epoch: Callable[[], bool] | None = None,
    precision: str = "32-true",
    options: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> None:
    """Train all stages of `method` in order, then call its closed-form fit.

    The method is set to training mode first and to evaluation mode last.

    `torch.manual_seed` must have been called: initial weights, dropout and order follow from it. Validation samples
    change none of them: the trained weights are the same with and without validation.

    Callbacks that stop or keep by a metric choose on the validation videos, and the weights of the best epoch stay.

    Args:
        method: the method to fit.
        train: the training videos.
        valid: the validation videos.
        accelerator: Lightning's `accelerator`.
        after_epoch: function called after each epoch; the weights of the last epoch for which it returns True are kept. By
            default, and if it never does, those of the last epoch are.
        precision: Lightning's `precision`.
        options: options of Lightning's Trainer; callbacks and loggers as maps of `class_path` and `init_args`, or, as a
            strategy, a profiler and an optimizer, with `object`, a function that gives a copy.
        folder: folder for files of callbacks and loggers, and for the state from which a long training resumes, or None.

    Raises:
        RunError: a stage has no samples.
        ConfigError: the machine lacks the precision; a callback selects by a metric that is never logged.
    """
    method.train()  # Lightning keeps the modes of modules, and after a former fit they are in evaluation mode
    options = dict(options or {})
    stages = method.stages()
    optimizer = options.pop("optimizer", None)
    in_one_process = after_epoch is None and options.get("devices", 1) == 1
    file = folder / STATE if folder is not None and in_one_process else None
    state = _read_state(file)
    first = [stage.name for stage in stages].index(state["stage"]) if state else 0
    for number, stage in enumerate(stages):
        method.stage = stage.name
        continued = state if number == first else {}
        start = _restore_or_record_start(method, number, continued, is_kept=file is not None)
        samples = method.samples(stage.name, train, valid)  # those of a later stage may depend on them
        if number < first:
            continue
        if len(samples[0]) == 0:  # type: ignore[arg-type]
            raise RunError(
                f"the training subjects give no samples for the stage {stage.name!r}: they have no labelled expressions"
            )
        kept = _Kept(method, after_epoch, file, continued, start)
        with (
            _quiet(),
            contextlib.nullcontext() if folder is None else contextlib.chdir(folder),
            _chosen_optimizer(method.trained(), optimizer),
        ):
            _train(
                method, stage, samples, kept, continued, folder, accelerator=accelerator, precision=precision, **options
            )
    method.stage = ""
    method.eval()
    method.fit_closed_form(train, valid)


def _read_state(file: Path | None) -> dict[str, Any]:
    """The state that a killed training left; empty if there is none."""
    if file is None or not file.is_file():
        return {}
    state: dict[str, Any] = torch.load(file, weights_only=True, mmap=True)
    return state


def _restore_or_record_start(method: Method, number: int, state: Mapping[str, Any], is_kept: bool) -> dict[str, Any]:
    """Bring a continued stage back to its start; record that of a new one.

    The start is the weights and random states before the samples of the stage are made, which may depend on both. The
    first stage records no weights: they follow from the seed.

    Args:
        method: the method in training.
        number: number of the stage, from 0.
        state: the state from which the stage continues; empty for one that begins.
        is_kept: whether the state of this training is kept.

    Returns:
        `weights` and `random`; empty if no state is kept.
    """
    if state:
        start: dict[str, Any] = state["start"]
        _set_rng_states(start["random"])
        if start["weights"]:
            method.trained().load_state_dict(start["weights"])
        return start
    if not is_kept:
        return {}
    weights = _copied(method.trained()) if number > 0 else {}
    return {"weights": weights, "random": _random_states()}


def _train(
    method: Method,
    stage: Stage,
    samples: tuple[Any, Any],
    kept: _Kept,
    state: Mapping[str, Any],
    folder: Path | None,
    **options: Any,
) -> None:
    """Train one stage with Lightning, from its beginning or from a kept state.

    Args:
        method: the method in training.
        stage: the stage.
        samples: the training samples, and those to validate on or None.
        kept: the callback that keeps weights and states.
        state: the state that a killed training left; empty if there is none.
        folder: folder for the files of callbacks and loggers, or None.
        options: options of Lightning's Trainer, callbacks and loggers as maps of `class_path` and `init_args`.

    Raises:
        ConfigError: see `fit`.
    """
    train, valid = samples
    trained = method.trained()
    noted = _Noted(method)
    user_callbacks = _user_callbacks(options, stage, folder)
    metrics = monitored_metrics(trained, user_callbacks)
    callbacks: list[L.Callback] = [] if valid is None else [Watch(method)]
    if trained is not method:
        callbacks.append(_noting_losses(method))
    elif options.keys() - {"accelerator", "precision"} or trained.configure_callbacks() or metrics:
        callbacks.append(_logging(noted))
    n_processes = _n_processes(options)
    loggers = options.get("logger")
    user_loggers = list(map(_made, loggers)) if isinstance(loggers, list) else []
    trainer_options = {
        **QUIET,
        "enable_progress_bar": any(isinstance(callback, ProgressBar) for callback in user_callbacks),
        **_options_of_stage(options, stage, folder),
        "logger": [*user_loggers, noted],
        "callbacks": [*callbacks, *user_callbacks, kept],
    }
    trainer = L.Trainer(**trainer_options)
    precision = options["precision"]
    if trainer.precision != precision:  # Lightning takes another, and warns
        raise ConfigError(
            f"precision={precision} is not for this machine: choose precision={trainer.precision}, or a GPU"
        )
    device = trainer.strategy.root_device
    batch_size = max(stage.batch_size // n_processes, 1)
    loaders = [_loader(train, batch_size, device, stage.shuffle)]
    if valid is not None:
        loaders.append(_loader(valid, batch_size, device, shuffle=False, own_generator=True))
    if metrics:
        _refuse_unlogged(method, metrics, loaders, trainer_options)
    checkpoint = _resume(method, kept, state)
    trainer.fit(trained, *loaders, ckpt_path=checkpoint, weights_only=True)
    if kept.weights:
        trained.load_state_dict(kept.weights)
    method.to(device)  # Lightning keeps it in memory, and it predicts on its training device


def _n_processes(options: Mapping[str, Any]) -> int:
    """The number of processes in which one fold is trained."""
    # A fold is small: several devices work on several folds, see mebench.runner.workers.
    devices = options.get("devices", 1)
    return devices if isinstance(devices, int) and devices > 1 else 1


def _options_of_stage(options: Mapping[str, Any], stage: Stage, folder: Path | None) -> dict[str, Any]:
    """The options of Lightning's Trainer for a stage; the user's come last and win.

    Args:
        options: the user's options, callbacks and loggers as maps of `class_path` and `init_args`.
        stage: the stage.
        folder: folder for the files of callbacks and loggers, or None.
    """
    user_options = {}
    for name, value in options.items():
        names_class = name in _SINGLE and isinstance(value, Mapping)
        user_options[name] = _made(value) if names_class else value
    return {
        "max_epochs": stage.epochs,
        "devices": options.get("devices", 1),
        "strategy": "ddp_fork" if _n_processes(options) > 1 else "auto",
        # One thread of a CPU is deterministic already; the call would import PyTorch's compiler.
        "deterministic": "warn" if options["accelerator"] != "cpu" else None,
        # This process works alone: a fold inside a Slurm job must not wait for other processes.
        "plugins": [LightningEnvironment()],
        "default_root_dir": folder,
        "profiler": _Unprofiled(),
        **user_options,
    }


def _user_callbacks(options: Mapping[str, Any], stage: Stage, folder: Path | None) -> list[L.Callback]:
    """The user's callbacks; a checkpoint without a folder of its own writes below that of the training."""
    callbacks = list(map(_made, options.get("callbacks", ())))
    for callback in callbacks:
        if folder is not None and isinstance(callback, ModelCheckpoint) and callback.dirpath is None:
            callback.dirpath = str(folder / stage.name / "checkpoints")  # also of a training that continues
    return callbacks


def _resume(method: Method, kept: _Kept, state: Mapping[str, Any]) -> Path | None:
    """Give a method the history of a killed training; the file with its checkpoint, or None where nothing continues."""
    if kept.random is None or kept.file is None:
        return None
    method.history = History.from_state(state["history"])
    method.notes = state["notes"]
    checkpoint = kept.file.with_suffix(".ckpt")
    torch.save(state["checkpoint"], checkpoint)
    return checkpoint


def monitored_metrics(trained: L.LightningModule, callbacks: Sequence[L.Callback] = ()) -> dict[str, str]:
    """The metrics by which callbacks and schedulers select, each with such a class.

    Args:
        trained: the module, with its own callbacks.
        callbacks: further ones.
    """
    own = trained.configure_callbacks()
    several = [*callbacks, *(own if isinstance(own, Sequence) else [own])]
    metrics = {entry.monitor: type(entry).__name__ for entry in several if getattr(entry, "monitor", None)}
    if type(trained).configure_optimizers is not L.LightningModule.configure_optimizers:
        # A method may ask its Trainer, which is not there yet.
        with contextlib.suppress(Exception), _optimizers_without_compiler():
            _, schedulers, by = _configure_optimizers(trained.configure_optimizers())
            for entry in schedulers:
                config = entry if isinstance(entry, dict) else {"scheduler": entry}
                if metric := config.get("monitor", by):
                    metrics[metric] = type(config["scheduler"]).__name__
    return metrics


@contextlib.contextmanager
def _optimizers_without_compiler() -> Iterator[None]:
    """A context in which a new optimizer does not import PyTorch's compiler (one second).

    Optimizers do so to keep this method out of compiled code; those made here are thrown away.
    """
    add_param_group = torch.optim.Optimizer.add_param_group
    torch.optim.Optimizer.add_param_group = inspect.unwrap(add_param_group)  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.optim.Optimizer.add_param_group = add_param_group  # type: ignore[method-assign]


def _made(spec: Any) -> Any:
    """A fresh object: of a class and its arguments, a copy, or made by a function."""
    if "object" not in spec:
        return resolve_name(spec["class_path"])(**spec["init_args"])
    given = spec["object"]()
    return given if isinstance(given, _OBJECTS) else given()


@contextlib.contextmanager
def _chosen_optimizer(trained: L.LightningModule, spec: Mapping[str, Any] | None) -> Iterator[None]:
    """A context in which a module has the user's optimizer instead of its own."""
    if spec is None:
        yield
        return
    make = spec["object"]()
    # A method, so that a copy of the module optimizes its own parameters.
    trained.configure_optimizers = MethodType(lambda module: make(module.parameters()), trained)
    try:
        yield
    finally:
        del trained.configure_optimizers


def _refuse_unlogged(
    method: Method, class_by_metric: Mapping[str, str], loaders: Sequence[Any], trainer_options: Mapping[str, Any]
) -> None:
    """Refuse to select by a metric that is never logged.

    One batch of each loader is tried on a copy of the method.

    A user's own callbacks are not tried and may log it, so with one nothing is refused.

    Args:
        method: before its training.
        class_by_metric: class of the callback or scheduler that selects by a metric.
        loaders: loader of training, and of validation if there is one.
        trainer_options: arguments of Lightning's Trainer.

    Raises:
        ConfigError: a metric is not logged.
    """
    modules = [type(callback).__module__ for callback in trainer_options["callbacks"]]
    if not all(module.startswith(("lightning.", "mebench.")) for module in modules):
        return
    has_validation = len(loaders) > 1
    copied = copy.deepcopy(method)
    logger = _Noted(copied)
    watch = [Watch(copied)] if has_validation else []
    with isolate_rng():
        options = {
            **trainer_options,
            **{name: copy.deepcopy(trainer_options[name]) for name in _SINGLE},
            **QUIET,
            "fast_dev_run": True,
            "logger": logger,
            "callbacks": [*watch, _logging(logger)],
        }
        trainer = L.Trainer(**options)
        trainer.fit(copied.trained(), *loaders)
    for metric, chooser in class_by_metric.items():
        if metric not in trainer.callback_metrics:
            hint = "" if has_validation else ", and no subjects are held out for validation"
            raise ConfigError(
                f"{chooser} chooses by {metric!r}, which the stage {method.stage!r} never logs{hint}. Logged are: "
                f"{', '.join(sorted(trainer.callback_metrics)) or 'no metrics'}"
            )


def _loader(samples: Any, batch_size: int, device: torch.device, shuffle: bool, own_generator: bool = False) -> Any:
    """Batches of samples; `own_generator` draws nothing from torch's own generator, as every pass of a loader does
    otherwise.
    """
    pinned = device.type == "cuda"
    given = samples
    if pinned:
        samples = on_device(samples, device, torch.cuda.mem_get_info(device)[0])
    # Worker processes would cost more than a batch of small arrays: samples come whole from memory.
    return DataLoader(
        samples,
        batch_size,
        shuffle,
        num_workers=0,
        pin_memory=pinned and samples is given,
        collate_fn=None if isinstance(samples, ViewSamples) else lambda batch: batch,
        generator=Generator() if own_generator else None,
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence Lightning's advice (devices found, workers of loaders): it is for interactive training.

    Also flush numbers below 1e-38 to 0 where the processor can: weight penalties bring unused weights there, which
    slows a convolution many times (MEAN's 17 times).
    """
    names = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    with warnings.catch_warnings(), contextlib.ExitStack() as restored:
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        for logger in map(logging.getLogger, names):
            restored.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.ERROR)
        restored.callback(torch.set_flush_denormal, False)
        torch.set_flush_denormal(True)
        yield
