"""The choices of a run, or why they cannot work: dataset, tasks, scheme, kinds, and the needs of every fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from mebench import training
from mebench.annotations.schemes import all_units, one_unit, unit_number
from mebench.config import registry, trainer
from mebench.config.sections import member_name
from mebench.config.settings import ChosenMethod
from mebench.core import KINDS, Dataset, Kind, Scheme, Task, Video
from mebench.core.dataset import Composite, Renamed
from mebench.errors import ConfigError, DataError, check_known, refused_by_plugin
from mebench.features.degradation import Degradation
from mebench.features.degraded_dataset import DegradedDataset
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.protocols import Protocol

with lazy_imports():
    from mebench.core import method as core_method

if TYPE_CHECKING:
    import torch
else:
    torch = load_lazily("torch")


def open_dataset(dataset_params: Mapping[str, Any], degrade: str = "none") -> Dataset:
    """The dataset, or a composite of its members.

    Args:
        dataset_params: the `Params` of each member by its word, see `RunConfig`.
        degrade: degradation of the frames.
    """
    members: dict[str, Dataset] = {}
    for word, params in dataset_params.items():
        member: Dataset = registry.load_plugin("dataset", word)(params)
        if degrade != "none":
            degradation = Degradation.from_text(degrade)
            if degradation.strength:
                member = DegradedDataset(member, degradation)
        name = member_name(word)
        members[name] = Renamed(member, name) if ":" in word else member
    return next(iter(members.values())) if len(members) == 1 else Composite(members)


def home_of_video(dataset: Dataset, id_: str, video: Video) -> tuple[Dataset, str]:
    """The dataset that a video is read from, and its id: of a composite the member.

    Args:
        dataset: dataset of the run.
        id_: its id.
        video: one of its videos.
    """
    return dataset.find_home(video) if isinstance(dataset, Composite) else (dataset, id_)


class Ability(NamedTuple):
    """The abilities of a method, for plans that do not import it.

    Attributes:
        tasks: the tasks it can do.
        kinds: the kinds it spots.
        selects: true if it selects something on inner validation subjects under its present parameters.
        several: true if it can name several classes of a clip.
    """

    tasks: frozenset[str]
    kinds: tuple[str, ...]
    selects: bool
    several: bool = True


def find_abilities(methods: Sequence[ChosenMethod], trainer_options: Mapping[str, Any]) -> tuple[Ability, ...]:
    """The ability of each method of a run. Imports PyTorch.

    Args:
        methods: the method, and the recognizer, if any.
        trainer_options: options of Lightning's Trainer.
    """
    selects_epoch = trainer.selects_epoch(trainer_options)
    return tuple(_ability_of(method, selects_epoch) for method in methods)


def _ability_of(chosen: ChosenMethod, selects_epoch: bool) -> Ability:
    """The abilities of one method under its parameters."""
    method: type[core_method.Method] = registry.load_plugin("method", chosen.id)
    selects = method.holds_out(chosen.params) or selects_epoch or _monitors(method, chosen.params)
    return Ability(frozenset(method.tasks), tuple(method.kinds), bool(selects), method.several)


class RunNames(NamedTuple):
    """The ids of a run's plugins, for sentences that name them.

    Attributes:
        method: id of the method.
        recognizer: id of the recognizer, or None.
        dataset: id of the dataset, see `RunConfig`.
    """

    method: str
    recognizer: str | None
    dataset: str


def _monitors(method: type[core_method.Method], params: Any) -> bool:
    """Whether a callback or a scheduler of the method's own selects by a metric."""
    if method.stages is core_method.Method.stages:  # it is not trained
        return False
    with refused_by_plugin(f"{method.__name__} cannot be asked for its callbacks"), torch.device("meta"):
        trained = method(params, Task(method.tasks, classes=("first", "second"))).trained()
        return bool(training.monitored_metrics(trained))


def choose_tasks(names: RunNames, methods: Sequence[Ability], dataset: Dataset, protocol: Protocol) -> frozenset[str]:
    """The tasks of the run: those that the methods can do, the dataset serves and the protocol asks for.

    Raises:
        ConfigError: no task is left, or the pair has one that method, dataset or protocol does not serve.
    """
    can = methods[0].tasks
    if names.recognizer is not None:
        _check_pair(names, methods, protocol)
        can = frozenset({"spot", "recognize"})
    if not can & protocol.tasks:
        raise ConfigError(
            f"protocol {protocol.name!r} needs {_verbs(protocol.tasks)}, but method {names.method!r} can only {_list(can)}: choose "
            "another method (mebench list methods), or protocol=loso"
        )
    tasks = can & dataset.tasks & protocol.tasks
    lacks_one_of_pair = names.recognizer is not None and tasks != can & protocol.tasks
    if not tasks or lacks_one_of_pair:
        raise ConfigError(
            f"method {names.method!r} can {_list(can)}, but dataset {names.dataset!r} serves only {_list(dataset.tasks)}: choose "
            f"{_verbs(dataset.tasks & protocol.tasks)} (mebench list methods), or another dataset (mebench list datasets)"
        )
    return tasks


def _check_pair(names: RunNames, methods: Sequence[Ability], protocol: Protocol) -> None:
    """Refuse a pair of which one method has no part to do (ConfigError)."""
    for id_, method, task, verb in (
        (names.method, methods[0], "spot", "spots"),
        (names.recognizer, methods[1], "recognize", "recognizes"),
    ):
        if task not in method.tasks:
            raise ConfigError(
                f"method={names.method} recognizer={names.recognizer} needs a method that spots and one that recognizes, "
                f"but {id_!r} can only {_list(method.tasks)}: choose another that {verb}. See them with: mebench list methods"
            )
    for task, verb, word, instead in (
        ("spot", "spots", f"method={names.method}", f"write method={names.recognizer} alone"),
        ("recognize", "names emotions", f"recognizer={names.recognizer}", "leave it out"),
    ):
        if task not in protocol.tasks:
            raise ConfigError(
                f"no person {verb} under protocol {protocol.name!r}, so {word} has no effect: {instead}, "
                "or choose protocol=loso"
            )


def measure_videos(dataset: Dataset, videos: Iterable[Video]) -> tuple[Video, ...]:
    """The videos with their numbers of frames; spotting needs these and the frame rates.

    Raises:
        DataError: a frame rate is unknown, or frames are missing; the sentence names the first such video.
    """
    measured: list[Video] = []
    missing: list[DataError] = []
    for video in videos:
        if not video.fps:
            raise DataError(
                f"the frame rate of {video.key} is unknown, and spotting needs it: give it in the dataset's annotations"
            )
        if video.n_frames is not None:
            measured.append(video)
            continue
        try:
            measured.append(replace(video, n_frames=len(dataset.frames(video))))
        except DataError as error:
            missing.append(error)
    if missing:
        several = ""
        if len(missing) > 1:
            n_videos = len(measured) + len(missing)
            several = f"{len(missing)} of {n_videos} videos have no frames, and mebench data verify lists them. "
        raise DataError(f"{several}{missing[0]}")
    return tuple(measured)


def choose_scheme(
    dataset: Dataset, dataset_id: str, videos: Iterable[Video], asked: str | None, protocol: Protocol
) -> Scheme:
    """The emotion scheme: the user's, the protocol's, or the dataset's first.

    Of a dataset with annotated action units, `AU12` and the like are schemes too: whether an expression shows that unit.
    `AUs` is the scheme of the units that occur often, or that the protocol names. Some protocols make the scheme from the dataset's labels.

    Args:
        dataset: dataset of the run.
        dataset_id: its id.
        videos: all its videos.
        asked: scheme that the user asks for, or None.
        protocol: protocol of the run.

    Raises:
        ConfigError: the dataset has none of that name, annotates no such unit, or the protocol scores another one.
    """
    if callable(protocol.scheme):
        return _scheme_of_protocol(asked, protocol, protocol.scheme(dataset))
    schemes: Mapping[str, Scheme] = dataset.schemes
    name = asked or protocol.scheme
    if protocol.schemes and name not in protocol.schemes:
        refused = f"no scheme={name}" if name else "a scheme that must be named"
        raise ConfigError(
            f"protocol {protocol.name} scores {refused}: give one of {', '.join(protocol.schemes)}, or all of them in turn with: "
            f"mebench run -m protocol={protocol.name} scheme={','.join(protocol.schemes)}"
        )
    if name is None:
        return next(iter(schemes.values()))
    if name not in schemes:
        of_units = _scheme_of_units(name, videos, protocol)
        if of_units is not None:
            return of_units
    hint = f"Choose one of dataset {dataset_id!r} with scheme=NAME, an action unit, scheme=AU12, or all of them, scheme=AUs"
    if asked is None:
        hint = f"Protocol {protocol.name} scores {name!r}: choose the datasets that it is defined on"
    check_known("emotion scheme", name, schemes, hint)
    return schemes[name]


def _scheme_of_units(name: str, videos: Iterable[Video], protocol: Protocol) -> Scheme | None:
    """The scheme of one action unit, `AU12`, or of several, `AUs`: those of the protocol; None for other names."""
    number = unit_number(name)
    if number is not None:
        return one_unit(number, videos)
    if name != "AUs":
        return None
    of_protocol = [unit_number(scheme) for scheme in protocol.schemes]
    return all_units(videos, [unit for unit in of_protocol if unit is not None])


def _scheme_of_protocol(asked: str | None, protocol: Protocol, scheme: Scheme) -> Scheme:
    """The one scheme of a protocol that scores its own classes.

    Raises:
        ConfigError: the user names another one.
    """
    if asked is not None:
        raise ConfigError(
            f"protocol {protocol.name} scores its own classes ({', '.join(scheme.classes)}), not "
            f"scheme={asked}: leave the scheme out, or choose protocol=loso"
        )
    return scheme


def choose_kinds(
    asked: Sequence[str] | None,
    names: RunNames,
    method: Ability,
    dataset: Dataset,
    videos: Sequence[Video],
    every_kind: bool,
) -> tuple[Kind, ...]:
    """The kinds to spot: the requested ones; else the first that method and dataset share, or all of them under some
    protocols.

    Args:
        asked: kinds that the user asks for, or None.
        names: ids of the plugins.
        method: ability of the method that spots.
        dataset: dataset of the run.
        videos: its videos.
        every_kind: whether the protocol takes all kinds.

    Raises:
        ConfigError: method or dataset lacks a kind, or no video has one.
        DataError: all annotated expressions lie outside the frames.
    """
    shared = [k for k in KINDS if k in method.kinds and k in dataset.kinds]
    if not shared:
        raise ConfigError(
            f"method {names.method!r} spots {' and '.join(method.kinds)}-expressions, but dataset {names.dataset!r} annotates only "
            f"{' and '.join(dataset.kinds)}-expressions. See what fits with: mebench list"
        )
    kinds: Sequence[str] = shared if every_kind else shared[:1]
    if asked is not None:
        kinds = asked
    for kind in kinds:
        check_known("kind", kind, shared, f"Kinds that {names.method!r} spots and {names.dataset!r} annotates")
    _check_annotated(names.dataset, dataset, videos, kinds)
    return tuple(k for k in KINDS if k in kinds)


def _check_annotated(dataset_id: str, dataset: Dataset, videos: Sequence[Video], kinds: Sequence[str]) -> None:
    """Refuse videos without annotations, and kinds that nobody shows.

    Raises:
        ConfigError: there are such.
        DataError: all annotated expressions lie outside the frames.
    """
    annotated = {e.kind for v in videos for e in v.expressions}
    lost = () if annotated else dataset.unplaced()
    if lost:
        example = f"row {lost[0].row} of {lost[0].subject}/{lost[0].video}: {lost[0].reason}"
        raise DataError(
            f"none of the {len(lost)} expressions of dataset {dataset_id!r} is inside its frames, such as "
            f"{example}. Find the faults of this copy with mebench data verify dataset={dataset_id} …"
        )
    if not annotated:
        raise ConfigError(
            f"the videos of dataset {dataset_id!r} have no annotations, so no method can be trained or scored "
            f"on them: predict them with a finished run, mebench predict RUN dataset={dataset_id} …"
        )
    bare = sorted({v.dataset for v in videos} - {v.dataset for v in videos if v.expressions})
    if bare:
        them = "it" if len(bare) == 1 else "them"
        raise ConfigError(
            f"the videos of {' and '.join(bare)} have no annotations, so nothing spotted there is right or wrong: "
            f"leave {them} out of dataset={dataset_id!r}"
        )
    for kind in kinds:
        if kind not in annotated:
            raise ConfigError(f"dataset {dataset_id!r} has no annotated {kind}-expression to spot: choose kinds=…")


def select_scored_videos(videos: Sequence[Video], scheme: Scheme, protocol: Protocol) -> tuple[Video, ...]:
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
