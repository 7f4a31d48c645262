"""`dataset=[a,b]` is a composite: keys of one member, keys of all, and the same way back."""

import json

import pytest

from mebench.config import from_plain, resolve, shaping_settings
from mebench.config.sections import composite_members
from mebench.errors import ConfigError, PluginError

PARAMS = """
from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    root: str | None = None
    follow_links: bool = False
    {own}: int = 1
"""
WORDS = ("method=tiny", "dataset=[red,blue]")


@pytest.fixture
def composite(write_plugin):
    write_plugin("method", "tiny", config="datasets: {red: {p: 0.1}, blue: {p: 0.1}, green: {p: 0.9}}\n")
    write_plugin("dataset", "red", params=PARAMS.format(own="reds"))
    write_plugin("dataset", "green", params=PARAMS.format(own="greens"))
    root = write_plugin("dataset", "blue", params=PARAMS.format(own="blues"), config="presets: {deep: {blues: 9}}\n")
    return lambda *words, files=(), plain=WORDS: resolve([*plain, *words], files, [root])


def test_resolve_shares_keys_among_members(composite):
    config = composite("dataset.red.root=/r", "dataset.follow_links=true", "dataset.blue.preset=deep")
    red, blue = config.dataset_params["red"], config.dataset_params["blue"]
    assert (red.root, red.follow_links, red.reds) == ("/r", True, 1)
    assert (blue.root, blue.follow_links, blue.blues) == (None, True, 9)
    assert config.dataset == "red+blue"
    assert config.values["dataset"]["name"] == ["red", "blue"]
    assert config.origins["dataset.red.root"] == config.origins["dataset.blue.follow_links"] == "command line"


def test_resolve_gives_members_their_roots(composite, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("roots: {red: /r, blue: /b}\ndataset: [red, blue]\ndataset.blue: {blues: 4}\n")
    config = composite(files=[file])
    assert [p.root for p in config.dataset_params.values()] == ["/r", "/b"]
    assert config.dataset_params["blue"].blues == 4


def test_packaged_values_count_where_members_share_them(composite):
    assert composite().method_params.p == 0.1
    assert composite(plain=("method=tiny", "dataset=[red,green]")).method_params.p == 0.5
    assert composite(plain=("method=tiny", "dataset=green")).method_params.p == 0.9


def test_from_plain_restores_a_composite(composite):
    config = composite("dataset.red.reds=3", "dataset.blue.root=/b")
    again = from_plain(json.loads(json.dumps(config.values)))
    assert again == config
    assert again.values == config.values
    assert shaping_settings(again) == shaping_settings(config)


def test_shaping_settings_leaves_out_roots_of_members(composite):
    assert shaping_settings(composite("dataset.red.root=/r")) == shaping_settings(composite())
    assert shaping_settings(composite("dataset.red.reds=3")) != shaping_settings(composite())
    assert shaping_settings(composite(plain=("method=tiny", "dataset=[blue,red]"))) != shaping_settings(
        composite(plain=("method=tiny", "dataset=red"))
    )


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("dataset.root=/x",), ("does not name a member", "dataset.red.root=")),
        (("dataset.green.root=/x",), ("unknown member 'green'", "red")),
        (("dataset.folow_links=true",), ("did you mean 'follow_links'",)),
        (("dataset.red.rots=1",), ("dataset.red.rots", "dataset.red.root")),
        (("dataset.red.reds=x",), ("dataset.red.reds must be an int",)),
        (("dataset.blue.preset=dep",), ("unknown preset of blue", "'deep'")),
    ],
)
def test_resolve_refuses_wrong_keys_of_members(composite, words, parts):
    with pytest.raises(ConfigError) as error:
        composite(*words)
    assert all(part.lower() in str(error.value).lower() for part in parts), error.value


@pytest.mark.parametrize("name", ["[red]", "[red,red]", "[]", "[red"])
def test_members_refuses_fewer_than_two(name):
    with pytest.raises(ConfigError, match="dataset"):
        composite_members(name)


@pytest.mark.parametrize(
    ("datasets", "kind", "reason"),
    [("red,blue", ConfigError, r"dataset=\[a,b\]"), ("[red,blu]", PluginError, "unknown dataset 'blu'")],
)
def test_resolve_explains_missing_brackets(composite, datasets, kind, reason):
    with pytest.raises(kind, match=reason):
        composite(plain=("method=tiny", f"dataset={datasets}"))


def test_resolve_types_keys_of_a_recognizer(composite):
    config = composite("recognizer=tiny", "recognizer.p=0.7", plain=("method=tiny", "dataset=red"))
    assert (config.method_params.p, config.recognizer, config.recognizer_params.p) == (0.1, "tiny", 0.7)
    assert from_plain(json.loads(json.dumps(config.values))) == config
    assert shaping_settings(config) != shaping_settings(composite(plain=("method=tiny", "dataset=red")))


CHECKED = """
from dataclasses import dataclass
from mebench.errors import ConfigError


@dataclass(frozen=True)
class Params:
    size: int = 8

    def __post_init__(self):
        if self.size < 1:
            raise ConfigError(f"{kind}.size must be at least 1, not {self.size}; no_{kind}.size stays")
"""


def test_resolve_names_the_key_that_the_user_set(composite, write_plugin):
    write_plugin("method", "checked", params=CHECKED.replace("{kind}", "method"))
    for key, other in (("method", ()), ("recognizer", ("method=tiny",))):
        with pytest.raises(
            ConfigError, match=rf"^{key}\.size must be .* not 0; no_method\.size stays \(command line\)$"
        ):
            composite(f"{key}=checked", f"{key}.size=0", plain=(*other, "dataset=red"))
    root = write_plugin("dataset", "checked", params=CHECKED.replace("{kind}", "dataset"))
    with pytest.raises(ConfigError, match=r"^dataset\.a\.size must be .* \(command line\)$"):
        resolve(["method=tiny", "dataset=[a:checked,red]", "dataset.a.size=0"], [], [root])


def test_resolve_refuses_keys_without_recognizer(composite):
    with pytest.raises(ConfigError, match="add recognizer=<id>"):
        composite("recognizer.p=0.7")
    assert composite("recognizer=null").recognizer is None
