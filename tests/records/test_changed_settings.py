from mebench.records.changed_settings import default_settings, settings_beside_defaults


def test_default_settings_are_those_of_the_methods_paper():
    assert default_settings("ststnet")["epochs"] == "800"
    assert default_settings("mdmd + ststnet") == default_settings("mdmd")
    assert default_settings("no_such_method") == {}


def test_settings_beside_defaults_leave_recognizers_alone():
    settings = "preset short: epochs=4, lr=0.001; recognizer: epochs=9; audit=leak"
    written = settings_beside_defaults(settings, {"epochs": "20", "lr": "0.001"})
    assert written == "preset short: epochs=4 (default 20), lr=0.001; recognizer: epochs=9; audit=leak"
