"""From a configuration to the folds and the work: everything that is known before the first frame is read."""

from __future__ import annotations

import math
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mebench import core
from mebench.annotations.accounting import unknown_labels
from mebench.atomic import replace_file
from mebench.config import RunConfig, trainer
from mebench.core import Chain, Dataset, Kind, Scheme, SubjectKey, Task, Timing, Video, stable_seed
from mebench.core.types import Fold, group_of_rate
from mebench.errors import ConfigError, RunError, at_fault, keys_behind, refused_by_plugin
from mebench.files import code_hash, file_hash
from mebench.lazy_imports import load_lazily
from mebench.protocols import People, Protocol, find_protocol as find_protocol
from mebench.runner.choices import (
    Ability,
    choose_kinds,
    choose_scheme,
    choose_tasks,
    find_abilities,
    home_of_video,
    measure_videos,
    open_dataset,
    select_scored_videos,
)
from mebench.runner.inputs import code_of
from mebench.runner.job import MethodJob, method_jobs, reads_of
from mebench.runner.label_places import check_reach
from mebench.runner.sandbox import Grant, grant_access, missing_parts

if TYPE_CHECKING:
    import torch
else:
    torch = load_lazily("torch")


def fold_timings(videos: Sequence[Video], training: Iterable[Video], kinds: Sequence[Kind]) -> dict[str, Timing]:
    """Timing of every group of videos (see `rate_groups`): k from its frame rate, k' from the training videos'
    expressions.

    k is 0.1 s (MEAN, section 4.3), rounded up as in its public code, which takes 3 frames at 25 fps. k' is (N + 1) / 2
    with N the mean length (section 3.3); counting N as offset - onset and rounding down are those of the public code.
    Where a dataset has several frame rates, N is its mean duration in seconds at each rate. A group without training
    expressions of a kind takes the other groups' mean duration in seconds; a kind without training expressions is left
    out.

    Args:
        videos: all videos, which decide the groups; k' is computed from `training` alone.
        training: the training videos.
        kinds: the spotted kinds.
    """
    groups = rate_groups(videos)
    lengths = _ExpressionLengths.of(training, groups)
    home_of = dict[str, tuple[str, float | None]]()  # groups in order of their first videos' keys
    for video in sorted(videos, key=lambda v: v.key):
        home_of.setdefault(groups[video.key], (video.dataset, video.fps))
    timings = {}
    for group, (dataset, fps) in home_of.items():
        k_prime: dict[Kind, int] = {}
        for kind in kinds:
            mean = lengths.mean_in_frames(group, dataset, fps, kind)
            if mean is not None:
                k_prime[kind] = max(1, int((mean + 1) / 2))
        timings[group] = Timing(fps or 0.0, pair_gap(fps), k_prime)
    return timings


@dataclass(frozen=True)
class _ExpressionLengths:
    """Lengths of training expressions, offset - onset.

    Attributes:
        frames: lengths in frames by group and kind.
        seconds: lengths in seconds by dataset and kind, where the frame rate is known.
    """

    frames: Mapping[tuple[str, Kind], Sequence[int]]
    seconds: Mapping[tuple[str, Kind], Sequence[float]]

    @classmethod
    def of(cls, training: Iterable[Video], groups: Mapping[str, str]) -> _ExpressionLengths:
        """The lengths in some videos, whose groups are given by key."""
        frames: dict[tuple[str, Kind], list[int]] = defaultdict(list)
        seconds: dict[tuple[str, Kind], list[float]] = defaultdict(list)
        for video in training:
            for e in video.expressions:
                frames[groups[video.key], e.kind].append(e.offset - e.onset)
                if video.fps:
                    seconds[video.dataset, e.kind].append((e.offset - e.onset) / video.fps)
        return cls(frames, seconds)

    def mean_in_frames(self, group: str, dataset: str, fps: float | None, kind: Kind) -> float | None:
        """The mean length of one kind at the frame rate of a group; None if it is unknown."""
        has_one_rate = group == dataset
        in_frames = self.frames.get((group, kind))
        if has_one_rate and in_frames:
            return sum(in_frames) / len(in_frames)
        everywhere = [s for (_, other), values in self.seconds.items() if other == kind for s in values]
        in_seconds = self.seconds.get((dataset, kind)) or everywhere
        if fps and in_seconds:
            return fps * sum(in_seconds) / len(in_seconds)
        return None


def rate_groups(videos: Iterable[Video]) -> dict[str, str]:
    """The group of each video by its key: its dataset, or `dataset@fps` where the dataset has several frame rates.

    Frames of one group last equally long, so its videos share k and k'.
    """
    every = list(videos)
    rates = Counter(dataset for dataset, _ in {(video.dataset, video.fps) for video in every})
    return {v.key: v.dataset if rates[v.dataset] == 1 else group_of_rate(v.dataset, v.fps or 0) for v in every}


def pair_gap(fps: float | None) -> int:
    """k: frames in 0.1 s, rounded up, at least 1; 1 where the frame rate is unknown.

    >>> [pair_gap(f) for f in (25.0, 30.0, 100.0, 200.0)]
    [3, 3, 10, 20]
    """
    return max(1, math.ceil(0.1 * (fps or 0.0) - 1e-9))


class Sides(NamedTuple):
    """The videos of a fold; validation videos exist only if the method holds subjects out."""

    train: list[Video]
    valid: list[Video]
    test: list[Video]


@dataclass(frozen=True)
class Plan:
    """A planned run, as data: the choices, and what follows from them, computed at first use.

    Attributes:
        config: the resolved configuration.
        dataset: the dataset, or a composite of several.
        videos: all videos of the dataset, sorted by key.
        scheme: the emotion scheme.
        task: the tasks, kinds and classes of the run.
        protocol: splits people into folds.
        folds: its folds.
        selects: whether inner validation subjects are held out, because a method selects something on them.
        skipped: the videos without a face by key, with the reason: left out of training and prediction, while their truths still count.
        known: its `chains`, if known already; by default they come from its methods.
    """

    config: RunConfig
    dataset: Dataset
    videos: tuple[Video, ...]
    scheme: Scheme
    task: Task
    protocol: Protocol
    folds: tuple[Fold, ...]
    selects: bool
    skipped: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, tuple[Chain, ...]] | None = None
    _timings: dict[Fold, dict[str, Timing]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def transductive(self) -> str:
        """The unlabelled tested data that the run uses.

        `database` if features of all tested clips enter the training, `video` if a test video's own enter its predictions, else
        `none`.
        """
        if self.config.adaptation != "none":
            return "database"
        uses = (part.method_class.looks_at_test_video(part.task.tasks, part.params) for part in self.parts)
        return "video" if "video" in uses else "none"

    @cached_property
    def parts(self) -> tuple[MethodJob, ...]:
        """The methods: one, or the spotter and the recognizer, see `method_jobs`."""
        return method_jobs(self.config, self.task)

    @cached_property
    def trains(self) -> bool:
        """Whether a method is trained in stages, by Lightning's Trainer."""
        return any(create_weightless(part).stages() for part in self.parts)

    def home(self, video: Video) -> tuple[Dataset, str]:
        """The dataset that a video is read from, and its id: of a composite the member."""
        return home_of_video(self.dataset, self.config.dataset, video)

    @cached_property
    def secret(self) -> str:
        """The secret from which the drawn names of a fold's videos come; no method knows it, and no label shapes it. It
        is created at first use, in the feature store.
        """
        file = Path(self.config.cache).expanduser() / "names.secret"
        if not file.is_file():
            replace_file(file, secrets.token_hex(32))
        return f"{file.read_text(encoding='utf-8')} {self.config.seed}"

    @cached_property
    def grant(self) -> Grant | None:
        """The files that a method may read in a fold; None without a sandbox."""
        if self.config.sandbox == "off":
            return None
        modules = trainer.user_modules(self.config.trainer)
        return grant_access(
            [part.plugin for part in self.parts], reads_of(self.parts), modules, self.config.accelerator
        )

    @cached_property
    def groups(self) -> dict[str, str]:
        """For each video by its key the group that shares a timing: its dataset, and the frame rate where that varies."""
        return rate_groups(self.videos)

    @property
    def leaks(self) -> bool:
        """Whether the run leaks on purpose, as some papers do: tested subjects shape k' and the choice of an epoch."""
        return self.config.audit != "guard"

    @property
    def leaks_by_epoch_choice_only(self) -> bool:
        """Whether the choice of an epoch is the whole leak of this run: one method that
        trains, in one stage if it spots, and chooses nothing else. Then one training serves the run and its leak.
        """
        stages = 0 if len(self.parts) > 1 or self.selects else len(create_weightless(self.parts[0]).stages())
        return stages == 1 or (stages > 1 and self.task.tasks == frozenset({"recognize"}))

    @property
    def leaks_k_prime(self) -> bool:
        """Whether k' is that of all subjects."""
        return self.leaks and not self.leaks_by_epoch_choice_only

    def training_subjects(self, fold: Fold) -> tuple[SubjectKey, ...]:
        """Subjects that the method is fitted on: those of validation too, unless the method selects on them."""
        return fold.train if self.selects else tuple(sorted((*fold.train, *fold.valid)))

    def sides(self, fold: Fold) -> Sides:
        """The videos to fit, to choose and to test on."""
        train, valid, test = fold.split(self.videos)
        train, valid = ([self.learnt(video) for video in side] for side in (train, valid))
        return (
            Sides(train, valid, test)
            if self.selects
            else Sides(sorted([*train, *valid], key=lambda v: v.key), [], test)
        )

    def learnt(self, video: Video) -> Video:
        """A video to train on: its expressions of the kinds that the protocol learns, as micro-expressions."""
        kinds = self.protocol.learns(self.config.protocol_params)
        if kinds == ("micro",):
            return video
        learnt = (replace(e, kind="micro") for e in video.expressions if e.kind in kinds)
        return replace(video, expressions=tuple(learnt))

    def people(self, videos: Sequence[Video]) -> People:
        """The people of some videos, as protocols see them."""
        return People(
            videos,
            self.config.seed,
            self.config.validation,
            self.dataset.person,
            self.short,
            self.dataset.split,
            self.scheme.class_of,
        )

    def timings(self, fold: Fold) -> dict[str, Timing]:
        """Timing of each group of videos in a fold, from its training videos (see `groups`).

        Where the run leaks, from all videos.
        """
        if fold not in self._timings:
            sides = self.sides(fold)
            groups = {self.groups[video.key] for side in sides for video in side}
            by_group = fold_timings(self.videos, self.videos if self.leaks_k_prime else sides.train, self.task.kinds)
            self._timings[fold] = {group: timing for group, timing in by_group.items() if group in groups}
        return self._timings[fold]

    @cached_property
    def code(self) -> tuple[str, str]:
        """Two hashes of the code that folds run: of the source text, and of the syntax tree without comments and docstrings."""
        plugins = [part.plugin for part in self.parts]
        return code_of(plugins, file_hash), code_of(plugins, code_hash)

    @cached_property
    def tested(self) -> frozenset[str]:
        """Keys of the videos that some fold tests: the others only train, and are not scored."""
        return frozenset(video.key for fold in self.folds for video in self.sides(fold).test)

    @cached_property
    def subject_dependent(self) -> bool:
        """Whether a fold trains and tests on one person, under any id."""
        return any(map(self.on_both_sides, self.folds))

    def on_both_sides(self, fold: Fold) -> set[SubjectKey]:
        """The training people and the tested people of a fold, under any id."""
        person = self.dataset.person
        return {person(s) for s in (*fold.train, *fold.valid)} & {person(s) for s in fold.test}

    @property
    def selection(self) -> str:
        """The subjects on whom something is chosen: `fixed`, `inner` or `test`.

        `fixed` if nothing is chosen, `inner` if inner validation subjects choose, `test` if tested ones do: in
        training, or as those on whom the settings were tuned.
        """
        tuned = set(self.config.tuned_on) & {str(subject) for fold in self.folds for subject in fold.test}
        return "test" if self.leaks or tuned else "inner" if self.selects else "fixed"

    @property
    def scored_each(self) -> bool:
        """Whether each fold is scored by itself, and then their mean."""
        return self.protocol.scored_each(self.config.protocol_params)

    @cached_property
    def short(self) -> dict[str, bool]:
        """For each dataset of the videos whether they are short ones of one expression each."""
        return {video.dataset: self.home(video)[0].one_per_video for video in self.videos}

    def fold_seed(self, fold: Fold) -> int:
        """Seed of everything random in a fold: depends on the run's seed and the fold, not on the folds that ran before."""
        return stable_seed(self.config.seed, "fold", fold.key)

    @cached_property
    def chains(self) -> dict[str, tuple[Chain, ...]]:
        """The distinct chains that any fold reads, by group of videos."""
        if self.known is not None:
            return dict(self.known)
        by_group: dict[str, dict[str, Chain]] = {}
        methods = [(part.plugin.id, create_weightless(part)) for part in self.parts]
        for fold in self.folds:
            for group, timing in self.timings(fold).items():
                for prefix, (id_, method) in zip(("method.", "recognizer."), methods):
                    what = f"method {id_!r} does not name its features, in chains()"
                    with refused_by_plugin(what), keys_behind(prefix, "method"):
                        read = {chain.fingerprint() + chain.name: chain for chain in method.chains(timing).values()}
                    by_group[group] = by_group.get(group, {}) | read
        return {group: tuple(chains.values()) for group, chains in by_group.items()}

    @cached_property
    def computed(self) -> dict[str, tuple[Chain, ...]]:
        """The chains that are computed, since the dataset does not provide them, by group.

        Raises:
            ConfigError: there are some, and the dataset has no frames.
        """
        examples = {self.groups[video.key]: video for video in reversed(self.videos)}
        computed = {
            group: tuple(chain for chain in chains if self.dataset.provided(examples[group], chain.name) is None)
            for group, chains in self.chains.items()
        }
        for group, chains in computed.items():
            dataset, id_ = self.home(examples[group])
            names = [chain.name for chain in chains if chain.steps]
            if names and not dataset.has_frames:
                raise ConfigError(
                    f"dataset={id_} has no frames, only ready-made features, and the method reads {', '.join(names)}: choose "
                    "a method that reads what the dataset has, or a dataset with frames"
                )
        return computed

    def chains_of(self, video: Video) -> tuple[Chain, ...]:
        """The distinct chains that any fold reads of a video."""
        return self.chains.get(self.groups[video.key], ())

    def cards(self) -> dict[str, list[str]]:
        """The chains of the run by group of videos, as for a paper's appendix."""
        return {group: [chain.card() for chain in chains] for group, chains in sorted(self.chains.items())}

    def left_out(self) -> Counter[str]:
        """Native labels of micro-expressions that the scheme does not score, counted; they stay truths for spotting."""
        return self.scheme.left_out(e for video in self.videos for e in video.expressions)


def create_weightless(part: MethodJob) -> core.Method:
    """The method without memory for its weights, for its chains and names: even a large network is created at once."""
    with torch.device("meta"):
        return part.new_method()


def make_plan(config: RunConfig, methods: Sequence[Ability] = ()) -> Plan:
    """Build dataset, scheme, task and folds.

    Args:
        config: configuration of the run.
        methods: the descriptions of its method and recognizer; by default both are imported.

    Raises:
        MebenchError: a run that cannot work, in one sentence, before any work.
    """
    _check_sandbox(config.sandbox)
    protocol, dataset = find_protocol(config.protocol), open_dataset(config)
    methods = methods or find_abilities(config)
    tasks = choose_tasks(config, methods, dataset, protocol)
    videos = tuple(sorted(dataset.videos(), key=lambda v: v.key))
    if protocol.scored_only:  # it is defined on certain datasets: others are refused before their clips are looked at
        make_folds(protocol, People(videos, person=dataset.person, split=dataset.split), config.protocol_params)
    with at_fault("scheme"):
        scheme = choose_scheme(dataset, videos, config, protocol)
    if scheme.several:
        _check_several(config, scheme, methods, tasks)
    if protocol.scored_only:
        videos = select_scored_videos(videos, scheme, protocol)
    if "spot" in tasks:
        videos = measure_videos(dataset, videos)
    kinds = choose_kinds(config, methods[0], dataset, videos, tasks, protocol)
    plan = Plan(
        config,
        dataset,
        videos,
        scheme,
        Task(tasks, kinds, scheme.classes, several=scheme.several),
        protocol,
        (),
        selects=any(method.selects for method in methods),
    )
    plan = replace(plan, folds=make_folds(protocol, plan.people(videos), config.protocol_params))
    short = all(plan.short[video.dataset] for video in videos if video.key in plan.tested)
    plan = replace(plan, task=replace(plan.task, one_per_video=short))
    check_reach(plan.config, plan.parts, plan.grant)
    check_people(plan)
    check_folds(plan)
    check_adaptation(plan)
    check_training(plan)
    if config.degrade != "none":
        _ = plan.computed  # ready-made features refuse settings that change frames
    return plan


def _check_sandbox(sandbox: str) -> None:
    """Refuse `sandbox=on` on a system without a full sandbox.

    Raises:
        ConfigError: a part of it is missing.
    """
    if sandbox != "on":
        return
    if without := missing_parts():
        raise ConfigError(
            f"sandbox=on needs a full sandbox, but this system lacks {' and '.join(without)}: sandbox=auto uses "
            "what is available and reports what is missing"
        )


def _check_several(config: RunConfig, scheme: Scheme, methods: Sequence[Ability], tasks: frozenset[str]) -> None:
    """Refuse what cannot name several classes of a clip at once.

    Raises:
        ConfigError: the method names one, or the run leaks by the score of one.
    """
    if "recognize" in tasks and not methods[-1].several:
        raise ConfigError(
            f"scheme={scheme.name} asks for several classes of a clip at once, but method "
            f"{config.recognizer or config.method} names one: choose a method for several classes (see mebench info METHOD), "
            "such as method=logistic, or another scheme"
        )
    if config.audit != "guard":
        raise ConfigError(
            f"audit={config.audit} chooses by the UF1 of one class, and scheme={scheme.name} asks for several: leave it out"
        )


def make_folds(protocol: Protocol, people: People, params: Any) -> tuple[Fold, ...]:
    """The folds of a protocol.

    Raises:
        ConfigError: it cannot serve these people.
        PluginError: its function fails.
    """
    hint = "Let its function raise a ConfigError that says what it needs; MEBENCH_DEBUG=1 shows the line"
    with refused_by_plugin(f"protocol {protocol.name!r} made no folds of {len(people.persons)} people", hint):
        return tuple(protocol.make(people, params))


def check_adaptation(plan: Plan) -> None:
    """Refuse adaptation between databases unless each fold tests a whole database.

    Raises:
        ConfigError: the run spots, or a fold trains and tests on one database.
    """
    sides = [({s.dataset for s in fold.test}, {s.dataset for s in (*fold.train, *fold.valid)}) for fold in plan.folds]
    within = "spot" in plan.task.tasks or any(test & train for test, train in sides)
    if plan.config.adaptation != "none" and within:
        raise ConfigError(
            f"adaptation={plan.config.adaptation} brings another database to those that train, for recognition of annotated clips; this "
            f"run spots, or trains and tests on one database: choose a protocol such as lodo, cd6me or cdmer, or leave it out"
        )


def check_people(plan: Plan) -> None:
    """Refuse folds that train and test on one person, unless the protocol does.

    Raises:
        RunError: a fold does.
    """
    for fold in () if plan.protocol.subject_dependent else plan.folds:
        if both := plan.on_both_sides(fold):
            raise RunError(
                f"fold {fold.key!r} of protocol {plan.protocol.name!r} trains and tests on {min(both)}: that is a "
                "mistake in the protocol; protocol=loso holds people out"
            )


def check_folds(plan: Plan) -> None:
    """Refuse folds that cannot be scored: none, two of one name, or one video in two folds that are scored together.

    Raises:
        RunError: they are such.
    """
    name = plan.protocol.name
    if not plan.folds:
        raise RunError(f"protocol {name!r} made no fold: let its function return one or more")
    keys, tested_in = set[str](), dict[object, str]()
    for fold in plan.folds:
        if fold.key in keys:
            raise RunError(f"protocol {name!r} made two folds called {fold.key!r}: give each a name of its own")
        keys.add(fold.key)
        if plan.scored_each:
            continue
        for tested in fold.videos or fold.test:
            other = tested_in.setdefault(tested, fold.key)
            if other != fold.key:
                raise RunError(
                    f"folds {other!r} and {fold.key!r} of protocol {name!r} both test {tested}, which would count twice in scores of all "
                    "folds together: let one fold test it, or give Protocol scored_each=lambda params: True, the mean over folds"
                )


def check_training(plan: Plan) -> None:
    """Refuse folds that cannot learn: each needs k' for each kind it spots, and training clips to learn emotions from.

    Raises:
        ConfigError: a fold lacks one.
    """
    for fold in plan.folds:
        if "spot" in plan.task.tasks:
            for group, timing in plan.timings(fold).items():
                if missing := [kind for kind in plan.task.kinds if kind not in timing.k_prime]:
                    raise ConfigError(
                        f"fold {fold.key!r}: no training subject shows a {missing[0]}-expression, so its mean length in "
                        f"{group!r} is unknown: use more subjects, or other kinds=…"
                    )
        if "recognize" in plan.task.tasks and not any(map(plan.scheme.scored, plan.sides(fold).train)):
            raise ConfigError(
                f"fold {fold.key!r}: no training clip has a class of the scheme {plan.scheme.name!r}: "
                f"{_why_without_class(plan)}"
            )


def _why_without_class(plan: Plan) -> str:
    """What to do where no clip has a class: mend labels that no scheme knows, or choose another scheme."""
    unknown = unknown_labels(plan.dataset)
    if unknown:
        return f"{unknown[0]}. Correct it, or choose another scheme with scheme=NAME"
    return "choose another with scheme=NAME"


def class_counts(scheme: Scheme, videos: Iterable[Video]) -> Counter[str]:
    """The number of micro-expressions of each scored class in some videos."""
    named = [str(scheme.class_of(e)) for video in videos for e in scheme.scored(video)]
    return Counter(part for name in named for part in (name.split("+") if scheme.several else (name,)))
