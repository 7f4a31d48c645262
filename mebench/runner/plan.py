"""From a configuration to the folds and the work: everything that is known before the first frame is read."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.annotations.accounting import unknown_labels
from mebench.config import RunConfig, trainer, trainer_objects
from mebench.config.settings import ChosenMethod, plugins_of
from mebench.core import Chain, Dataset, Kind, Scheme, Task, Video, stable_seed
from mebench.core.types import Fold
from mebench.errors import ConfigError, RunError, at_fault, keys_behind, refused_by_plugin
from mebench.files import code_hash, file_hash
from mebench.lazy_imports import load_lazily
from mebench.protocols import People, Protocol, find_protocol as find_protocol
from mebench.runner.choices import (
    Ability,
    RunNames,
    choose_kinds,
    choose_scheme,
    choose_tasks,
    find_abilities,
    measure_videos,
    open_dataset,
    select_scored_videos,
)
from mebench.runner.fold_setup import FoldSetup
from mebench.runner.fold_source import dataset_settings
from mebench.runner.inputs import code_of, instructions_of_torch, run_code
from mebench.runner.job import Access, FoldJob, MethodJob, access_of, method_jobs, reads_of
from mebench.runner.label_places import check_reach, label_places
from mebench.runner.run_data import Leak, RunData
from mebench.runner.run_features import FLOW, FeatureNeeds, RunFeatures, store_of
from mebench.runs.access_text import SEATBELT, describe_failed_trial
from mebench.runs.secret_file import read_secret, user_folder
from mebench.sandbox.confinement import find_isolation, gives_view, grant_access, imports_before
from mebench.sandbox.grant import Grant, Isolation

if TYPE_CHECKING:
    import torch

    from mebench.core.method import Method
else:
    torch = load_lazily("torch")


@dataclass(frozen=True)
class Plan:
    """A planned run, as data: the configuration, the data, and what follows from both, computed at first use.

    A function takes the part that it needs: the data, the features, the access, or a group of the configuration. Two hand on
    nearly all of it, and take the plan: `FoldHost.for_fold`, to the process of a fold, and `describe_run`, to the run folder.

    Attributes:
        config: the resolved configuration.
        data: the data of the run in folds.
        known: the chains of its `features`, if known already; by default they come from its methods.
    """

    config: RunConfig
    data: RunData
    known: Mapping[str, tuple[Chain, ...]] | None = None

    @cached_property
    def methods(self) -> tuple[MethodJob, ...]:
        """The methods: one, or the spotter and the recognizer, see `method_jobs`."""
        return method_jobs(self.config.methods, self.data.task)

    @cached_property
    def features(self) -> RunFeatures:
        """The features that its methods read."""
        chains = self.known if self.known is not None else _chains_by_group(self.methods, self.data)
        return RunFeatures(self.data, chains, store_of(self.config.places))

    @cached_property
    def feature_needs(self) -> FeatureNeeds:
        """Its features, and what workers need to compute them."""
        config = self.config
        settings = dataset_settings(config.values["dataset"], config.degrade, config.plugins)
        code = run_code(plugins_of(config), config.trainer)
        folder = self.methods[0].plugin.folder
        return FeatureNeeds(self.features, settings, code, self.grant, config.plugins, folder)

    @cached_property
    def fold_setup(self) -> FoldSetup:
        """What the hosts of its folds have in common. Features must be stored and the videos without a face known before."""
        config = self.config
        data = self.data
        job = FoldJob(
            key="fold",
            seed=0,
            # New objects: attributes that a plugin's code added to those of the plan stay here.
            parts=method_jobs(config.methods, data.task),
            scheme=data.scheme,
            train=(),
            valid=(),
            test=(),
            groups={},
            timings={},
            homes={},
            revisions={id_: dataset.revision for dataset, id_ in map(data.find_home, data.videos)},
            cache="",
            plugins=config.plugins,
            audit=config.audit,
            adaptation=config.adaptation,
            selects=data.selects,
            epoch_predictions=self.keeps_epochs,
            accelerator=config.accelerator,
            precision=config.precision,
            trainer=trainer_objects.with_contents(trainer.options_in_fold(config.trainer), config.runs),
            instructions=instructions_of_torch(),
            code=self.code,
        )
        return FoldSetup(
            job=job,
            needs=self.feature_needs,
            dataset_id=data.id,
            store=self.features.store,
            degraded=config.degrade != "none",
            timeout=config.fold_timeout,
            trains=self.trains,
            planned_grant=self.grant,
            secret=self.secret,
            skipped=frozenset(data.skipped),
            chooses_on_tested=data.leak is not None and data.selects,
        )

    @cached_property
    def access(self) -> Access:
        """The files that its methods ask to read."""
        config = self.config
        if self._grant_of_files is None:
            return access_of(config.sandbox, self.methods)
        # A machine of Dask's may allow no view; the run promises what all of them have.
        view = config.executor == "local" and gives_view(config.accelerator)
        on_processor_here = config.executor == "local" and config.accelerator == "cpu"
        isolation = find_isolation(self._grant_of_files, on_processor_here)
        return access_of(config.sandbox, self.methods, view, isolation)

    @cached_property
    def grant(self) -> Grant | None:
        """The files that a method may read in a fold, and what isolates it; None without a sandbox."""
        isolation = self.access.isolation
        if self._grant_of_files is None or isolation is None:
            return None
        is_seatbelt = isolation.by == SEATBELT
        return self._grant_of_files._replace(view=self.access.view, lacks=isolation.lacks, seatbelt=is_seatbelt)

    @cached_property
    def _grant_of_files(self) -> Grant | None:
        """The grant before it is known what isolates a fold: without `view`, `lacks` and `seatbelt`. None without a sandbox."""
        if self.config.sandbox == "off":
            return None
        of_encoders = [name for method in self.methods for name in getattr(method.params, "user_modules", ())]
        modules = [*trainer.user_modules(self.config.trainer), *of_encoders]
        plugins = [method.plugin for method in self.methods]
        encodes_on_gpu = any(getattr(method.params, "device", "cpu") == "cuda" for method in self.methods)
        accelerator = "cuda" if encodes_on_gpu else self.config.accelerator
        return grant_access(plugins, reads_of(self.methods), modules, accelerator)

    @cached_property
    def trains(self) -> bool:
        """Whether a method is trained in stages, by Lightning's Trainer."""
        return any_is_trained(self.methods)

    @cached_property
    def imports(self) -> tuple[str, ...]:
        """The modules that folds import, for a `ForkServer`; without the plugins' own code."""
        tasks = self.data.task.tasks
        libraries = [name for method in self.methods for name in imports_before(method.plugin.folder)]
        if "spot" in tasks:
            libraries.append("scipy.signal")  # finds peaks, and takes a second to import
        if {"spot", "recognize"} <= tasks:
            libraries.append(FLOW)
        if self.trains:
            libraries.append("torch._dynamo")  # PyTorch's optimizers import it at their first step
        return "mebench.runner.fold", "mebench.training", "safetensors.torch", *libraries

    @property
    def transductive(self) -> str:
        """The unlabelled tested data that the run uses.

        `database` if features of all tested clips enter the training, `video` if a test video's own enter its predictions, else
        `none`.
        """
        if self.config.adaptation != "none":
            return "database"
        uses = (part.method_class.looks_at_test_video(part.task.tasks, part.params) for part in self.methods)
        return "video" if "video" in uses else "none"

    @property
    def selection(self) -> str:
        """The subjects on whom something is chosen: `fixed`, `inner` or `test`.

        `fixed` if nothing is chosen, `inner` if inner validation subjects choose, `test` if tested ones do: in
        training, or as those on whom the settings were tuned.
        """
        tested = {str(subject) for fold in self.data.folds for subject in fold.test}
        if self.data.leak or tested.intersection(self.config.tuned_on):
            return "test"
        return "inner" if self.data.selects else "fixed"

    @cached_property
    def keeps_epochs(self) -> bool:
        """Whether the predictions of every epoch are kept: asked for, and of a run whose whole leak they could be."""
        return self.config.looks and leaks_by_epoch_choice_only(self.methods, self.data.selects)

    @cached_property
    def secret(self) -> str:
        """The secret from which the drawn names of a fold's videos come; no method knows it, and no label shapes it. It
        is created at first use, beside the stored features.
        """
        file = user_folder(Path(self.config.cache).expanduser()) / "names.secret"
        return f"{read_secret(file)} {self.config.seed}"

    @cached_property
    def code(self) -> tuple[str, str]:
        """Two hashes of the code that folds run: of the source text, and of the syntax tree without comments and docstrings."""
        plugins = [part.plugin for part in self.methods]
        return code_of(plugins, file_hash), code_of(plugins, code_hash)

    def collect_people(self, videos: Sequence[Video]) -> People:
        """The people of some videos, as protocols see them."""
        data = self.data
        return People(
            videos,
            self.config.seed,
            self.config.validation,
            data.dataset.person,
            data.short,
            data.dataset.split,
            data.scheme.class_of,
        )

    def fold_seed(self, fold: Fold) -> int:
        """Seed of everything random in a fold: depends on the run's seed and the fold, not on the folds that ran before."""
        return stable_seed(self.config.seed, "fold", fold.key)


def any_is_trained(methods: Sequence[MethodJob]) -> bool:
    """Whether a method is trained in stages, by Lightning's Trainer."""
    return any(create_weightless(method).stages() for method in methods)


def leaks_by_epoch_choice_only(methods: Sequence[MethodJob], selects: bool) -> bool:
    """Whether the choice of an epoch is the whole leak of a leaking run: one method that trains, in one stage if it spots,
    and chooses nothing else. Then one training serves the run and its leak.

    Args:
        methods: methods of the run.
        selects: whether a method selects something on inner validation subjects.
    """
    if len(methods) > 1 or selects:
        return False
    n_stages = len(create_weightless(methods[0]).stages())
    return n_stages == 1 or (n_stages > 1 and methods[0].task.tasks == frozenset({"recognize"}))


def _chains_by_group(methods: Sequence[MethodJob], data: RunData) -> dict[str, tuple[Chain, ...]]:
    """The distinct chains that any fold reads, by group of videos."""
    by_group: dict[str, dict[str, Chain]] = {}
    weightless = [(method.plugin.id, create_weightless(method)) for method in methods]
    named = set[tuple[str, str]]()  # groups with timings, of which a thousand folds have few
    for fold in data.folds:
        for group, timing in data.find_timings(fold).items():
            if (group, repr(timing)) in named:
                continue
            named.add((group, repr(timing)))
            for prefix, (id_, method) in zip(("method.", "recognizer."), weightless):
                what = f"method {id_!r} does not name its features, in chains()"
                with refused_by_plugin(what), keys_behind(prefix, "method"):
                    chains = method.adjusted_chains(timing).values()
                    read = {chain.fingerprint() + chain.name: chain for chain in chains}
                by_group[group] = by_group.get(group, {}) | read
    return {group: tuple(chains.values()) for group, chains in by_group.items()}


def create_weightless(part: MethodJob) -> Method:
    """The method without memory for its weights, for its chains and names: even a large network is created at once."""
    with torch.device("meta"):
        return part.new_method()


class SharedData:
    """The data that plans of one sweep share: each dataset is opened once, and its people are divided once in each way."""

    def __init__(self) -> None:
        self._opened: dict[str, tuple[Dataset, tuple[Video, ...]]] = {}
        self.divided: dict[Hashable, RunData] = {}

    def open(self, config: RunConfig) -> tuple[Dataset, tuple[Video, ...]]:
        """The dataset of a run, and its videos, sorted by key."""
        settings = dataset_settings(config.values["dataset"], config.degrade, config.plugins)
        if settings not in self._opened:
            dataset = open_dataset(config.dataset_params, config.degrade)
            self._opened[settings] = dataset, tuple(sorted(dataset.videos(), key=lambda v: v.key))
        return self._opened[settings]


def make_plan(config: RunConfig, methods: Sequence[Ability] = (), shared: SharedData | None = None) -> Plan:
    """Build dataset, scheme, task and folds.

    Args:
        config: configuration of the run.
        methods: the descriptions of its method and recognizer; by default both are imported.
        shared: the data of other plans of a sweep; this plan takes what it has, and adds what it lacks.

    Raises:
        MebenchError: a run that cannot work, in one sentence, before any work.
    """
    if config.sandbox == "on":
        _check_sandbox(find_isolation())
    protocol = find_protocol(config.protocol)
    shared = shared or SharedData()
    dataset, videos = shared.open(config)
    methods = methods or find_abilities(config.methods, config.trainer)
    names = RunNames(config.method, config.recognizer, config.dataset)
    tasks = choose_tasks(names, methods, dataset, protocol)
    if protocol.scored_only:  # it is defined on certain datasets: others are refused before their clips are looked at
        make_folds(protocol, People(videos, person=dataset.person, split=dataset.split), config.protocol_params)
    with at_fault("scheme"):
        scheme = choose_scheme(dataset, config.dataset, videos, config.scheme, protocol)
    if scheme.several:
        _check_several(config.methods[-1].id, config.audit, scheme, methods[-1].several or "recognize" not in tasks)
    if protocol.scored_only:
        videos = select_scored_videos(videos, scheme, protocol)
    kinds: tuple[Kind, ...] = ("micro",)
    if "spot" in tasks:
        videos = measure_videos(dataset, videos)
        kinds = choose_kinds(config.kinds, names, methods[0], dataset, videos, protocol.every_kind)
    selects = any(method.selects for method in methods)
    task = Task(tasks, kinds, scheme.classes, several=scheme.several)
    data = RunData(dataset, config.dataset, videos, scheme, task, protocol, config.protocol_params, (), selects)
    division = repr(
        (id(dataset), protocol.name, config.protocol_params, config.seed, config.validation, scheme.name, task, selects)
    )
    is_new = division not in shared.divided
    data = _divide_people(config, data) if is_new else shared.divided[division]
    leak = _find_leak(config.audit, config.methods, data)
    plan = Plan(config, data if leak is None else replace(data, leak=leak))
    check_reach(label_places(config.dataset_params, config.places), plan.access, plan.grant)
    if config.sandbox == "on" and plan.access.isolation is not None:
        _check_sandbox(plan.access.isolation)  # macOS may isolate from other files than those that this run grants
    if is_new:
        check_people(data)
        check_folds(data)
    check_adaptation(data, config.adaptation)
    if is_new or leak is not None:
        check_training(plan.data)
    shared.divided[division] = data
    if config.degrade != "none":
        _ = plan.features.computed  # ready-made features refuse settings that change frames
    return plan


def _divide_people(config: RunConfig, data: RunData) -> RunData:
    """The data of a run with the folds of its protocol.

    Raises:
        ConfigError: the protocol cannot serve these people.
    """
    folds = make_folds(data.protocol, Plan(config, data).collect_people(data.videos), config.protocol_params)
    data = replace(data, folds=folds)
    short = all(data.short[video.dataset] for video in data.videos if video.key in data.tested)
    return replace(data, task=replace(data.task, one_per_video=short))


def _find_leak(audit: str, chosen: Sequence[ChosenMethod], data: RunData) -> Leak | None:
    """What tested subjects shape in the run; None for an honest one."""
    if audit == "guard":
        return None
    methods = method_jobs(chosen, data.task)
    return Leak(audit, leaks_by_epoch_choice_only(methods, data.selects), any_is_trained(methods))


def _check_sandbox(isolation: Isolation) -> None:
    """Refuse `sandbox=on` where folds would not be isolated from everything.

    Raises:
        ConfigError: a part of the sandbox is missing.
    """
    if isolation.lacks:
        reason = describe_failed_trial(isolation.reason)
        raise ConfigError(
            f"sandbox=on needs a full sandbox, but this system lacks {' and '.join(isolation.lacks)}{reason}: sandbox=auto "
            "uses what is available and reports what is missing"
        )


def _check_several(method: str, audit: str, scheme: Scheme, able: bool) -> None:
    """Refuse what cannot name several classes of a clip at once.

    Args:
        method: id of the method that names emotions.
        audit: the setting.
        scheme: scheme of several classes.
        able: whether the method can name several, or names none.

    Raises:
        ConfigError: the method names one, or the run leaks by the score of one.
    """
    if not able:
        raise ConfigError(
            f"scheme={scheme.name} asks for several classes of a clip at once, but method "
            f"{method} names one: choose a method for several classes (see mebench info METHOD), "
            "such as method=logistic, or another scheme"
        )
    if audit != "guard":
        raise ConfigError(
            f"audit={audit} chooses by the UF1 of one class, and scheme={scheme.name} asks for several: leave it out"
        )


def make_folds(protocol: Protocol, people: People, params: Any) -> tuple[Fold, ...]:
    """The folds of a protocol.

    Raises:
        ConfigError: it cannot serve these people.
        PluginError: its function fails.
    """
    hint = "Let its function raise a ConfigError that says what it needs; MEBENCH_DEBUG=1 shows the line"
    with refused_by_plugin(f"protocol {protocol.name!r} made no folds of {len(people.persons)} people", hint):
        return tuple(protocol.draw_folds(people, params))


def check_adaptation(data: RunData, adaptation: str) -> None:
    """Refuse adaptation between databases unless each fold tests a whole database.

    Raises:
        ConfigError: the run spots, or a fold trains and tests on one database, or `drls` has several classes a clip.
    """
    if adaptation == "drls" and data.task.several:
        raise ConfigError(
            f"adaptation=drls regenerates each clip as one class, and the scheme {data.scheme.name!r} names several classes of a "
            f"clip: choose another adaptation, such as tsrg, or another scheme"
        )
    if adaptation == "none":
        return
    sides = [({s.dataset for s in fold.test}, {s.dataset for s in (*fold.train, *fold.valid)}) for fold in data.folds]
    if "spot" in data.task.tasks or any(test & train for test, train in sides):
        raise ConfigError(
            f"adaptation={adaptation} brings another database to those that train, for recognition of annotated clips; this "
            f"run spots, or trains and tests on one database: choose a protocol such as lodo, cd6me or cdmer, or leave it out"
        )


def check_people(data: RunData) -> None:
    """Refuse folds that train and test on one person, unless the protocol does.

    Raises:
        RunError: a fold does.
    """
    for fold in () if data.protocol.subject_dependent else data.folds:
        if both := data.on_both_sides(fold):
            raise RunError(
                f"fold {fold.key!r} of protocol {data.protocol.name!r} trains and tests on {min(both)}: that is a "
                "mistake in the protocol; protocol=loso holds people out"
            )


def check_folds(data: RunData) -> None:
    """Refuse folds that cannot be scored: none, two of one name, or one video in two folds that are scored together.

    Raises:
        RunError: they are such.
    """
    name = data.protocol.name
    if not data.folds:
        raise RunError(f"protocol {name!r} made no fold: let its function return one or more")
    keys = set[str]()
    tested_in = dict[object, str]()
    for fold in data.folds:
        if fold.key in keys:
            raise RunError(f"protocol {name!r} made two folds called {fold.key!r}: give each a name of its own")
        keys.add(fold.key)
        if data.scored_each:
            continue
        for tested in fold.videos or fold.test:
            other = tested_in.setdefault(tested, fold.key)
            if other != fold.key:
                raise RunError(
                    f"folds {other!r} and {fold.key!r} of protocol {name!r} both test {tested}, which would count twice in scores of all "
                    "folds together: let one fold test it, or give Protocol scored_each=lambda params: True, the mean over folds"
                )


def check_training(data: RunData) -> None:
    """Refuse folds that cannot learn: each needs k' for each kind it spots, and training clips to learn emotions from.

    Raises:
        ConfigError: a fold lacks one.
    """
    for fold in data.folds:
        if "spot" in data.task.tasks:
            for group, timing in data.find_timings(fold).items():
                if missing := [kind for kind in data.task.kinds if kind not in timing.k_prime]:
                    raise ConfigError(
                        f"fold {fold.key!r}: no training subject shows a {missing[0]}-expression, so its mean length in "
                        f"{group!r} is unknown: use more subjects, or other kinds=…"
                    )
        if "recognize" in data.task.tasks and not data.holds_scored_clip[data.choose_videos(fold).train].any():
            raise ConfigError(
                f"fold {fold.key!r}: no training clip has a class of the scheme {data.scheme.name!r}: "
                f"{_why_without_class(data)}"
            )


def _why_without_class(data: RunData) -> str:
    """What to do where no clip has a class: mend labels that no scheme knows, or choose another scheme."""
    unknown = unknown_labels(data.dataset)
    if unknown:
        return f"{unknown[0]}. Correct it, or choose another scheme with scheme=NAME"
    return "choose another with scheme=NAME"
