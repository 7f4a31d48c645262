"""The choices of a run, or why they cannot work: dataset, tasks, scheme, kinds, and the needs of every fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from mebench import core, training
from mebench.annotations.schemes import all_units, one_unit, unit_number
from mebench.config import RunConfig, registry, trainer
from mebench.config.sections import member_name
from mebench.core import KINDS, Dataset, Kind, Scheme, Task, Video
from mebench.core.dataset import Composite, Renamed
from mebench.errors import ConfigError, DataError, check_known, refused_by_plugin
from mebench.features.degradation import Degradation
from mebench.features.degraded_dataset import DegradedDataset
from mebench.lazy_imports import load_lazily
from mebench.protocols import Protocol

if TYPE_CHECKING:
    import torch
else:
    torch = load_lazily("torch")


def open_dataset(config: RunConfig) -> Dataset:
    """The dataset, or a composite of its members."""
    members: dict[str, Dataset] = {}
    for word, params in config.dataset_params.items():
        member: Dataset = registry.load("dataset", word)(params)
        if config.degrade != "none" and (how := Degradation.of(config.degrade)).strength:
            member = DegradedDataset(member, how)
        members[member_name(word)] = Renamed(member, member_name(word)) if ":" in word else member
    return next(iter(members.values())) if len(members) == 1 else Composite(members)


def home_of_video(dataset: Dataset, id_: str, video: Video) -> tuple[Dataset, str]:
    """The dataset that a video is read from, and its id: of a composite the member.

    Args:
        dataset: of the run.
        id_: its id.
        video: one of its videos.
    """
    return dataset.home(video) if isinstance(dataset, Composite) else (dataset, id_)


class Ability(NamedTuple):
    """The abilities of a method, for plans that do not import it.

    Attributes:
        tasks: the tasks it can do.
        kinds: the kinds it spots.
        selects: whether it selects something on inner validation subjects under its present parameters.
        several: whether it can name several classes of a clip.
    """

    tasks: frozenset[str]
    kinds: tuple[str, ...]
    selects: bool
    several: bool = True


def abilities(config: RunConfig) -> tuple[Ability, ...]:
    """Abilities of the run's method, and of its recognizer, if any. Imports PyTorch."""
    methods = []
    for id_, params in ((config.method, config.method_params), (config.recognizer, config.recognizer_params)):
        if id_ is not None:
            method: type[core.Method] = registry.load("method", id_)
            selects = method.holds_out(params) or trainer.selects(config.trainer)
            if not selects and method.stages is not core.Method.stages:  # its own callbacks or schedulers may
                about = f"{method.__name__} cannot be asked for its callbacks"
                with refused_by_plugin(about), torch.device("meta"):
                    made = method(params, Task(method.tasks, classes=("first", "second"))).trained()
                    selects = bool(training.monitored(made))
            methods.append(Ability(frozenset(method.tasks), tuple(method.kinds), bool(selects), method.several))
    return tuple(methods)


def choose_tasks(config: RunConfig, methods: Sequence[Ability], dataset: Dataset, protocol: Protocol) -> frozenset[str]:
    """The tasks of the run: those that the methods can do, the dataset serves and the protocol asks for.

    Raises:
        ConfigError: nothing.
    """
    can = methods[0].tasks
    if config.recognizer is not None:
        for id_, method, task, verb in (
            (config.method, methods[0], "spot", "spots"),
            (config.recognizer, methods[1], "recognize", "recognizes"),
        ):
            if task not in method.tasks:
                raise ConfigError(
                    f"method={config.method} recognizer={config.recognizer} needs a method that spots and one that recognizes, "
                    f"but {id_!r} can only {_list(method.tasks)}: choose another that {verb}. See them with: mebench list methods"
                )
        can = frozenset({"spot", "recognize"})
        for task, verb, word, instead in (  # one of the two would work for nothing
            ("spot", "spots", f"method={config.method}", f"write method={config.recognizer} alone"),
            ("recognize", "names emotions", f"recognizer={config.recognizer}", "leave it out"),
        ):
            if task not in protocol.tasks:
                raise ConfigError(
                    f"no person {verb} under protocol {protocol.name!r}, so {word} has no effect: {instead}, "
                    "or choose protocol=loso"
                )
    if not can & protocol.tasks:
        raise ConfigError(
            f"protocol {protocol.name!r} needs {_verbs(protocol.tasks)}, but method {config.method!r} can only {_list(can)}: choose "
            "another method (mebench list methods), or protocol=loso"
        )
    tasks = can & dataset.tasks & protocol.tasks
    if not tasks or (config.recognizer is not None and tasks != can & protocol.tasks):
        raise ConfigError(
            f"method {config.method!r} can {_list(can)}, but dataset {config.dataset!r} serves only {_list(dataset.tasks)}: choose "
            f"{_verbs(dataset.tasks & protocol.tasks)} (mebench list methods), or another dataset (mebench list datasets)"
        )
    return tasks


def measured(dataset: Dataset, videos: Iterable[Video]) -> tuple[Video, ...]:
    """The videos with their numbers of frames; spotting needs these and the frame rates.

    Raises:
        DataError: a frame rate is unknown, or frames are missing; the sentence names the first such video.
    """
    known, missing = list[Video](), list[DataError]()
    for video in videos:
        if not video.fps:
            raise DataError(
                f"the frame rate of {video.key} is unknown, and spotting needs it: give it in the dataset's annotations"
            )
        try:
            known.append(video if video.n_frames is not None else replace(video, n_frames=len(dataset.frames(video))))
        except DataError as error:
            missing.append(error)
    if missing:
        of = (
            f"{len(missing)} of {len(known) + len(missing)} videos have no frames, and mebench data verify lists them. "
        )
        raise DataError(f"{of if len(missing) > 1 else ''}{missing[0]}")
    return tuple(known)


def choose_scheme(dataset: Dataset, videos: Iterable[Video], config: RunConfig, protocol: Protocol) -> Scheme:
    """The emotion scheme: the user's, the protocol's, or the dataset's first; `AU12` is one where a dataset annotates
    action units.

    Raises:
        ConfigError: the dataset has none of that name, annotates no such unit, or the protocol scores another one.
    """
    schemes: Mapping[str, Scheme] = dataset.schemes
    if callable(protocol.scheme):
        only = protocol.scheme(dataset)
        if config.scheme is not None:
            raise ConfigError(
                f"protocol {protocol.name} scores its own classes ({', '.join(only.classes)}), not "
                f"scheme={config.scheme}: leave the scheme out, or choose protocol=loso"
            )
        return only
    name = config.scheme or protocol.scheme
    if protocol.schemes and name not in protocol.schemes:
        every = ",".join(protocol.schemes)
        raise ConfigError(
            f"protocol {protocol.name} scores {'no scheme=' + name if name else 'a scheme that must be named'}: give one of "
            f"{', '.join(protocol.schemes)}, or all of them in turn with: mebench run -m protocol={protocol.name} scheme={every}"
        )
    if name is None:
        return next(iter(schemes.values()))
    if name not in schemes and (number := unit_number(name)) is not None:
        return one_unit(number, videos)
    if name == "AUs" and name not in schemes:
        return all_units(videos, [number for one in protocol.schemes if (number := unit_number(one)) is not None])
    hint = (
        f"Protocol {protocol.name} scores {name!r}: choose the datasets that it is defined on"
        if config.scheme is None
        else f"Choose one of dataset {config.dataset!r} with scheme=NAME, an action unit, scheme=AU12, or all of them, scheme=AUs"
    )
    check_known("emotion scheme", name, schemes, hint)
    return schemes[name]


def choose_kinds(
    config: RunConfig,
    method: Ability,
    dataset: Dataset,
    videos: Sequence[Video],
    tasks: frozenset[str],
    protocol: Protocol,
) -> tuple[Kind, ...]:
    """The kinds to spot: the requested ones; else the first that method and dataset share, or all of them under some
    protocols.

    Raises:
        ConfigError: method or dataset lacks a kind, or no video has one.
    """
    if "spot" not in tasks:
        return ("micro",)
    shared = [k for k in KINDS if k in method.kinds and k in dataset.kinds]
    if not shared:
        raise ConfigError(
            f"method {config.method!r} spots {' and '.join(method.kinds)}-expressions, but dataset {config.dataset!r} annotates only "
            f"{' and '.join(dataset.kinds)}-expressions. See what fits with: mebench list"
        )
    kinds = config.kinds if config.kinds is not None else shared if protocol.every_kind else shared[:1]
    for kind in kinds:
        check_known("kind", kind, shared, f"Kinds that {config.method!r} spots and {config.dataset!r} annotates")
    annotated = {e.kind for v in videos for e in v.expressions}
    if lost := () if annotated else dataset.unplaced():
        example = f"row {lost[0].row} of {lost[0].subject}/{lost[0].video}: {lost[0].reason}"
        raise DataError(
            f"none of the {len(lost)} expressions of dataset {config.dataset!r} is inside its frames, such as "
            f"{example}. Find the faults of this copy with mebench data verify dataset={config.dataset} …"
        )
    if not annotated:
        raise ConfigError(
            f"the videos of dataset {config.dataset!r} have no annotations, so no method can be trained or scored "
            f"on them: predict them with a finished run, mebench predict RUN dataset={config.dataset} …"
        )
    if bare := sorted({v.dataset for v in videos} - {v.dataset for v in videos if v.expressions}):
        raise ConfigError(
            f"the videos of {' and '.join(bare)} have no annotations, so nothing spotted there is right or wrong: "
            f"leave {'it' if len(bare) == 1 else 'them'} out of dataset={config.dataset!r}"
        )
    for kind in kinds:
        if kind not in annotated:
            raise ConfigError(f"dataset {config.dataset!r} has no annotated {kind}-expression to spot: choose kinds=…")
    return tuple(k for k in KINDS if k in kinds)


def scored(videos: Sequence[Video], scheme: Scheme, protocol: Protocol) -> tuple[Video, ...]:
    """The videos with a micro-expression that the scheme scores.

    Raises:
        DataError: there is none.
    """
    kept = tuple(v for v in videos if scheme.scored(v))
    if not kept:
        raise DataError(
            f"protocol {protocol.name} has nothing to score: no micro-expression has a class of {', '.join(scheme.classes)}. "
            "Look at the annotations with: mebench data summary dataset=…"
        )
    return kept


def _list(tasks: frozenset[str]) -> str:
    return " and ".join(sorted(tasks)) or "nothing"


def _verbs(tasks: frozenset[str]) -> str:
    return f"a method that {' or '.join(f'{task}s' for task in sorted(tasks))}" if tasks else "another protocol"
