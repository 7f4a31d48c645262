"""Check all plugins of a folder; write a new plugin from a template."""

import keyword
import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from mebench.atomic import whole_folder
from mebench.config import parameter_types, registry, user_setting
from mebench.config.registry import PluginKind
from mebench.errors import check_known, refuse_if
from mebench.files import write_text
from mebench.metrics import own_metrics
from mebench.metrics.catalogue import METRICS
from mebench.testing.checks import TINY, Check, scratch_folder
from mebench.testing.contracts import dataset_checks, method_checks
from mebench.testing.metric_contract import metric_checks

METHOD_TEMPLATES = ("spotter", "recognizer", "network", "lightning", "sequence", "linear", "timm")
DATASET_TEMPLATES = ("dataset", "films")
"""Templates of datasets: of folders of images, and of films."""
_ENDING = ".txt"
TEST = '''"""The plugins of this folder keep their contracts: pytest {name}"""

from pathlib import Path

from mebench.testing import parametrize_with_checks


@parametrize_with_checks(Path(__file__).parent)
def test_contract(check):
    check.run()
'''


def plugin_checks(kind: PluginKind, id_: str, **params: Any) -> list[Check]:
    """The checks of a plugin; a dataset without its root is checked on its drawn stand-in, if it has one.

    Args:
        kind: `method` or `dataset`.
        id_: its name.
        params: parameters of a dataset, for example `root="/data/mine"`; none for a method, which must run with its defaults.
    """
    if kind == "method":
        return method_checks(id_, (*TINY, *(f"method.{key}={value}" for key, value in params.items())))
    if "root" not in params:
        with suppress(Exception):  # the checks report the fault
            if "root" in parameter_types(registry.find_plugin("dataset", id_)) and not user_setting(f"roots.{id_}", ""):
                plugin: Any = registry.load_plugin("dataset", id_)
                drawn = tempfile.mkdtemp(prefix=f"{id_}-", dir=scratch_folder())
                plugin.write_fake_tree(Path(drawn))
                params["root"] = drawn
    return dataset_checks(id_, **params)


def folder_checks(folder: str | Path, **params: Mapping[str, Any]) -> list[Check]:
    """The checks of all plugins of a folder for `--plugins`.

    Args:
        folder: contains `methods/` and `datasets/`, or folders of plugins directly.
        params: parameters of datasets, by id.
    """
    (place,) = registry.add_paths([folder])
    checks = list[Check]()
    for kind in registry.PLUGIN_KINDS:
        for info in registry.list_plugins(kind).values():
            if info.folder.is_relative_to(place):
                checks += plugin_checks(kind, info.id, **params.get(info.id, {}))
    for name, metric_folder in own_metrics.ADDED.items():
        if metric_folder.is_relative_to(place):
            checks += metric_checks(name)
    return checks


def parametrize_with_checks(checks: Iterable[Check] | str | Path, **params: Mapping[str, Any]) -> Any:
    """A decorator that turns each check into a pytest test; the test takes the argument `check`.

    Args:
        checks: the checks, or a folder of plugins for `--plugins`: then the checks of all its plugins.
        params: parameters of datasets in that folder, by id, for example `mine={"root": "/data/mine"}`.
    """
    import pytest

    every = folder_checks(checks, **params) if isinstance(checks, str | Path) else [*checks]
    return pytest.mark.parametrize("check", every, ids=str)


def write_plugin(kind: PluginKind | Literal["metric"], name: str, folder: Path, template: str = "") -> list[Path]:
    """Write a plugin that keeps its contract, and a test of its folder.

    Args:
        kind: `method`, `dataset` or `metric`.
        name: name of the plugin, in snake_case.
        folder: the folder for `--plugins`; created if missing.
        template: one of `METHOD_TEMPLATES` or `DATASET_TEMPLATES`; the first by default.

    Returns:
        The files.

    Raises:
        ConfigError: the name is not possible or is taken; there is no such template.
    """
    templates = {"method": METHOD_TEMPLATES, "dataset": DATASET_TEMPLATES}
    known = templates.get(kind, (kind,))
    template = template or known[0]
    check_known("template", template, known)
    target = folder / f"{kind}s" / name
    taken = _place_of(kind, name)
    refuse_if(
        (
            not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name),
            f"a plugin's name must be in snake_case, such as my_{kind}, not {name!r}",
        ),
        (taken, f"there is a {kind} called {name!r}, in {taken}: choose another name"),
        (target.exists(), f"{target} exists already: choose another name, or remove it"),
    )
    label = name.replace("_", " ")
    words = {"name": name, "label": label, "title": label.capitalize(), "Class": name.title().replace("_", "")}
    texts = {"__init__.py": f'"""{words["title"]}."""\n'} | {
        file.name.removesuffix(_ENDING): re.sub(
            r"\{\{(\w+)\}\}", lambda match: words[match[1]], file.read_text(encoding="utf-8")
        )
        for file in sorted((Path(__file__).parent / "templates" / template).glob(f"*{_ENDING}"))
    }
    with whole_folder(target) as made:
        for file_name, text in texts.items():
            write_text(made / file_name, text)
    written = [target / file_name for file_name in texts]
    if not list(folder.glob("test_*.py")):
        written.append(folder / "test_plugins.py")
        write_text(written[-1], TEST.format(name=folder.name))
    return written


def _place_of(kind: PluginKind | Literal["metric"], name: str) -> str:
    """Where a plugin of that name is; empty if there is none."""
    if kind == "metric":
        if name not in METRICS:
            return ""
        return METRICS[name].own or "mebench itself"
    info = registry.list_plugins(kind).get(name)
    return str(info.folder) if info else ""
