"""Finds plugins and imports them on use. One folder is one plugin; listing them reads `config.yaml` only."""

import filecmp
import hashlib
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from mebench._installation import checkout_folder
from mebench.config.spellings import meant_names, usual_id
from mebench.errors import ConfigError, PluginError, find_plugin_line, refuse_if, unknown
from mebench.files import read_yaml
from mebench.lazy_imports import lazy_imports

with lazy_imports():
    from mebench.metrics import own_metrics
    from mebench.protocols import known as known_protocols, protocol

PluginKind = Literal["method", "dataset"]
PLUGIN_KINDS: tuple[PluginKind, ...] = get_args(PluginKind)

_REQUIRED = ("title", "summary", "tasks")
_ADVICE = {"tasks": ": name them here, too, such as tasks: [spot], since lists of plugins read no code"}
_MAPS = ("params", "presets", "datasets", "search", "other_input", "openness")
_MAPS_OF_MAPS = ("presets", "datasets", "other_input")
_IMPORTED = "__mebench_code__"
"""Where a plugin's package keeps the hash of its code as it was imported."""
_KEYS = {*_REQUIRED, *_MAPS, "paper", "preset", "published", "chance", "reads", "pretrained", "spellings"}


@dataclass(frozen=True)
class PluginInfo:
    """A plugin as known without importing it.

    Attributes:
        kind: `method` or `dataset`.
        id: its name on the command line.
        folder: where its files are.
        module: its package, for example `mebench.methods.mean`.
        config: its `config.yaml`; empty if that is unreadable.
        broken: the reason if it cannot be used, else None.
    """

    kind: PluginKind
    id: str
    folder: Path
    module: str
    config: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    broken: str | None = None

    @property
    def title(self) -> str:
        """Its displayed name."""
        return str(self.config.get("title", ""))

    @property
    def summary(self) -> str:
        """One line about it."""
        return str(self.config.get("summary", ""))

    @property
    def spellings(self) -> tuple[str, ...]:
        """Further names under which it is found, in small letters."""
        return tuple(map(str, self.config.get("spellings") or ()))

    @property
    def published(self) -> tuple[str, ...]:
        """The presets of its paper or its authors' program, where its defaults are others."""
        return tuple(map(str, _as_list(self.config.get("published"))))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Its tasks: `spot`, `recognize` or both."""
        tasks = self.config.get("tasks")
        return tuple(map(str, tasks)) if isinstance(tasks, list) else ()

    @property
    def where(self) -> str:
        """Its folder in short, for messages: `methods/mean`."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    def read_section(self, key: str) -> dict[str, Any]:
        """A map of `config.yaml`: `params`, `presets` or `datasets`; empty if absent."""
        return self.config.get(key) or {}

    def other_input(self, config: Mapping[str, Any], part: str) -> str:
        """The deviations of input, network or training from the paper, in words; empty if there is none.

        Args:
            config: flat configuration of a run.
            part: role of the plugin in it, `method` or `recognizer`.
        """
        if self.broken:
            return ""
        deviations = []
        for name, text_of_value in self.read_section("other_input").items():
            value = config.get(f"{part}.{name}")
            if isinstance(value, str | int) and value in (text_of_value or {}):
                deviations.append(str(text_of_value[value]))
        return "; ".join(deviations)

    def search_of_step(self, step: str) -> dict[str, dict[str, Any]]:
        """The parameters under `search` that act on one step (`postprocess`, `training`, `features`), by name."""
        search = {name: spec for name, spec in self.read_section("search").items() if isinstance(spec, dict)}
        return {name: spec for name, spec in search.items() if spec.get("acts", "training") == step}


def list_plugins(kind: PluginKind) -> dict[str, PluginInfo]:
    """All plugins of a kind, sorted by id, broken ones with their reason. Imports none of them."""
    return {id_: _info(kind, id_, packages) for id_, packages in sorted(_packages_by_id(kind).items())}


def known_plugin(kind: PluginKind, id_: str) -> PluginInfo | None:
    """The plugin of an id as `list_plugins` has it; None if there is none. No other plugin is looked at."""
    packages_by_id = _packages_by_id(kind, id_)
    return _info(kind, id_, packages_by_id[id_]) if id_ in packages_by_id else None


def id_of_spelling(kind: PluginKind, word: str) -> str:
    """The id of a plugin by a usual spelling, such as `CASME II`; any other word unchanged."""
    if known_plugin(kind, word) is not None:
        return word
    return usual_id(word, _spellings(kind)) or word


PROTOCOL_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "loso": ("leave_one_subject_out", "leaveonesubjectout"),
    "lodo": ("leave_one_dataset_out", "leaveonedatasetout"),
    "lovo": ("leave_one_video_out", "leaveonevideoout"),
    "kfold": ("k_fold",),
    "megc2019_cde": ("cde", "megc2019", "megc_2019"),
}
"""Further spellings of protocols, in small letters."""


def protocol_of_spelling(word: str) -> str:
    """The name of a protocol by a usual spelling, such as `LOSO`; any other word unchanged."""
    known = {name: PROTOCOL_SPELLINGS.get(name, ()) for name in known_protocols.PROTOCOLS}
    return usual_id(word, known) or word


def _spellings(kind: PluginKind) -> dict[str, tuple[str, ...]]:
    """The further spellings of each plugin, by its id."""
    return {id_: plugin.spellings for id_, plugin in list_plugins(kind).items()}


YOURS = "For a plugin of your own, name its folder with --plugins FOLDER or under plugins in mebench.yaml"
"""The end of an error about an unknown plugin."""


def find_plugin(kind: PluginKind, id_: str) -> PluginInfo:
    """The plugin of a name; for `slow:synthetic`, a member renamed to `slow`, it is `synthetic`.

    Raises:
        PluginError: unknown, broken, or two of that name.
    """
    id_ = id_.rpartition(":")[2]
    info = known_plugin(kind, id_)
    if info is None:
        if (Path("plugins") / f"{kind}s" / id_).is_dir():  # where `mebench new` puts it
            raise PluginError(
                f"{kind} {id_!r} lies in ./plugins: add --plugins plugins, or plugins: plugins in mebench.yaml"
            )
        known = [*_packages_by_id(kind)]
        spelled = usual_id(id_, _spellings(kind))
        if spelled is not None:
            raise PluginError(f"unknown {kind} {id_!r}: its id is {spelled!r}. See them with: mebench list {kind}s")
        meant = meant_names(id_, known) if kind == "dataset" else known
        raise PluginError(unknown(kind, id_, known, f"See them with: mebench list {kind}s. {YOURS}", meant))
    if info.broken:
        raise PluginError(f"{kind} {id_!r} is broken: {info.broken}")
    return info


def params_class(info: PluginInfo) -> type:
    """The dataclass `Params` of a plugin, from its `params.py`, which imports nothing heavy.

    Raises:
        PluginError: it cannot be imported, is no dataclass, or has a field called `name` or `preset`.
    """
    params = _attribute(info, "params", "Params")
    if not (isinstance(params, type) and is_dataclass(params)):
        raise PluginError(f"{info.where}/params.py: Params must be a dataclass")
    if reserved := {"name", "preset"} & {f.name for f in fields(params)}:
        raise PluginError(
            f"{info.where}/params.py: Params may not have a field {min(reserved)!r}, which names the plugin's own"
        )
    return params


def load_plugin(kind: PluginKind, id_: str) -> type:
    """The class of the plugin of that name.

    Raises:
        PluginError: unknown or broken, or its import fails; the sentence names file and reason.
    """
    return plugin_class(find_plugin(kind, id_))


def plugin_class(info: PluginInfo) -> type:
    """The plugin's class: the attribute `Plugin` of its `method.py` or `dataset.py`.

    Raises:
        PluginError: its import fails, or its `tasks` are no set; the sentence names file and reason.
    """
    plugin = _attribute(info, info.kind, "Plugin")
    if not isinstance(plugin, type):
        raise PluginError(f"{info.where}/{info.kind}.py: Plugin must be a class, not {plugin!r}")
    tasks: Any = getattr(plugin, "tasks", frozenset())
    if not isinstance(tasks, Set):
        example = f"frozenset({{{', '.join(map(repr, sorted(info.tasks)))}}})"
        raise PluginError(
            f"{info.where}/{info.kind}.py: tasks of {plugin.__name__} must be a frozenset, such as {example}, not {tasks!r}"
        )
    return plugin


def content_hash(info: PluginInfo) -> str:
    """Hash of the plugin's code and settings, all `*.py` and `config.yaml`."""
    return _hash(info, [*info.folder.rglob("*.py"), info.folder / "config.yaml"])


def refuse_edited(info: PluginInfo) -> None:
    """Refuse a plugin whose code was edited after this program imported it: the old code would run under the key of the
    new.

    Raises:
        PluginError: the code was edited; changes of `config.yaml` are allowed, since it is read again.
    """
    imported = getattr(sys.modules.get(info.module), _IMPORTED, None)
    if imported not in (None, _hash(info, info.folder.rglob("*.py"))):
        raise PluginError(
            f"{info.kind} {info.id!r} ({info.folder}) was edited since this program imported it: start the program again"
        )


def _hash(info: PluginInfo, files: Iterable[Path]) -> str:
    """A hash of files of a plugin, by their names and contents."""
    digest = hashlib.sha256()
    for file in sorted(files):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(info.folder).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def add_paths(paths: Iterable[str | Path]) -> tuple[str, ...]:
    """Add folders of plugins. Each has `methods/`, `datasets/`, `protocols/` or `metrics/`, or plugin folders directly.

    In `protocols/` each `<name>.py` is a protocol, `PROTOCOL` in it; in `metrics/` each `<id>/metric.py` is a metric, `METRIC` in it.
    The metrics of the installation join with the first call.

    They are imported under the same names as the built-in ones; worker processes call this with the same paths. Adding
    a path twice has no effect.

    Returns:
        the paths, absolute.

    Raises:
        ConfigError: a path does not exist or holds no plugin.
    """
    _add_metrics_of_installation(tuple(sys.path))
    absolute = tuple(str(Path(path).expanduser().resolve()) for path in paths)
    for path in map(Path, absolute):
        refuse_if(
            (not path.is_dir(), f"no plugins at {path}: the folder does not exist"),
            (
                any(_is_plugin(kind, path) for kind in PLUGIN_KINDS) or (path / own_metrics.FILE).is_file(),
                f"{path} is itself a plugin: give the folder that holds it, {path.parent}",
            ),
        )
        candidates = [(kind, folder) for kind in PLUGIN_KINDS for folder in (path / f"{kind}s", path)]
        present = [(kind, folder) for kind, folder in candidates if list(_inside(kind, folder))]
        has_protocols = False
        if (path / "protocols").is_dir():
            has_protocols = bool(known_protocols.add_folder(path / "protocols"))
        has_metrics = [own_metrics.add_metrics(folder) for folder in (path / "metrics", path)]
        if not has_protocols and not any(has_metrics) and not present:
            raise ConfigError(
                f"no plugins at {path}: expected methods/<id>/ or datasets/<id>/, or <id>/, each with config.yaml and "
                f"method.py or dataset.py; or protocols/<name>.py, or metrics/<id>/{own_metrics.FILE}"
            )
        for kind, folder in present:
            search = importlib.import_module(f"mebench.{kind}s").__path__
            if str(folder) not in search:
                search.append(str(folder))
    if absolute:
        importlib.invalidate_caches()
    return absolute


@cache
def _add_metrics_of_installation(path: tuple[str, ...]) -> None:
    """Add the metrics in the checkout's `metrics/`. Those of the installed packages of a search path are added, too."""
    for folder in checkout_folder("metrics"):
        own_metrics.add_metrics(Path(folder))
    for entry in _entry_points("mebench.metrics", path):
        own_metrics.add_metric(entry.name, _folder_of_entry(entry))


def _is_plugin(kind: PluginKind, folder: Path) -> bool:
    """Whether a folder holds the kind's file, or a `config.yaml` without another kind's file."""
    claimed = [k for k in PLUGIN_KINDS if (folder / f"{k}.py").is_file()]
    return kind in claimed or (not claimed and (folder / "config.yaml").is_file())


def _inside(kind: PluginKind, folder: Path, only: str | None = None) -> Iterator[Path]:
    """The plugins in a folder, of all names or of one."""
    if not folder.is_dir():
        return
    candidates = sorted(folder.iterdir()) if only is None else [folder / only]
    for candidate in candidates:
        lies_here = candidate.parent == folder  # not so where the one name holds a slash
        is_hidden = candidate.name[0] in "._"
        if lies_here and not is_hidden and candidate.is_dir() and _is_plugin(kind, candidate):
            yield candidate


def _packages_by_id(kind: PluginKind, only: str | None = None) -> dict[str, dict[Path, str]]:
    """For each id, or for one, its folders with their packages; more than one is a clash."""
    packages: dict[str, dict[Path, str]] = {}
    for root in importlib.import_module(f"mebench.{kind}s").__path__:
        for folder in _inside(kind, Path(root), only):
            packages.setdefault(folder.name, {}).setdefault(folder.resolve(), f"mebench.{kind}s.{folder.name}")
    for entry in _entry_points(f"mebench.{kind}s", tuple(sys.path)):
        if only in (None, entry.name):
            packages.setdefault(entry.name, {}).setdefault(_folder_of_entry(entry), entry.module)
    return packages


def _folder_of_entry(entry: importlib.metadata.EntryPoint) -> Path:
    """The folder of the package that an entry point names; the package's name where it is not installed."""
    top, *rest = entry.module.split(".")
    # A plugin's folder needs no __init__.py, so it is no module for `files.find_module_file`.
    try:
        spec = importlib.util.find_spec(top)  # imports neither the package nor its parents
    except (ImportError, ValueError):
        spec = None
    locations = [] if spec is None else spec.submodule_search_locations or []
    folders = [Path(location, *rest) for location in locations]
    return next((folder.resolve() for folder in folders if folder.is_dir()), Path(entry.module))


@cache
def _entry_points(group: str, path: tuple[str, ...]) -> tuple[importlib.metadata.EntryPoint, ...]:
    """The plugins of the installed packages of a search path; read once, since this is slow."""
    return tuple(importlib.metadata.entry_points(group=group))


def _info(kind: PluginKind, id_: str, packages: Mapping[Path, str]) -> PluginInfo:
    """The plugin in the first of its folders; broken if another folder holds something else."""
    folder, module = next(iter(packages.items()))
    if not all(_is_copy(folder, other) for other in packages):
        reason = f"several {kind}s have this name: {' and '.join(map(str, packages))}; rename or remove one"
        return PluginInfo(kind, id_, folder, module, broken=reason)
    return PluginInfo(kind, id_, folder, module, *_read(kind, id_, folder))


def _is_copy(one: Path, other: Path) -> bool:
    """Whether both are copies of one object.

    `evaluate` writes objects into a hidden folder beside the runs, named after their content.
    """
    if one == other:
        return True
    if not all(folder.parents[1].name.startswith(".") for folder in (one, other)):
        return False
    files = _files_of(one)
    if files != _files_of(other):
        return False
    return all(filecmp.cmp(one / file, other / file, shallow=False) for file in files)


def _files_of(folder: Path) -> set[Path]:
    """The files below a folder, from it on, without compiled ones."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.relative_to(folder) for file in files if file.suffix != ".pyc"}


def _read(kind: PluginKind, id_: str, folder: Path) -> tuple[dict[str, Any], str | None]:
    """The plugin's `config.yaml`, and the reason if the plugin is broken."""
    if not folder.is_dir():
        return {}, f"its package {folder} is not installed"
    missing = [name for name in ("config.yaml", "params.py", f"{kind}.py") if not (folder / name).is_file()]
    if "config.yaml" in missing:
        return {}, f"{folder} has no {', no '.join(missing)}"
    try:
        status = (folder / "config.yaml").stat()
        config, fault = _read_cached(folder / "config.yaml", status.st_ino, status.st_size, status.st_mtime_ns)
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        return {}, f"{folder / 'config.yaml'} is unreadable: {' '.join(str(error).split())}"
    if not isinstance(config, dict):
        return {}, f"{folder / 'config.yaml'} must hold a map with {', '.join(_REQUIRED)}"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", id_):
        return config, f"its name {id_!r} is not snake_case: rename {folder}"
    if missing:
        return config, f"{folder} has no {', no '.join(missing)}"
    return config, fault


@lru_cache(maxsize=1024)
def _read_cached(file: Path, inode: int, size: int, mtime_ns: int) -> tuple[Any, str | None]:
    """The content of a `config.yaml`, which callers must not change, and its first fault; read again only if the file
    changes.
    """
    config = read_yaml(file)
    fault = _first_fault(config) if isinstance(config, dict) else None
    if fault is None:
        return config, None
    return config, f"{file}: {fault}"


def _first_fault(config: Mapping[str, Any]) -> str | None:
    """The first fault in a `config.yaml`; None if there is none."""
    for key in config:
        if key not in _KEYS:
            return unknown("key", str(key), _KEYS)
    for key in _REQUIRED:
        if not config.get(key):
            return f"{key} is missing{_ADVICE.get(key, '')}"
    fault = _fault_in_lists(config)
    if fault is not None:
        return fault
    maps = {key: config.get(key) or {} for key in _MAPS}
    fault = _first_that_is_no_map(maps)
    if fault is not None:
        return fault
    for preset in _as_list(config.get("published")):
        if preset not in maps["presets"]:
            return f"published must name presets with the settings of the paper or its program, not {preset!r}"
    inner_maps = {f"{key}.{name}": value or {} for key in _MAPS_OF_MAPS for name, value in maps[key].items()}
    return _first_that_is_no_map(inner_maps)


def _fault_in_lists(config: Mapping[str, Any]) -> str | None:
    """The first fault in `tasks`, `reads` and `pretrained`; None if there is none."""
    tasks = config["tasks"]
    if not isinstance(tasks, list) or not set(map(str, tasks)) <= protocol.TASKS:
        return f"tasks must be a list of some of {', '.join(sorted(protocol.TASKS))}, not {tasks!r}"
    reads = config.get("reads", [])
    if not isinstance(reads, list) or not all(isinstance(path, str) for path in reads):
        return f"reads must be a list of files and folders, not {reads!r}"
    pretrained = config.get("pretrained", [])
    names = [pretrained] if isinstance(pretrained, str) else pretrained
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        return f"pretrained must name the data of loaded weights, or be none or unknown, not {pretrained!r}"
    return None


def _as_list(value: Any) -> list[Any]:
    """A value as a list; none without it."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _first_that_is_no_map(values: Mapping[str, Any]) -> str | None:
    """A sentence on the first value that is no map; None if all are maps."""
    return next((f"{key} must be a map, not {v!r}" for key, v in values.items() if not isinstance(v, dict)), None)


def _attribute(info: PluginInfo, file: str, name: str) -> Any:
    """An attribute of one of the plugin's modules; any failure of the import becomes one sentence."""
    path = f"{info.where}/{file}.py"
    try:
        module = importlib.import_module(f"{info.module}.{file}")
    except MemoryError:  # no fault of the plugin
        raise
    except (Exception, SystemExit) as error:
        line = find_plugin_line(error, lambda file: file.resolve().is_relative_to(info.folder))
        if line is not None:
            path = f"{line.file}, line {line.line}"
        message = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
        reason = f"{path}: {type(error).__name__}: {message}"
        raise PluginError(f"{info.kind} {info.id!r} cannot be imported: {reason}") from error
    package = vars(sys.modules[info.module])
    if _IMPORTED not in package:
        package[_IMPORTED] = _hash(info, info.folder.rglob("*.py"))
    if not hasattr(module, name):
        raise PluginError(f"{info.kind} {info.id!r} is broken: {path} defines no {name}")
    return getattr(module, name)
