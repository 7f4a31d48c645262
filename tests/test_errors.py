"""Errors as sentences: the nearest name, the remedy, and what becomes of the errors of the system and of plugins."""

import errno
import importlib.util
import json
import os
import signal

import pytest

from mebench.errors import (
    MOST_NAMES,
    ConfigError,
    DataError,
    InterruptedRunError,
    PluginError,
    RunError,
    SomeFailedError,
    check_known,
    describe_error,
    find_plugin_line,
    keys_behind,
    list_first,
    refuse_if,
    refused_by_plugin,
    refused_by_system,
    system_sentence,
    unknown,
)


def test_errors_have_documented_exit_codes():
    codes = {error: error.exit_code for error in (ConfigError, PluginError, DataError, RunError, SomeFailedError)}
    assert codes == {ConfigError: 2, PluginError: 2, DataError: 3, RunError: 4, SomeFailedError: 5}


def test_InterruptedRunError_has_exit_code_of_its_signal():
    assert InterruptedRunError("stopped").exit_code == 130
    assert InterruptedRunError("stopped", KeyboardInterrupt(signal.SIGTERM)).exit_code == 128 + signal.SIGTERM


def test_unknown_lists_names_unless_there_are_many():
    names = [f"name{number}" for number in range(MOST_NAMES + 1)]
    assert unknown("method", "name1", names) == "unknown method 'name1'. Did you mean 'name1'?"
    many = unknown("method", "zzz", names)
    assert "Did you mean" not in many
    assert f"{names[MOST_NAMES // 2]}" in many
    assert "and 1 more" in many
    assert unknown("method", "mean", []) == "unknown method 'mean'. Known: none."


def test_check_known_raises_chosen_error_after_place():
    check_known("method", "mean", {"mean"})
    with pytest.raises(PluginError, match=r"^a\.yaml: unknown method 'meen'\. Did you mean 'mean'\?"):
        check_known("method", "meen", {"mean"}, error=PluginError, where="a.yaml")


def test_refuse_if_raises_first_broken_rule():
    refuse_if((False, "one"), ("", "two"))
    with pytest.raises(ConfigError, match=r"^two$"):
        refuse_if((False, "one"), ("broken", "two"), (True, "three"))
    with pytest.raises(DataError, match=r"^one$"):
        refuse_if((True, "one"), error=DataError)


@pytest.mark.parametrize(
    ("names", "most", "expected"),
    [([], 2, ""), (["a", "b"], 2, "a, b"), (["a", "b", "c", "d"], 2, "a, b and 2 more")],
)
def test_listed_counts_names_beyond_limit(names, most, expected):
    assert list_first(names, most) == expected


def test_refused_by_system_names_reason_and_remedy(tmp_path):
    def read(path, **words):
        with refused_by_system(f"{path.name} cannot be read", **words):
            path.read_text()

    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match=r"^b cannot be read: No such file or directory$"):
        read(tmp_path / "b")
    with pytest.raises(RunError, match=r"^b cannot be read: No such file or directory: look elsewhere$"):
        read(tmp_path / "b", then="look elsewhere", error=RunError)


def test_refused_by_system_knows_remedy_of_full_disk():
    with (
        pytest.raises(DataError, match=r"No space left on device: make room there, or name another place$"),
        refused_by_system("a.csv cannot be written"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_refused_by_plugin_keeps_errors_with_sentence():
    def fail(error):
        with refused_by_plugin("method 'mine' cannot be built", "check it"):
            raise error

    with pytest.raises(ConfigError, match=r"^method\.p must be above 0$"):
        fail(ConfigError("method.p must be above 0"))
    with pytest.raises(PluginError, match=r"^method 'mine' cannot be built: ValueError: no. check it$"):
        fail(ValueError("no"))


def test_keys_behind_names_key_that_user_set():
    def refuse(error):
        with keys_behind("recognizer.", "method"):
            raise error

    with pytest.raises(ConfigError, match=r"^recognizer\.dim must be even, in a/method\.py$"):
        refuse(ConfigError("method.dim must be even, in a/method.py"))
    with pytest.raises(ValueError, match=r"^recognizer\.dim$"):
        refuse(ValueError("method.dim"))


def test_sentence_is_one_line():
    assert describe_error(DataError("no frames")) == "no frames"
    assert describe_error(ValueError("a\n b")) == "ValueError: a b"
    assert describe_error(ValueError()) == "ValueError"
    assert describe_error(MemoryError()) == "the memory of this machine was not enough: use fewer workers=N"
    assert (
        describe_error(FileNotFoundError(errno.ENOENT, "No such file", "a.csv"))
        == "FileNotFoundError: No such file: a.csv"
    )


@pytest.mark.parametrize(
    ("error", "verb", "expected"),
    [
        (
            OSError(errno.EDQUOT, "Quota", "a"),
            "run",
            "the disk is full: a. Free some space: finished folds are kept, and",
        ),
        (OSError(errno.EACCES, os.strerror(errno.EACCES), "a"), "", "Permission denied: a: check whose it is"),
        (OSError(errno.EIO, "Input/output error"), "", "Input/output error"),
    ],
)
def test_system_sentence_names_operation_path_and_remedy(error, verb, expected):
    assert system_sentence(error, verb).startswith(expected)


def _written(tmp_path, name, text):
    """A module of a plugin, loaded under a name."""
    file = tmp_path / "plugin.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name", ["mebench.methods.mine.method", "mebench.datasets.mine.dataset", "mebench.protocols.mine"]
)
def test_find_plugin_line_is_the_deepest_of_a_plugin(tmp_path, name):
    module = _written(
        tmp_path,
        name,
        "import json\n\n\ndef outer():\n    return inner()\n\n\ndef inner():\n    return json.loads('{')\n",
    )
    with pytest.raises(json.JSONDecodeError) as caught:
        module.outer()
    assert find_plugin_line(caught.value) == (tmp_path / "plugin.py", 9)


def test_find_plugin_line_passes_over_code_of_no_file(tmp_path):
    """Such as the `__init__` of a dataclass, which Python writes."""
    text = "from mebench.core import Expression\n\n\ndef annotate():\n    return Expression('micro', 10, 20)\n"
    module = _written(tmp_path, "mebench.datasets.mine.dataset", text)
    with pytest.raises(PluginError, match="onset, offset, kind and apex in this order") as caught:
        module.annotate()
    assert find_plugin_line(caught.value) == (tmp_path / "plugin.py", 5)


def test_find_plugin_line_is_none_elsewhere(tmp_path):
    module = _written(tmp_path, "somebody.code", "def fail():\n    raise KeyError\n")
    with pytest.raises(KeyError) as caught:
        module.fail()
    assert find_plugin_line(caught.value) is None
    assert find_plugin_line(caught.value, lambda file: file.name == "plugin.py") == (tmp_path / "plugin.py", 2)
