"""Plugins are found by their folders, imported on use, and a broken one breaks nothing else."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mebench.config import registry
from mebench.errors import ConfigError, PluginError


def test_plugins_lists_folders_without_importing_them(write_plugin):
    root = write_plugin("method", "tiny", code="raise RuntimeError('imported')")
    registry.add_paths([root])

    info = registry.list_plugins("method")["tiny"]

    assert (info.kind, info.id, info.title, info.summary, info.tasks) == (
        "method",
        "tiny",
        "Tiny",
        "for tests",
        ("spot",),
    )
    assert info.folder == root / "methods" / "tiny"
    assert info.broken is None
    assert info.where == "methods/tiny"
    assert "mebench.methods.tiny" not in sys.modules
    assert "tiny" not in registry.list_plugins("dataset")


def test_plugins_are_sorted_by_name(write_plugin):
    for name in ("zebra", "aardvark"):
        registry.add_paths([write_plugin("method", name, root=name)])
    listed = list(registry.list_plugins("method"))
    assert {"aardvark", "zebra", "mean"} <= set(listed)
    assert listed == sorted(listed)


def test_known_plugin_is_that_of_the_list(write_plugin):
    registry.add_paths([write_plugin("method", "tiny"), write_plugin("method", "Bad Name", root="other")])
    listed = registry.list_plugins("method")
    assert listed["Bad Name"].broken
    assert {id_: registry.known_plugin("method", id_) for id_ in listed} == listed
    assert [registry.known_plugin("method", id_) for id_ in ("nobody", "", "..", "a/b", "casme2")] == [None] * 5


def test_load_imports_under_the_built_in_package(write_plugin):
    registry.add_paths([write_plugin("method", "tiny")])

    plugin = registry.load_plugin("method", "tiny")

    assert plugin is importlib.import_module("mebench.methods.tiny.method").Plugin
    assert registry.params_class(registry.find_plugin("method", "tiny"))(p=0.2).p == 0.2


def test_add_paths_takes_plugin_folders_directly(write_plugin):
    root = write_plugin("method", "tiny")
    write_plugin("dataset", "toy", root="mine/methods/..")
    (root / "datasets" / "toy").rename(root / "methods" / "toy")

    registry.add_paths([root / "methods"])

    assert "tiny" in registry.list_plugins("method")
    assert "toy" not in registry.list_plugins("method")
    assert "toy" in registry.list_plugins("dataset")
    assert "tiny" not in registry.list_plugins("dataset")


def test_add_paths_twice_or_by_link_is_no_clash(write_plugin, tmp_path):
    root = write_plugin("method", "tiny")
    (tmp_path / "link").symlink_to(root)
    assert registry.add_paths([root, tmp_path / "link"]) == (str(root), str(root))
    registry.add_paths([root])
    assert registry.find_plugin("method", "tiny").broken is None


def test_find_names_both_plugins_of_one_name(write_plugin):
    roots = [
        write_plugin("method", "tiny", root="a"),
        write_plugin("method", "tiny", root="b"),
        write_plugin("method", "fine"),
    ]
    registry.add_paths(roots)

    with pytest.raises(PluginError) as error:
        registry.find_plugin("method", "tiny")

    assert all(str(root / "methods" / "tiny") in str(error.value) for root in roots[:2])
    assert registry.find_plugin("method", "fine").id == "fine"


BROKEN = {
    "no_params": ({"params": None}, "no params.py"),
    "no_code": ({"code": None}, "no method.py"),
    "no_config": ({"config": None}, "no config.yaml"),
    "bad_yaml": ({"config": "params: [1"}, "unreadable"),
    "no_map": ({"config": "params: 3"}, "params must be a map"),
    "unknown_published": (
        {"config": "presets: {short: {}}\npublished: long"},
        "published must name presets with the settings of the paper or its program, not 'long'",
    ),
    "no_preset_map": ({"config": "presets: {short: 3}"}, "presets.short must be a map"),
    "typo": ({"config": "preset_: x"}, "Did you mean 'preset'?"),
    "odd_task": ({"config": "tasks: [spt]"}, "tasks must be"),
    "no_title": ({"config": "title:"}, "title is missing"),
    "Camel-Case": ({}, "not snake_case"),
}


@pytest.mark.parametrize("id_", BROKEN)
def test_find_refuses_a_broken_plugin_with_its_reason(write_plugin, id_):
    files, reason = BROKEN[id_]
    write_plugin("method", "fine")
    registry.add_paths([write_plugin("method", id_, **files)])

    listed = registry.list_plugins("method")

    assert reason in listed[id_].broken
    assert listed["fine"].broken is None
    with pytest.raises(PluginError, match="is broken"):
        registry.load_plugin("method", id_)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "import no_such_module_anywhere",
            r"method\.py, line 1: ModuleNotFoundError: No module named 'no_such_module_anywhere'",
        ),
        ("x = 1\n\ndef broken(:\n", r"method\.py, line 3: SyntaxError"),
        ("import sys\nsys.exit('bye')", r"method\.py, line 2: SystemExit: bye"),
        ("x = 1", r"methods/tiny/method\.py defines no Plugin"),
        ("Plugin = 3", r"Plugin must be a class"),
    ],
)
def test_load_names_file_and_line_of_a_failing_import(write_plugin, code, reason):
    registry.add_paths([write_plugin("method", "tiny", code=code)])
    with pytest.raises(PluginError, match=reason) as error:
        registry.load_plugin("method", "tiny")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ("class Params: pass", "must be a dataclass"),
        (
            "from dataclasses import dataclass\n@dataclass\nclass Params:\n    name: str = ''",
            "may not have a field 'name'",
        ),
    ],
)
def test_params_class_refuses_what_words_cannot_set(write_plugin, params, reason):
    registry.add_paths([write_plugin("method", "tiny", params=params)])
    with pytest.raises(PluginError, match=reason):
        registry.params_class(registry.find_plugin("method", "tiny"))


def test_find_names_the_nearest_of_an_unknown_name(write_plugin):
    registry.add_paths([write_plugin("method", "tiny")])
    with pytest.raises(
        PluginError, match=r"unknown method 'tinny'\. Did you mean 'tiny'\? Known: .*tiny.*mebench list methods"
    ):
        registry.find_plugin("method", "tinny")


def test_find_tells_of_a_plugin_that_lies_beside(write_plugin, own_folder):
    write_plugin("method", "mine").rename(own_folder / "plugins")
    with pytest.raises(PluginError, match=r"^method 'mine' lies in \./plugins: add --plugins plugins, or"):
        registry.find_plugin("method", "mine")


@pytest.mark.parametrize("wrong", ["absent", "empty", "plugin itself"])
def test_add_paths_refuses_a_path_without_plugins(write_plugin, tmp_path, wrong):
    root = write_plugin("method", "tiny")
    (tmp_path / "empty").mkdir()
    path = {"absent": tmp_path / "nowhere", "empty": tmp_path / "empty", "plugin itself": root / "methods" / "tiny"}[
        wrong
    ]
    with pytest.raises(ConfigError, match=str(path)):
        registry.add_paths([path])


def install(site: Path, entry_points: str) -> None:
    """A distribution as pip would leave it."""
    info = site / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


def test_plugins_reads_entry_points_without_importing_them(write_plugin, tmp_path, monkeypatch):
    write_plugin("method", "spotter", root="site/acme")
    (tmp_path / "site" / "acme" / "__init__.py").write_text("raise RuntimeError('imported')")
    points = "[mebench.methods]\nacme_spotter = acme.methods.spotter\ngone = acme_gone.spotter\n"
    install(tmp_path / "site", points)
    monkeypatch.syspath_prepend(tmp_path / "site")

    listed = registry.list_plugins("method")

    assert listed["acme_spotter"].broken is None
    assert listed["acme_spotter"].folder == tmp_path / "site" / "acme" / "methods" / "spotter"
    assert "not installed" in listed["gone"].broken
    assert "acme" not in sys.modules

    (tmp_path / "site" / "acme" / "__init__.py").write_text("")
    try:
        assert registry.load_plugin("method", "acme_spotter").__module__ == "acme.methods.spotter.method"
    finally:
        for name in [n for n in sys.modules if n.split(".")[0] == "acme"]:
            del sys.modules[name]


def test_find_refuses_entry_point_and_folder_of_one_name(write_plugin, tmp_path, monkeypatch):
    registry.add_paths([write_plugin("method", "tiny")])
    write_plugin("method", "other", root="site/acme")
    install(tmp_path / "site", "[mebench.methods]\ntiny = acme.methods.other\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(PluginError, match=r"mine/methods/tiny and .*acme/methods/other"):
        registry.find_plugin("method", "tiny")


def test_other_input_names_values_unlike_the_paper(write_plugin):
    registry.add_paths(
        [
            write_plugin(
                "method", "tiny", config="other_input: {features: {flow: 'flow, for depth', 64: '64 for 256'}}\n"
            )
        ]
    )
    info = registry.find_plugin("method", "tiny")
    for value, remark in (("flow", "flow, for depth"), (64, "64 for 256"), ("depth", ""), (["flow"], ""), (None, "")):
        assert info.other_input({"method.features": value, "recognizer.features": "depth"}, "method") == remark
    assert info.other_input({"method.features": "flow"}, "recognizer") == ""


@pytest.mark.parametrize("tasks", ["('spot',)", "'spot'"])
def test_plugin_class_refuses_tasks_that_are_no_set(write_plugin, tasks):
    registry.add_paths([write_plugin("dataset", "tiny", code=f"class Plugin:\n    tasks = {tasks}\n")])
    sentence = (
        f"datasets/tiny/dataset.py: tasks of Plugin must be a frozenset, such as frozenset({{'spot'}}), not {tasks}"
    )
    with pytest.raises(PluginError, match=re.escape(sentence)):
        registry.load_plugin("dataset", "tiny")


@pytest.mark.parametrize("declared", ["", "5", "{features: }", "{features: 5}"])
def test_other_input_is_empty_where_nothing_is_said(write_plugin, declared):
    registry.add_paths([write_plugin("method", "tiny", config=f"other_input: {declared}\n")])
    assert registry.list_plugins("method")["tiny"].other_input({"method.features": "flow"}, "method") == ""


def test_content_hash_follows_code_and_settings(write_plugin):
    registry.add_paths([write_plugin("method", "tiny")])
    info = registry.find_plugin("method", "tiny")
    before = registry.content_hash(info)

    (info.folder / "README.md").write_text("a card")
    (info.folder / "__pycache__").mkdir()
    (info.folder / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert registry.content_hash(info) == before

    seen = {before}
    for name in ("config.yaml", "params.py", "deep/network.py"):
        file = info.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text((file.read_text() if file.exists() else "") + "\n# changed\n")
        seen.add(registry.content_hash(info))
    assert len(seen) == 4


def test_add_paths_finds_the_same_plugin_in_a_worker(write_plugin):
    root = write_plugin("method", "tiny")
    code = f"from mebench.config import registry; registry.add_paths([{str(root)!r}]); print(registry.load_plugin('method', 'tiny'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "mebench.methods.tiny.method.Plugin" in done.stdout
