"""The configuration of a run as typed, frozen data.

A new setting is a field in one of the groups: `_setting` takes its default, an example and what its value must be, and
the docstring of the group says what it means. Words, files, refusals and `mebench info` read the field. `python
docs/setting_tables.py` writes the settings' page, and `python -m tests.config.golden_runs` the configurations that
tests expect, where only the new key may differ.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from mebench.config.registry import PluginInfo, find_plugin, params_class
from mebench.config.sources import flatten_keys
from mebench.config.trainer import PREFIX, shaping_option
from mebench.config.typed_values import PLACES_OF_DATASETS
from mebench.core.options import FilmParams, SpottingParams
from mebench.errors import ConfigError, PluginError, refuse_if
from mebench.features.degradation import Degradation
from mebench.lazy_imports import lazy_imports

with lazy_imports():
    from mebench.metrics import conventions

PROTOCOL = "loso"
"""The default protocol of a run."""


EXAMPLE, RANGE = "example", "range"
"""Keys of a field's metadata: a use of it, and what its value must be."""
T = TypeVar("T")


class _Range(NamedTuple):
    """What the value of a setting must be.

    Attributes:
        must: words behind *must*.
        holds: whether a value is so.
    """

    must: str
    holds: Callable[[Any], bool]


def _setting(default: T, example: str, must: str = "", holds: Callable[[T], bool] | None = None) -> T:
    """A field of a group of settings.

    Args:
        default: default value.
        example: use of it, as a word of `mebench run`; `plugins` stands in files, the command line has `--plugins`.
        must: words behind *must* in the sentence that refuses another value.
        holds: whether a value is so; None for what its type says already.
    """
    checked = {} if holds is None else {RANGE: _Range(must, holds)}
    made: T = field(default=default, metadata={EXAMPLE: example, **checked})
    return made


def _fault_of(setting: Field[Any], value: Any) -> tuple[bool, str]:
    """Whether a value is out of its range, and the sentence on it."""
    allowed = setting.metadata.get(RANGE)
    if allowed is None:
        return False, ""
    shown = list(value) if isinstance(value, tuple) else value
    return not allowed.holds(value), f"{setting.name} must {allowed.must}, not {shown}"


def _is_positive(value: float | None) -> bool:
    """Whether a number is above 0 and finite; so is none at all."""
    return value is None or 0 < value < float("inf")


@dataclass(frozen=True, kw_only=True)
class WhatSettings:
    """What a run asks, besides its plugins.

    Attributes:
        protocol: how subjects are split into folds.
        scheme: emotion scheme of the dataset, or one action unit (`AU12`); null takes the dataset's first.
        kinds: kinds of expressions to spot; null takes `micro`, or the one kind that method and dataset share.
        degrade: degradation of the tested videos, `KIND:STRENGTH`, see `mebench.features.degradation`: the finished clean run
            gives the models, nothing is trained, and a video without a face is skipped.
    """

    protocol: str = _setting(PROTOCOL, "protocol=kfold protocol.folds=5")
    scheme: str | None = _setting(None, "scheme=five")
    kinds: tuple[Literal["micro", "macro"], ...] | None = _setting(
        None,
        "kinds=[micro,macro]",
        must="name micro, macro or both, each once",
        holds=lambda kinds: kinds is None or 0 < len(kinds) == len(set(kinds)),
    )
    degrade: str = _setting("none", "degrade=blur:2")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How the methods of a run are trained.

    Attributes:
        seed: seed of training and bootstrap; `dataset.seed` is that of drawn data.
        accelerator: Lightning's accelerator: the processor (`cpu`), a GPU (`gpu`, `cuda`, Apple's `mps`), or the best that
            there is (`auto`).
        precision: precision of Lightning's training: `32-true`, or 16 bits where they suffice (`16-mixed` on GPUs,
            `bf16-mixed`); weights stay in 32 bits, and so does prediction.
        no_face: treatment of a video without a face: stop with an `error`, or `skip` it: it is left out of training,
            and its expressions count as missed.
        validation: share of each fold's training people who validate: rounded, at least one even for 0, never all, drawn
            anew in each fold. A method that selects something selects on them and does not train on them; any other
            method trains on them, too. `mebench runs show RUN -v` says which: selection `inner` or `fixed`.
        audit: `guard`: everything is fitted and selected on training and inner validation subjects only; `leak`: the
            epoch is selected on the tested subjects (ties: the first one), as in some papers, which marks every
            result; a spotter trained in one stage also selects the threshold of its confidences, other spotters take k'
            over all subjects. `leak_last`: ties: the last epoch (HTNet); `leak_stop`: no epoch after the first
            without mistakes (CausalNet).
        adaptation: adaptation of features between the training databases and an unlabelled tested one, see
            `mebench.training.adaptation`; it marks every result as transductive.
        tuned_on: the people on whose scores the settings were chosen, as written by `mebench tune --write`; a run that
            tests one of them is marked as selected on tested people.
    """

    seed: int = _setting(0, "seed=1", must="be in [0, 2**32)", holds=lambda seed: 0 <= seed < 2**32)
    accelerator: Literal["cpu", "gpu", "cuda", "mps", "auto"] = _setting("cpu", "accelerator=gpu")
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = _setting("32-true", "precision=bf16-mixed")
    no_face: Literal["error", "skip"] = _setting("error", "no_face=skip")
    validation: float = _setting(0.2, "validation=0.1", must="be a share in [0, 1)", holds=lambda share: 0 <= share < 1)
    audit: Literal["guard", "leak", "leak_last", "leak_stop"] = _setting("guard", "audit=leak")
    adaptation: Literal["none", "scale", "coral", "subspace", "gfk", "tca", "tsrg", "drfs_t", "drls"] = _setting(
        "none", "adaptation=coral"
    )
    tuned_on: tuple[str, ...] = _setting((), "tuned_on=[casme2/01,casme2/02]")


@dataclass(frozen=True, kw_only=True)
class ScoringSettings:
    """How predictions are watched and scored. None of it changes a prediction; a record of the run shows it.

    Attributes:
        bootstrap: number of draws for a confidence interval; 0 for none.
        convention: rules of scoring: `strict`, or a preset under which numbers were published.
        looks: whether the predictions for the tested subjects after each epoch are kept, to measure later what
            selecting among them gains; nothing is selected by them.
        sandbox: whether a method is kept from files, other processes and the network: `auto`, as far as this system
            can; `on`, or the run is refused; `off`.
        pretrained: data on which loaded weights were trained, by ids of datasets or other names (`imagenet`), or `none` if they were not
            trained; by default what the method's `config.yaml` declares, else unknown.
    """

    bootstrap: int = _setting(1000, "bootstrap=10000", must="be 0 or more draws", holds=lambda draws: draws >= 0)
    convention: str = _setting("strict", "convention=mean2022")
    looks: bool = _setting(False, "looks=true")
    sandbox: Literal["auto", "on", "off"] = _setting("auto", "sandbox=on")
    pretrained: tuple[str, ...] = _setting((), "pretrained=[imagenet]")


def _default_cache() -> str:
    return str(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mebench")


@dataclass(frozen=True, kw_only=True)
class PlaceSettings:
    """Where a run works and how fast. None of it affects results, or leaves a trace in a record.

    Attributes:
        workers: number of worker processes; null takes all cores that it may use (affinity, quota of a container).
            Predictions do not depend on it.
        executor: home of the workers: processes of this machine (`local`), or those of a Dask scheduler (`dask`).
        executor_address: address of Dask's scheduler, such as `tcp://host:8786`, or its file, such as `/shared/scheduler.json`;
            in Python `executor_address`.
        fold_timeout: seconds after which a fold counts as hung: it is tried once more, alone, then marked as failed;
            null sets no limit.
        runs: folder of the run folders.
        cache: folder of computed features.
        keep: further content of `cache` besides face crops and features: `none`, or the `flow` that features were
            computed from, so that later commands compute other features from it.
        keep_models: folds whose weights the run keeps: `all`, `none`, or the `first` alone. A leaderboard needs none; to
            predict with a run, to degrade its films or to change its spotting without training, all are needed.
        tracking: target of finished runs: an MLflow address, or the name of a tracker; null is MLflow in the working
            folder, `off` none.
        tracking_folds: whether each fold is tracked, too, as a nested run; in Python `tracking_folds`.
        tracking_models: whether the weights of each fold are sent; in Python `tracking_models`.
        tracking_figures: whether figures are sent, which take a second or two to draw; in Python `tracking_figures`.
        devices: number of GPUs that the workers of this machine share, one for each fold; null takes all.
        plugins: folders with more plugins.
    """

    workers: int | None = _setting(None, "workers=4", must="be 1 or more, or null for all cores", holds=_is_positive)
    executor: Literal["local", "dask"] = _setting("local", "executor=dask")
    executor_address: str | None = _setting(None, "executor.address=tcp://host:8786")
    fold_timeout: float | None = _setting(
        None, "fold_timeout=3600", must="be a number of seconds above 0, or null", holds=_is_positive
    )
    runs: str = _setting("runs", "runs=/data/runs")
    cache: str = field(default_factory=_default_cache, metadata={EXAMPLE: "cache=/scratch/mebench"})
    keep: Literal["none", "flow"] = _setting("none", "keep=flow")
    keep_models: Literal["all", "none", "first"] = _setting("all", "keep_models=none")
    tracking: str | bool | None = _setting(None, "tracking=off")
    tracking_folds: bool = _setting(True, "tracking.folds=false")
    tracking_models: bool = _setting(False, "tracking.models=true")
    tracking_figures: bool = _setting(False, "tracking.figures=true")
    devices: int | None = _setting(None, "devices=2", must="be 1 or more GPUs, or null for all", holds=_is_positive)
    plugins: tuple[str, ...] = _setting((), "plugins=[plugins]")


@dataclass(frozen=True, kw_only=True)
class RunSettings(PlaceSettings, ScoringSettings, TrainingSettings, WhatSettings):
    """The keys of a run that belong to no plugin, in four groups: what, training, scoring, folders."""

    @property
    def what(self) -> WhatSettings:
        """The settings of what is run, alone."""
        return _group_of(self, WhatSettings)

    @property
    def training(self) -> TrainingSettings:
        """The settings of training, alone."""
        return _group_of(self, TrainingSettings)

    @property
    def scoring(self) -> ScoringSettings:
        """The settings of scoring, alone."""
        return _group_of(self, ScoringSettings)

    @property
    def places(self) -> PlaceSettings:
        """The settings of folders and speed, alone."""
        return _group_of(self, PlaceSettings)

    def __post_init__(self) -> None:
        """Check each setting, and those that go together."""
        conventions.find_convention(self.convention)
        is_degraded = self.degrade != "none"
        if is_degraded:
            Degradation.from_text(self.degrade)  # refuses a wrong word
        cpu = self.accelerator == "cpu"
        refuse_if(
            *(_fault_of(setting, getattr(self, setting.name)) for setting in fields(RunSettings)),
            (
                self.executor == "dask" and not self.executor_address,
                "executor=dask needs the scheduler's address: add executor.address=tcp://HOST:8786",
            ),
        )
        if self.executor == "local" and self.executor_address:
            sentence = (
                f"executor.address={self.executor_address} is the address of a Dask scheduler: add "
                "executor=dask, or leave it out"
            )
            raise ConfigError(sentence, settings=["executor_address"])
        refuse_if(
            (
                cpu and self.devices not in (None, 1),
                (
                    f"devices={self.devices} counts GPUs, but accelerator=cpu uses none: add accelerator=gpu, or "
                    f"give workers={self.devices}"
                ),
            ),
            (
                cpu and self.precision == "16-mixed",
                "precision=16-mixed needs a GPU: add accelerator=gpu, or choose precision=bf16-mixed",
            ),
            (
                is_degraded and (self.audit, self.adaptation) != ("guard", "none"),
                f"degrade={self.degrade} takes the models of an honest run: leave audit and adaptation out",
            ),
        )


class ChosenMethod(NamedTuple):
    """A method of a run.

    Attributes:
        id: id of the plugin.
        params: its `Params`.
    """

    id: str
    params: Any


@dataclass(frozen=True, kw_only=True)
class RunConfig(RunSettings):
    """The configuration of a run. It is sent between processes as `values`, which `from_plain` reads.

    Attributes:
        method: id of the method.
        method_params: its `Params`.
        recognizer: id of the method that classifies the intervals of `method`, or None: `method` does all of its tasks.
        recognizer_params: its `Params`, or None.
        dataset: id of the dataset; the names of a composite's members are joined by `+`.
        dataset_params: the `Params` of each member by its word (`casme2`, or `slow:synthetic`); one of a plain dataset.
        protocol_params: the parameters of the protocol.
        trainer: options of Lightning's Trainer that are not its defaults, as plain data, see `mebench.config.trainer`.
        values: all settings as plain data, for `from_plain` or, as a YAML file, for `-c`.
        origins: where each value comes from, by dotted key.
    """

    method: str
    method_params: Any
    recognizer: str | None
    recognizer_params: Any
    dataset: str
    dataset_params: Mapping[str, Any]
    protocol_params: Any
    trainer: Mapping[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(compare=False, repr=False)
    origins: dict[str, str] = field(compare=False, repr=False)

    @property
    def methods(self) -> tuple[ChosenMethod, ...]:
        """The method, and the recognizer, if any."""
        method = ChosenMethod(self.method, self.method_params)
        if self.recognizer is None:
            return (method,)
        return method, ChosenMethod(self.recognizer, self.recognizer_params)


Group = TypeVar("Group", WhatSettings, TrainingSettings, ScoringSettings, PlaceSettings)


def _group_of(settings: RunSettings, group: type[Group]) -> Group:
    return group(**{f.name: getattr(settings, f.name) for f in fields(group)})


def _names(group: type) -> frozenset[str]:
    return frozenset(f.name for f in fields(group))


PLACES = _names(PlaceSettings) | {f"dataset.{name}" for name in PLACES_OF_DATASETS}
"""Keys for folders and speed, which never affect results and leave no trace in a record."""
PRESETS = frozenset({"method.preset", "recognizer.preset", "dataset.preset"})
NOT_IN_KEY = PLACES | _names(ScoringSettings) | PRESETS
"""Keys that do not change predictions: folders, settings of scoring, and a preset's name (its values count)."""
_STORED_FIRST = (
    "protocol", "seed", "workers", "executor", "executor_address", "fold_timeout", "scheme", "kinds", "runs", "cache", "keep",
    "keep_models", "tracking", "tracking_folds", "tracking_models", "tracking_figures", "bootstrap", "convention", "accelerator", "devices",
    "precision", "no_face", "validation", "audit", "adaptation", "degrade", "looks", "tuned_on", "sandbox",
    "pretrained", "plugins",
)  # fmt: skip
"""The keys that configurations hold since version 0.2, in their order there; later ones follow."""
STORED_ORDER = (*_STORED_FIRST, *(f.name for f in fields(RunSettings) if f.name not in _STORED_FIRST))
"""The keys of `RunSettings` in the order in which a configuration is stored and shown."""


def shapes_predictions(key: str, values: Mapping[str, Any] | None = None) -> bool:
    """Whether a setting shapes predictions. One of a composite's member (`dataset.casme2.root`) does as for a plain dataset.

    Args:
        key: flat key of the setting.
        values: its flat configuration, as for `is_place`.

    >>> shapes_predictions("seed"), shapes_predictions("dataset.root"), shapes_predictions("dataset.casme2.root")
    (True, False, False)
    """
    if key.startswith(PREFIX):
        return shaping_part(key, (values or {}).get(key, ())) is not None
    return _of_any_member(key) not in NOT_IN_KEY and not is_place(key, values)


def shaping_part(key: str, value: Any) -> Any:
    """The part of a setting's value that shapes predictions: all of it, except callbacks that only watch.

    The setting is one of those that `shapes_predictions` selects, or an option of the trainer.
    """
    if not key.startswith(PREFIX):
        return value
    return shaping_option(key.removeprefix(PREFIX), value)


def is_place(key: str, values: Mapping[str, Any] | None = None) -> bool:
    """Whether a key names a folder or file, also of a composite's member.

    So does a method's landmark file, whose content is hashed separately.

    Args:
        key: flat.
        values: its flat configuration: a method's `landmarks` is a file only if its `Params` inherit it from
            `FaceParams`.

    >>> is_place("cache"), is_place("dataset.casme2.root"), is_place("method.cache")
    (True, True, False)
    """
    part, _, name = key.partition(".")
    if part not in ("method", "recognizer") or name != "landmarks":
        return _of_any_member(key) in PLACES
    try:
        params = params_class(find_plugin("method", str((values or {}).get(part))))
    except PluginError:  # of a method that is not here: most crop faces
        return True
    return any(f.name == name and f.metadata.get("place") for f in fields(params))


def _of_any_member(key: str) -> str:
    """A key without the member of a composite: `dataset.root` of `dataset.casme2.root`."""
    head, _, rest = key.partition(".")
    if not rest:
        return key
    _, _, name = rest.rpartition(".")
    return f"{head}.{name}"


def plugins_of(config: RunConfig) -> list[PluginInfo]:
    """The plugins of the run: the method and its recognizer, then the dataset or its members."""
    return [
        *(find_plugin("method", id_) for id_ in (config.method, config.recognizer) if id_ is not None),
        *(find_plugin("dataset", id_) for id_ in config.dataset_params),
    ]


def shaping_settings(config: RunConfig) -> dict[str, Any]:
    """The settings that shape what a run predicts, flat; see `shapes_predictions`."""
    return shaping_values(flatten_keys(config.values))


_LATER = [o for o in (*fields(FilmParams), *fields(SpottingParams)) if o.name in ("light", "still", "baseline")]
OFF_UNLESS_SET: Mapping[str, Any] = {
    f"{part}.{option.name}": option.default for part, option in product(("method", "recognizer"), _LATER)
}
"""Settings that came later, with the value at which they do nothing: they are in a run's key only where they are set."""


def shaping_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that shape predictions, with only the callbacks of the trainer that do.

    >>> shaping_values({"method": "mean", "method.baseline": None, "seed": 1})
    {'method': 'mean', 'seed': 1}
    """
    shaping = {}
    for key, value in sorted(values.items()):
        is_off = (key, value) in OFF_UNLESS_SET.items()
        if shapes_predictions(key, values) and not is_off:
            shaping[key] = shaping_part(key, value)
    return shaping
