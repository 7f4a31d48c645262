"""Words and files become one typed configuration that knows where each value comes from."""

import json
import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

from mebench.config import (
    NOT_IN_KEY,
    RunSettings,
    from_plain,
    registry,
    resolve,
    shaping_settings,
    typed_values,
    user_file,
)
from mebench.config.sources import settings_of
from mebench.core import KINDS, Kind
from mebench.errors import ConfigError, PluginError
from mebench.output.json_output import text_of_value
from mebench.records import recorded_settings
from mebench.runner import inputs
from tests.helpers.plugin_folders import copy_plugins

DATASET_PARAMS = """
from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    root: str | None = None
    label: str = "x"
    seed: int = 0
"""


@pytest.fixture
def root(write_plugin) -> Path:
    """A method `tiny` with presets, a dataset `toy` it has settings for, another method and another dataset."""
    write_plugin("method", "plain_method")
    write_plugin("dataset", "plain_data", params="from dataclasses import dataclass\n@dataclass\nclass Params: pass\n")
    root = write_plugin("dataset", "toy", params=DATASET_PARAMS)
    return copy_plugins(root, "tiny")


@pytest.fixture
def tiny(root):
    """Resolves words for `tiny` on `toy`."""
    return lambda *words, **more: resolve(["method=tiny", "dataset=toy", *words], plugins=[root], **more)


def fails(call, *parts: str) -> None:
    with pytest.raises((ConfigError, PluginError)) as error:
        call()
    for part in parts:
        assert part in str(error.value)


# Typing


def test_resolve_gives_each_value_its_type(tiny):
    config = tiny(
        "method.p=1",
        "method.epochs=7",
        "method.weights=[1, 2.5]",
        "method.shuffle=yes",
        "workers=null",
        "kinds=[macro]",
    )
    params = config.method_params
    assert (params.p, params.epochs, params.weights, params.shuffle) == (1.0, 7, (1.0, 2.5), True)
    assert isinstance(params.p, float)
    assert config.workers is None
    assert config.kinds == ("macro",)


@pytest.mark.parametrize(
    "raw", ["007", "/data/CAS(ME)^2/raw", "a=b", "a # b", "key: value", "[1", "{x}", "1e3", "true", "${HOME}", "%", "'"]
)
def test_resolve_keeps_text_unchanged(tiny, raw):
    config = tiny(f"dataset.root={raw}", f"dataset.label={raw}")
    assert config.dataset_params["toy"].root == config.dataset_params["toy"].label == raw


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.text())
def test_resolve_keeps_any_text_unchanged(tiny, raw):
    assert tiny(f"dataset.label={raw}").dataset_params["toy"].label == raw


def test_resolve_reads_null_by_type(tiny):
    config = tiny("dataset.root=null", "dataset.label=null")
    assert (config.dataset_params["toy"].root, config.dataset_params["toy"].label) == (None, "null")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("method.p=abc", "method.p must be a float, not 'abc' (command line)"),
        ("method.p=0,55", "method.p must be a float, with a point for decimals, not '0,55' (command line)"),
        ("method.p=true", "method.p must be a float, not 'true' (command line)"),
        ("method.epochs=1.5", "method.epochs must be an int, not '1.5' (command line)"),
        ("runs=", "runs is empty: name a folder, or leave runs= out (command line)"),
        ("cache=", "cache is empty: name a folder, or leave cache= out (command line)"),
        ("method.shuffle=2", "method.shuffle must be true or false, not '2' (command line)"),
        ("method.weights=[a]", "method.weights must be a list of float or null, not '[a]' (command line)"),
        ("method.flow=dos", "unknown method.flow 'dos'. Did you mean 'dis'? Known: dis, farneback, tvl1."),
        ("method.p=2", "method.p must lie in [0, 1], not 2.0 (command line)"),
        ("seed=-1", "seed must be in [0, 2**32), not -1 (command line)"),
        ("validation=1", "validation must be a share in [0, 1), not 1.0 (command line)"),
        ("devices=0", "devices must be 1 or more GPUs, or null for all, not 0 (command line)"),
        ("devices=2", "devices=2 counts GPUs, but accelerator=cpu uses none: add accelerator=gpu, or give workers=2"),
        ("precision=16-mixed", "precision=16-mixed needs a GPU: add accelerator=gpu, or choose precision=bf16-mixed"),
        ("precision=16", "precision '16'. Did you mean '16-mixed'? Known: 16-mixed"),
        ("protocol=lso", "unknown protocol 'lso'. Did you mean 'loso'?"),
        ("method.q=1", "unknown key 'method.q'"),
        (
            "method.epoch=1",
            "unknown key 'method.epoch'. Did you mean 'method.epochs'? Known: method.epochs, method.flow",
        ),
        ("sede=1", "unknown key 'sede'. Did you mean 'seed'? Known: dataset, degrade, devices"),
        ("p=0.5", "unknown key 'p'. Did you mean 'method.p'?"),
        ("optimizer.lr=1", "unknown key 'optimizer.lr'. Known: accelerator"),
        ("epoch=1", "unknown key 'epoch'. Did you mean 'method.epochs'?"),
        ("n_jobs=2", "unknown key 'n_jobs'. Did you mean 'workers'?"),
        ("max_epochs=2", "unknown key 'max_epochs'. Did you mean 'trainer.max_epochs'?"),
        ("method.random_state=2", "unknown key 'method.random_state'. Known: method.epochs"),
        ("dataset.path=/x", "unknown key 'dataset.path'. Did you mean 'dataset.root'? Known: dataset.label"),
        ("datset=plain_data", "unknown key 'datset'. Did you mean 'dataset'?"),
        ("method.pair=[1]", "method.pair must be a list of 2: [int, int], not '[1]' (command line)"),
        ("kinds=[]", "kinds must name micro, macro or both, each once, not [] (command line)"),
        ("method.preset=[short]", "unknown preset of tiny '[short]'. Did you mean 'short'? Known: long, paper, short."),
        ("method.preset=shrt", "unknown preset of tiny 'shrt'. Did you mean 'short'? Known: long, paper, short."),
        ("method=tinny", "unknown method 'tinny'. Did you mean 'tiny'?"),
        ("method=tiny,plain_method", "several runs at once are a sweep: mebench run -m"),
        ("protocol=loso,other", "several runs at once are a sweep: mebench run -m"),
        ("tiny", "'tiny' is not a key=value word: did you mean method=tiny?"),
        ("verbose", "'verbose' is not a key=value word: write for example method=mean or method.p=0.6, without blanks"),
        ("small.yaml", "'small.yaml' is not a key=value word: to read a file of settings, write -c small.yaml"),
    ],
)
def test_resolve_refuses_mistakes_with_the_reason(tiny, word, message):
    fails(lambda: tiny(word), message)


ODD_PARAMS = """
from dataclasses import dataclass
from mebench.core.options import check_ranges


@dataclass(frozen=True)
class Params:
    blocks: int = "four"

    def __post_init__(self):
        check_ranges(self, at_least_one=("blocks",))
"""


def test_resolve_names_a_default_of_another_type(root, write_plugin):
    write_plugin("method", "odd", params=ODD_PARAMS)
    fails(
        lambda: resolve(["method=odd", "dataset=toy"], plugins=[root]),
        "the default of method.blocks must be an int, not 'four': correct it",
        "odd/params.py",
    )


def test_resolve_names_the_origins_of_both_keys(tiny):
    Path("mebench.yaml").write_text("method.shuffle: true")
    fails(lambda: tiny("method.epochs=0"), "method.epochs: command line", "method.shuffle: ./mebench.yaml")


def test_resolve_needs_method_and_dataset(root):
    fails(lambda: resolve(["dataset=toy"], plugins=[root]), "no method is named", "method=<id>", "tiny")
    fails(lambda: resolve(["method=tiny"], plugins=[root]), "no dataset is named", "toy")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["method=tiny", "datset=toy"], "unknown key 'datset': did you mean dataset=toy? (command line)"),
        (["metod=tiny", "dataset=toy"], "unknown key 'metod': did you mean method=tiny? (command line)"),
        (["method=tiny", "dataset.root=/x"], "no dataset is named"),
    ],
)
def test_resolve_finds_misspelt_method_or_dataset(root, words, message):
    fails(lambda: resolve(words, plugins=[root]), message)


def test_resolve_finds_misspelt_dataset_of_a_file(root):
    Path("mebench.yaml").write_text("datasets: toy")
    fails(
        lambda: resolve(["method=tiny"], plugins=[root]),
        "unknown key 'datasets': did you mean dataset=toy? (./mebench.yaml)",
    )


def test_resolve_needs_a_parameter_without_default(write_plugin):
    params = "from dataclasses import dataclass\n@dataclass\nclass Params:\n    root: str\n"
    write_plugin("dataset", "needy", params=params)
    root = write_plugin("method", "tiny")
    words = ["method=tiny", "dataset=needy"]
    fails(lambda: resolve(words, plugins=[root]), "dataset.root has no value: add dataset.root=... (text)")
    fails(
        lambda: resolve([*words, "dataset.rot=x"], plugins=[root]),
        "unknown key 'dataset.rot'. Did you mean 'dataset.root'?",
    )
    assert resolve([*words, "dataset.root=x"], plugins=[root]).dataset_params["needy"].root == "x"


VALUES: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    str: st.text(),
    Literal["a", "b"]: st.sampled_from(["a", "b"]),
    int | None: st.none() | st.integers(),
    tuple[float, ...]: st.lists(st.floats(allow_nan=False, allow_infinity=False)).map(tuple),
    tuple[int, int]: st.tuples(st.integers(), st.integers()),
    list[bool]: st.lists(st.booleans()),
    set[int]: st.sets(st.integers()),
    frozenset[Literal["a", "b"]]: st.frozensets(st.sampled_from(["a", "b"])),
    Path: st.text("ab/", min_size=1).map(Path),
    Literal["auto", 1] | None: st.sampled_from(["auto", 1, None]),
    dict[str, int]: st.dictionaries(st.text("abc", min_size=1), st.integers()),
}


@pytest.mark.parametrize("hint", VALUES, ids=str)
@given(data=st.data())
def test_convert_value_reads_back_plain_yaml_and_words(hint, data):
    value = data.draw(VALUES[hint])
    assert typed_values.convert_value(typed_values.to_plain(value), hint) == value
    assert typed_values.convert_value(yaml.safe_load(yaml.safe_dump(typed_values.to_plain(value))), hint) == value
    assert typed_values.convert_value(text_of_value(typed_values.to_plain(value)), hint) == value


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (3.0, int),
        (True, int),
        (True, float),
        (7, str),
        (1, bool),
        ("c", Literal["a", "b"]),
        ([1], tuple[int, int]),
        ({}, list[int]),
        (None, int),
        (True, Literal[1, 2]),
        (1.0, Literal[1, 2]),
        (float("inf"), float),
        (".inf", float),
        (10**400, float),
        ("[1", list[int]),
        ("[1", Any),
        ("a", dict[str, int]),
        (["1", None], tuple[int, ...]),
        (b"a", str),
    ],
)
def test_convert_value_rounds_and_guesses_nothing(value, hint):
    with pytest.raises(ValueError, match=r"\S"):
        typed_values.convert_value(value, hint)


@pytest.mark.parametrize(
    ("text", "hint", "value"),
    [
        ("7", int | float, 7),
        ("7", float | int, 7.0),
        ("7", str | int, 7),
        ("x", str | int, "x"),
        ("none", Literal["none", "x"] | None, None),
        ("[[1, 2], [3]]", list[tuple[int, ...]], [(1, 2), (3,)]),
        ("[1, x, true]", list, [1, "x", True]),
        ("{a: 1}", dict, {"a": 1}),
        ("a", tuple[str, ...], ("a",)),
        ("[]", tuple, ()),
    ],
)
def test_convert_value_tries_types_in_order_and_text_last(text, hint, value):
    assert typed_values.convert_value(text, hint) == value
    assert type(typed_values.convert_value(text, hint)) is type(value)


def test_expected_describes_types():
    assert [typed_values.describe_type(hint) for hint in (dict[str, int], list, Path, Any)] == [
        "a map",
        "a list",
        "a path",
        "anything",
    ]
    assert typed_values.describe_type(float | None) == "a float or null"
    assert typed_values.describe_type(tuple[float, float]) == "a list of 2: [float, float]"
    assert typed_values.allowed_values(bool | None) == ("true", "false")


def test_run_settings_have_the_kinds_of_the_core():
    assert (
        get_args(Kind)
        == KINDS
        == typed_values.allowed_values(get_args(get_args(get_type_hints(RunSettings)["kinds"])[0])[0])
    )


# Layers


def test_resolve_ranks_layers_and_keeps_origins(write_plugin, tmp_path):
    """Layers are added from the lowest to the highest; each wins over all before it."""
    xdg = tmp_path / "xdg" / "mebench" / "config.yaml"
    xdg.parent.mkdir(parents=True)
    a, b = tmp_path / "a.yaml", tmp_path / "b.yaml"
    local = Path("mebench.yaml")
    steps = [
        ("", "default (methods/layered0/params.py)"),
        ("params: {p: 0.01}\n", "methods/layered1/config.yaml: params"),
        ("preset: short\npresets: {short: {p: 0.02}}\n", "preset short (methods/layered2/config.yaml)"),
        ("datasets: {toy: {p: 0.03}}\n", "methods/layered3/config.yaml: datasets.toy"),
        (xdg, str(xdg)),
        (local, "./mebench.yaml"),
        (a, str(a)),
        (b, str(b)),
        ("command line", "command line"),
    ]
    write_plugin("dataset", "toy", params=DATASET_PARAMS)

    config = ""
    files = []
    words = []
    for n, (step, origin) in enumerate(steps):
        if step == "command line":
            words = [f"method.p=0.0{n}"]
        elif isinstance(step, Path):
            step.write_text(f"method.p: 0.0{n}")
            files += [step] if step in (a, b) else []
        else:
            config += step
        root = write_plugin("method", f"layered{n}", config=config, root=f"step{n}")
        resolved = resolve([f"method=layered{n}", "dataset=toy", *words], files, [root, tmp_path / "mine"])
        assert resolved.method_params.p == pytest.approx(0.5 if n == 0 else n / 100), step
        assert resolved.origins["method.p"] == origin


def test_packaged_values_for_a_dataset_override_its_preset(tiny):
    config = tiny()
    assert (config.method_params.p, config.method_params.epochs, config.method_params.flow) == (0.52, 3, "dis")
    assert config.origins["method.p"] == "preset short (methods/tiny/config.yaml)"
    assert config.origins["method.epochs"] == "methods/tiny/config.yaml: datasets.toy"
    assert config.origins["method.preset"] == "methods/tiny/config.yaml: datasets.toy"


def test_packaged_values_take_the_own_preset_elsewhere(root):
    config = resolve(["method=tiny", "dataset=plain_data"], plugins=[root])
    assert (config.method_params.p, config.method_params.epochs) == (0.51, 100)
    assert config.values["method"]["preset"] == "long"


@pytest.mark.parametrize("where", ["word", "file", "user"])
def test_chosen_preset_undoes_settings_for_the_dataset(tiny, tmp_path, where):
    file = tmp_path / "exp.yaml"
    file.write_text("method: {preset: paper}")
    if where == "user":
        Path("mebench.yaml").write_text(file.read_text())
    config = tiny(*(["method.preset=paper"] if where == "word" else []), files=[file] if where == "file" else [])
    assert (config.method_params.epochs, config.method_params.p, config.method_params.flow) == (800, 0.5, "tvl1")
    assert config.origins["method.epochs"] == "preset paper (methods/tiny/config.yaml)"


def test_resolve_keeps_the_origin_of_a_value_written_out(tiny, tmp_path):
    """A file with all values of a run, as `mebench tune --write` makes it, differs in what was changed alone."""
    before = tiny("method.preset=paper")
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump({**before.values, "seed": 3}))
    after = tiny(files=[file])
    assert after.values == {**before.values, "seed": 3}
    changed = {key for key, origin in after.origins.items() if origin == str(file)}
    # A preset that is chosen undoes settings for the dataset, so choosing says something.
    assert changed == {"seed", "plugins", "method.preset", "dataset.preset"}
    assert recorded_settings.method_settings(after.values, after.origins) == "preset paper: epochs=800"
    assert recorded_settings.data_settings(after.values, after.origins) == ""


def test_value_of_the_user_beats_the_chosen_preset(tiny):
    Path("mebench.yaml").write_text("method.epochs: 5")
    config = tiny("method.preset=paper")
    assert config.method_params.epochs == 5
    assert config.origins["method.epochs"] == "./mebench.yaml"


def test_resolve_takes_no_preset_for_preset_null(tiny):
    config = tiny("method.preset=null")
    assert config.values["method"]["preset"] is None
    assert (config.method_params.p, config.method_params.epochs) == (0.5, 3)


# Files


def test_read_file_takes_nested_and_dotted_keys(tiny, root, tmp_path):
    nested, dotted = tmp_path / "nested.yaml", tmp_path / "dotted.yaml"
    nested.write_text("method: {name: tiny, p: 0.6}\ndataset: {name: toy, label: 007}\nseed: 4\nkinds: [micro]\n")
    dotted.write_text("method: tiny\nmethod.p: 0.6\ndataset: toy\ndataset.label: 007\nseed: 4\nkinds: [micro]\n")
    one, other = (resolve([], [file], [root]) for file in (nested, dotted))
    assert one == other == tiny("method.p=0.6", "dataset.label=007", "seed=4", "kinds=micro")


def test_resolve_leaves_out_settings_of_another_method(tiny, root):
    Path("mebench.yaml").write_text("method: {name: tiny, epochs: 5}")
    assert tiny().method_params.epochs == 5
    assert resolve(["method=plain_method", "dataset=toy"], plugins=[root]).method_params.p == 0.5


def test_resolve_fills_in_the_place_of_data_by_roots(tiny, root, tmp_path):
    file = tmp_path / "exp.yaml"
    file.write_text("roots: {toy: data/toy, plain_data: /x, casme2: /y}")
    config = tiny(files=[file])
    assert config.dataset_params["toy"].root == str(tmp_path / "data" / "toy")
    assert config.origins["dataset.root"] == f"{file}: roots.toy"
    assert tiny("dataset.root=/elsewhere", files=[file]).dataset_params["toy"].root == "/elsewhere"
    assert resolve(["method=tiny", "dataset=plain_data"], [file], [root]).dataset == "plain_data"


def test_resolve_expands_the_home_folder(tiny, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    config = tiny("dataset.root=~/data", "runs=~/runs")
    assert (config.dataset_params["toy"].root, config.runs) == ("/home/me/data", "/home/me/runs")


def test_user_file_is_named_then_local_then_at_home(write_plugin, tmp_path, monkeypatch):
    assert user_file() is None
    home = tmp_path / "xdg" / "mebench" / "config.yaml"
    home.parent.mkdir(parents=True)
    home.write_text("seed: 1")
    assert user_file() == home
    Path("mebench.yaml").write_text("seed: 2")
    assert user_file() == Path("mebench.yaml")
    monkeypatch.setenv("MEBENCH_CONFIG", str(home))
    assert user_file() == home
    monkeypatch.setenv("MEBENCH_CONFIG", "nowhere.yaml")
    fails(user_file, "MEBENCH_CONFIG", "nowhere.yaml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("seed: [1", "unreadable"),
        ("- 1", "must hold a map"),
        ("seed: x", "seed must be an int, not 'x' (./mebench.yaml)"),
        ("sead: 1", "(./mebench.yaml)"),
    ],
)
def test_read_file_names_a_wrong_file(tiny, content, message):
    Path("mebench.yaml").write_text(content)
    fails(tiny, "mebench.yaml", message)


def test_read_file_names_an_absent_file(tiny):
    fails(lambda: tiny(files=["nowhere.yaml"]), "./nowhere.yaml does not exist")
    fails(lambda: tiny(files=["examples/first_run.yaml"]), "take --example first_run in place of -c")


def test_more_plugins_reads_folders_of_a_file(root, tmp_path):
    file = tmp_path / "exp.yaml"
    file.write_text(f"plugins: [{root.name}]\nmethod: tiny\ndataset: toy")
    assert resolve([], [file]).plugins == (str(root),)


def test_recognizer_null_undoes_that_of_a_file(tiny):
    Path("mebench.yaml").write_text("recognizer: {name: plain_method, p: 0.7}")
    assert tiny().recognizer_params.p == 0.7
    assert tiny("recognizer=null") == tiny("recognizer=~")
    assert (tiny("recognizer=null").recognizer, "recognizer" in tiny("recognizer=null").origins) == (None, False)


# The result


def test_from_plain_restores_json_and_yaml(tiny, tmp_path):
    config = tiny("method.weights=[1, 2]", "method.preset=paper", "kinds=[micro, macro]", "workers=2")
    with pytest.raises(AttributeError):
        config.seed = 3
    assert from_plain(json.loads(json.dumps(config.values)), config.origins) == config

    Path("mebench.yaml").write_text("seed: 9")
    saved = tmp_path / "saved.yaml"
    saved.write_text(yaml.safe_dump(config.values))
    assert from_plain(yaml.safe_load(saved.read_text())) == config
    assert resolve([], [saved]) == config


def test_from_plain_refuses_what_no_longer_fits(tiny):
    values = tiny().values
    fails(
        lambda: from_plain({**values, "method": {**values["method"], "gone": 1}}), "method.gone", "saved configuration"
    )
    fails(lambda: from_plain({**values, "gone.for": 1}), "gone.for")


def test_resolve_gives_every_value_an_origin(tiny):
    config = tiny()
    leaves = {key for key in config.values if key not in ("method", "dataset")}
    for kind in ("method", "dataset"):
        leaves |= {kind if name == "name" else f"{kind}.{name}" for name in config.values[kind]}
    assert set(config.origins) == leaves


def test_shaping_settings_follows_only_what_shapes_predictions(tiny, root):
    key = shaping_settings(tiny())
    same = ["workers=3", "runs=elsewhere", "cache=/x", "tracking=sqlite:///x.db", "dataset.root=/data"]
    assert all(shaping_settings(tiny(word)) == key for word in same)
    assert {word.split("=")[0] for word in same} <= NOT_IN_KEY
    assert shaping_settings(tiny("method.preset=short", "method.epochs=3")) == key

    other = ["seed=1", "dataset.seed=1", "method.p=0.1", "kinds=micro", "validation=0.3", "scheme=x"]
    found = [key, *(shaping_settings(tiny(word)) for word in other)]
    assert all(one != two for one, two in combinations(found, 2))

    code = registry.find_plugin("method", "tiny").folder / "method.py"
    before = inputs.code_and_settings(tiny())
    code.write_text(code.read_text() + "# a comment\n")
    assert inputs.code_and_settings(tiny()) == before
    code.write_text(code.read_text() + "changed = 1\n")
    now = inputs.code_and_settings(tiny())
    assert [name for name in before if now[name] != before[name]] == ["code of methods/tiny"]


def test_resolve_imports_pydantic_and_user_setting_does_not(tmp_path):
    code = (
        "import sys; from mebench.config import more_plugins, resolve, user_setting\n"
        "more_plugins(); user_setting('runs', 'runs'); print('pydantic' in sys.modules)\n"
        "resolve(['method=optical_strain', 'dataset=casme2']); print('pydantic' in sys.modules)"
    )
    mine = tmp_path / "mebench.yaml"
    mine.write_text("runs: elsewhere")
    env = {**os.environ, "MEBENCH_CONFIG": str(mine)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.split() == ["False", "True"]


def test_run_settings_cache_lies_in_the_system_cache(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("XDG_CACHE_HOME", "/scratch/ann")
    assert RunSettings().cache == "/scratch/ann/mebench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert RunSettings().cache == "/home/ann/.cache/mebench"


def test_tracking_keys_shape_no_prediction():
    plain = resolve(["method=majority", "dataset=synthetic"])
    words = ["tracking=sqlite:///x.db", "tracking.folds=false", "tracking.models=true"]
    found = resolve(["method=majority", "dataset=synthetic", *words])
    assert (plain.tracking_folds, plain.tracking_models) == (True, False)
    assert (found.tracking, found.tracking_folds, found.tracking_models) == ("sqlite:///x.db", False, True)
    assert shaping_settings(found) == shaping_settings(plain)


def test_more_plugins_warns_of_a_missing_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mebench.yaml").write_text("plugins: [mine]\nseed: 3\n")
    assert resolve(["method=random", "dataset=synthetic"]).seed == 3
    assert "names plugins at" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="the folder does not exist"):
        resolve(["method=random", "dataset=synthetic", f"plugins=[{tmp_path / 'mine'}]"])


def test_unknown_key_names_the_nearest_eight():
    with pytest.raises(ConfigError) as error:
        resolve(["method=mean", "dataset=synthetic", "method.spot_epochs=3"])
    assert "Did you mean 'method.epochs_spot'?" in str(error.value)
    assert str(error.value).count("method.") == 1 + 1 + 8
    assert re.search(r"and \d+ more", str(error.value))


def test_settings_of_refuses_bytes_that_are_no_text():
    with pytest.raises(ConfigError, match=r"^runs=b\ufffd holds bytes that are no text in UTF-8: rename"):
        settings_of(["runs=b" + b"\xfc".decode(errors="surrogateescape")])
