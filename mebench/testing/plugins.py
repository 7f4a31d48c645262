"""What methods and datasets have in common: a folder with `config.yaml`, `params.py` and a card."""

import dataclasses
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mebench.config import registry
from mebench.config.parts import keys
from mebench.config.registry import PluginInfo, PluginKind
from mebench.config.typed_values import typed
from mebench.core import KINDS
from mebench.errors import ConfigError
from mebench.testing.checks import promise

HEAVY = ("torch", "lightning", "mlflow", "pandas", "scipy", "sklearn", "cv2")
"""Packages that take long to import: `mebench list`, `info` and the completion of words must not wait for them."""


class Owner:
    """What is checked, a plugin by kind and id; it knows its files."""

    kind: PluginKind
    id: str

    def owns(self, file: Path) -> bool:
        """Whether a file belongs to the plugin."""
        info = registry.plugins(self.kind).get(self.id)
        return info is not None and file.resolve().is_relative_to(info.folder)


@promise("Write config.yaml as `mebench new` does: title, summary, tasks, and sections of params.py's keys alone")
def config_is_complete(subject: Owner) -> None:
    """`config.yaml` holds title, summary and tasks; the folder is named like the plugin and holds its modules."""
    info = registry.plugins(subject.kind).get(subject.id)
    assert info is not None, f"no {subject.kind} is called {subject.id!r}: its folder must have that name"
    assert info.broken is None, info.broken
    assert "\n" not in info.summary.strip(), f"the summary in {info.where}/config.yaml must be one line"
    preset, presets = info.config.get("preset"), info.section("presets")
    assert preset is None or preset in presets, (
        f"{info.where}/config.yaml: preset {preset!r} is not among {list(presets)}"
    )


@promise("Give every field a default, and write @dataclass(frozen=True)", after="config_is_complete")
def params_are_a_frozen_dataclass(subject: Owner) -> None:
    """`Params` can be built without arguments, is frozen, and equal parameters are equal objects."""
    params = registry.params_class(registry.find(subject.kind, subject.id))
    assert getattr(params, "__dataclass_params__").frozen, "Params must be frozen: @dataclass(frozen=True)"  # noqa: B009
    assert params() == params() and hash(params()) == hash(params()), "two Params() must be equal and hashable"


@promise(
    "Import in params.py and __init__.py only the standard library, mebench.errors, mebench.features and mebench.spotting",
    after="params_are_a_frozen_dataclass",
)
def params_import_nothing_heavy(subject: Owner) -> None:
    """A fresh Python imports `params.py` without torch and the like, so that listing and completing stay quick."""
    info = registry.find(subject.kind, subject.id)
    package = f"mebench.{subject.kind}s"
    code = (
        f"import importlib, json, sys, {package}\n"
        f"{package}.__path__.extend(json.loads(sys.argv[1]))\n"
        f"importlib.import_module('{info.module}.params')\n"
        f"print(json.dumps([n for n in {HEAVY} if n in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps([str(info.folder.parent)])],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (
        f"{info.where}/params.py cannot be imported alone: {done.stderr.strip().splitlines()[-1]}"
    )
    heavy = json.loads(done.stdout.splitlines()[-1])
    assert not heavy, (
        f"{info.where}/params.py (or its package's __init__.py) imports {', '.join(heavy)}: move it to {subject.kind}.py"
    )


@promise("Make config.yaml and params.py agree", after="params_are_a_frozen_dataclass")
def presets_and_settings_are_valid(subject: Owner) -> None:
    """`params`, every preset, every setting for a dataset and every value of another input give a valid `Params`."""
    info = registry.find(subject.kind, subject.id)
    presets, base = info.section("presets"), info.section("params")
    build(info, base, "params")
    for name, values in presets.items():
        build(info, base | (values or {}), f"presets.{name}")
    for name, values in info.section("datasets").items():
        own = dict(values or {})
        preset = own.pop("preset", info.config.get("preset"))
        assert preset is None or preset in presets, f"datasets.{name}: preset {preset!r} is not among {list(presets)}"
        build(info, base | (presets.get(preset) or {}) | own, f"datasets.{name}")
    for name, said in info.section("other_input").items():
        for value in said or {}:
            build(info, base | {name: value}, f"other_input.{name}")


def build(info: PluginInfo, values: Mapping[str, Any], where: str) -> Any:
    """An instance of the plugin's `Params`.

    Raises:
        AssertionError: a key is unknown, or a value has the wrong type or range.
    """
    origin, kind = f"{info.where}/config.yaml: {where}", info.kind
    try:
        own = typed(
            {f"{kind}.{name}": (value, origin) for name, value in values.items()},
            {f"{kind}.{name}": hint for name, hint in keys(info).items()},
        )
    except ConfigError as error:
        raise AssertionError(str(error)) from error
    try:
        return registry.params_class(info)(**{name.removeprefix(f"{kind}."): value for name, value in own.items()})
    except (ConfigError, ValueError) as error:
        raise AssertionError(f"{origin}: {error}") from error


@promise(
    "Write in README.md what the plugin does, and cite the paper that config.yaml names",
    after="config_is_complete",
)
def card_names_the_paper(subject: Owner) -> None:
    """`README.md` stands in the folder and cites the paper of `config.yaml`: its first author and year at least."""
    info = registry.find(subject.kind, subject.id)
    card = info.folder / "README.md"
    assert card.is_file(), f"{info.where} has no card: write README.md"
    text, paper = card.read_text(encoding="utf-8"), str(info.config.get("paper") or "")
    author, year = re.match(r"[^\W\d_]+", paper), re.search(r"\b(19|20)\d\d\b", paper)
    for word in (found.group() for found in (author, year) if found):
        assert word in text, (
            f"{info.where}/README.md does not cite the paper of config.yaml ({paper}): {word!r} is missing"
        )


@promise("Define the class at the top of its module, and Plugin = that class", after="params_are_a_frozen_dataclass")
def class_pickles(subject: Owner) -> None:
    """Whoever is handed something of the plugin finds its class by the name."""
    plugin = registry.load(subject.kind, subject.id)
    assert pickle.loads(pickle.dumps(plugin)) is plugin, (
        f"{plugin.__qualname__} must be defined at the top of its module"
    )


def declares(subject: Owner, base: type) -> None:
    """The class keeps to `base`, and says the same as `config.yaml` and `params.py`."""
    info, plugin = registry.find(subject.kind, subject.id), registry.load(subject.kind, subject.id)
    assert issubclass(plugin, base), f"Plugin must be a {base.__name__}, not {plugin.__mro__[1].__name__}"
    tasks = getattr(plugin, "tasks", None)
    assert tasks == frozenset(info.tasks), (
        f"the class says tasks {tasks}, config.yaml says {info.tasks}: they must be the same"
    )
    params = registry.params_class(info)
    assert getattr(plugin, "Params", None) is params, "the class attribute Params must be the dataclass of params.py"
    kinds = getattr(plugin, "kinds")  # noqa: B009
    assert kinds and set(kinds) <= set(KINDS), f"kinds must be some of {KINDS}, not {kinds}"


COMMON = (
    config_is_complete,
    params_are_a_frozen_dataclass,
    params_import_nothing_heavy,
    presets_and_settings_are_valid,
    card_names_the_paper,
    class_pickles,
)


def cut_down(info: PluginInfo, most: int = 1) -> list[str]:
    """Words that keep training and random draws short: the preset `contract`, if there is one, and every `epochs…` and `draws…`."""
    return [
        *([f"{info.kind}.preset=contract"] if "contract" in info.section("presets") else []),
        *(
            f"{info.kind}.{f.name}={most}"
            for f in dataclasses.fields(registry.params_class(info))
            if f.name.startswith(("epochs", "draws")) and isinstance(f.default, int)
        ),
    ]
