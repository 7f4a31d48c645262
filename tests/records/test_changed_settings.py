from mebench.config import registry
from mebench.records.changed_settings import default_settings, settings_beside_defaults, unpublished_settings


def test_default_settings_are_those_of_the_methods_paper():
    assert default_settings("ststnet")["epochs"] == "800"
    assert default_settings("mdmd + ststnet") == default_settings("mdmd")
    assert default_settings("no_such_method") == {}


def test_settings_beside_defaults_leave_recognizers_alone():
    settings = "preset short: epochs=4, lr=0.001; recognizer: epochs=9; audit=leak"
    written = settings_beside_defaults(settings, {"epochs": "20", "lr": "0.001"})
    assert written == "preset short: epochs=4 (default 20), lr=0.001; recognizer: epochs=9; audit=leak"


def test_unpublished_settings_are_those_of_no_published_preset(write_plugin):
    config = (
        "preset: fast\npublished: [paper, code]\npresets: {fast: {p: 0.1}, paper: {p: 0.2}, code: {p: 0.3, q: 5}}\n"
    )
    fields = "    p: float = 0.5\n    q: int = 1\n    r: int = 7\n"
    params = f"from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Params:\n{fields}"
    registry.add_paths([write_plugin("method", "quick", config=config, params=params)])
    found = {
        (p, q): unpublished_settings({"method": "quick", "method.p": p, "method.q": q, "method.r": 8})
        for p, q in [(0.1, 1), (0.2, 1), (0.3, 5), (0.3, 1)]
    }
    assert found == {
        (0.1, 1): "p=0.1 instead of 0.2",
        (0.2, 1): "",
        (0.3, 5): "",
        (0.3, 1): "p=0.3 instead of 0.2",
    }


def test_unpublished_settings_name_those_of_a_recognizer():
    config = {"method": "optical_strain", "recognizer": "off_apexnet", "recognizer.epochs": 120}
    assert unpublished_settings(config) == "recognizer: epochs=120 instead of 3000"
    assert unpublished_settings({"method": "ststnet", "method.epochs": 10}) == ""
