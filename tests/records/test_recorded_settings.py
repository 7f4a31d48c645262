import pytest

from mebench.config import NOT_IN_KEY, settings
from mebench.records import recorded_settings

PACKAGED = {"method.preset": "methods/mean/config.yaml", "method.p": "default (methods/mean/params.py)"}


def plain(preset=None, dataset_preset=None, dataset=None, **params):
    return {
        "method": {"name": "mean", "preset": preset, **params},
        "dataset": {"name": "casme2", "preset": dataset_preset, **(dataset or {})},
        "seed": 0,
    }


def test_method_settings_omits_defaults():
    values = plain(preset="paper", p=0.55, flow="tvl1")
    origins = {**PACKAGED, "method.flow": "methods/mean/config.yaml: params"}
    assert (
        recorded_settings.method_settings(values, origins)
        == recorded_settings.data_settings(values, origins)
        == recorded_settings.scheme_in_words(values)
        == ""
    )


@pytest.mark.parametrize("origin", ["command line", "./config.yaml", "/home/ann/.config/mebench/config.yaml"])
def test_method_settings_shows_settings_of_any_file(origin):
    assert recorded_settings.method_settings(plain(p=0.6), {**PACKAGED, "method.p": origin}) == "p=0.6"


def test_method_settings_shows_few_values_of_preset():
    chosen = {"method.preset": "methods/mean/config.yaml: datasets.casme2"}
    origins = chosen | {f"method.{k}": "preset short (methods/mean/config.yaml)" for k in "abcdefg"}
    few, many = dict(zip("abcd", [1, None, [1, 2], True])), dict(zip("abcdefg", range(7)))
    assert (
        recorded_settings.method_settings(plain(preset="short", **few), origins)
        == "preset short: a=1, b=null, c=[1, 2], d=true"
    )
    assert recorded_settings.method_settings(plain(preset="short", **many), origins) == "preset short"


def test_method_settings_separates_settings_for_dataset():
    origins = {
        "method.flow": "methods/mean/config.yaml: datasets.casme2",
        "method.p": "command line",
        "validation": "./x.yaml",
    }
    values = plain(flow="dis", p=0.6) | {"validation": 0.1, "accelerator": "cpu"}
    assert recorded_settings.method_settings(values, origins) == "for casme2: flow=dis; p=0.6; validation=0.1"


def test_data_settings_separates_data_from_method():
    values = plain(dataset_preset="hard", dataset={"noise": 3.5, "seed": 3}, p=0.6)
    origins = {
        "dataset.preset": "command line",
        "dataset.noise": "preset hard (datasets/casme2/config.yaml)",
        "dataset.seed": "command line",
        "method.p": "command line",
    }
    assert recorded_settings.data_settings(values, origins) == "preset hard: noise=3.5; seed=3"
    assert recorded_settings.method_settings(values, origins) == "p=0.6"


@pytest.mark.parametrize(
    "path",
    [
        "/home/ann/face.dat",
        "~/face.dat",
        "~ann/face.dat",
        r"C:\ann\face.dat",
        "C:/ann/face.dat",
        r"\\host\ann\face.dat",
    ],
)
def test_without_places_drops_folders(path):
    flat = recorded_settings.without_places(
        plain(model=path, more=[path, {"x": path}]) | {"cache": path, "plugins": [path]}
    )
    assert flat["method.model"] == "face.dat"
    assert flat["method.more"] == ["face.dat", {"x": "face.dat"}]
    assert "cache" not in flat
    assert "plugins" not in flat
    assert "ann" not in str(flat)
    assert "host" not in str(flat)


@pytest.mark.parametrize("name", ["cache", "runs", "workers", "devices", "tracking", "plugins"])
def test_without_places_keeps_parameters_named_like_places(name):
    one, other = (
        recorded_settings.without_places(
            plain(dataset={name: 1}, **{name: frames}) | {name: "/here", f"protocol.{name}": 2}
        )
        for frames in (1, 15)
    )
    assert [other[f"{part}.{name}"] for part in ("method", "dataset", "protocol")] == [15, 1, 2]
    assert name not in other
    assert recorded_settings.row_settings(one) != recorded_settings.row_settings(other)
    assert recorded_settings.method_settings(plain(**{name: 15}), {f"method.{name}": "command line"}) == f"{name}=15"


def test_without_places_drops_places():
    values = {"dataset": {"name": ["a", "b"], "a": {"root": "/a", "noise": 1}, "b": {"root": "/b"}}, "seed": 0}
    flat = recorded_settings.without_places(
        {**plain(landmarks="/x.dat"), **values, "recognizer": {"name": "r", "landmarks": "/x.dat"}}
    )
    assert [key for key in flat if "." in key] == ["method.preset", "dataset.a.noise"]
    assert settings.PLACES < NOT_IN_KEY


def test_identity_omits_seed_and_preset_names():
    flat = recorded_settings.without_places(plain(preset="short", p=0.6))
    assert recorded_settings.row_settings(flat) == {"method": "mean", "method.p": 0.6, "dataset": "casme2"}


def test_identity_takes_missing_setting_as_default():
    old = recorded_settings.without_places(plain(p=0.6))
    assert (
        recorded_settings.row_settings(old | {"precision": "32-true"})
        == recorded_settings.row_settings(old)
        != recorded_settings.row_settings(old | {"precision": "bf16-mixed"})
    )
    assert recorded_settings.row_settings(old | {"scheme": None}) == recorded_settings.row_settings(old) | {
        "scheme": None
    }, "null is a value"
