"""Packages and files that wait for their first use."""

import json
import subprocess
import sys

import pytest

from mebench.lazy_imports import lazy_imports, load_lazily

INSPECT_ALL = """
import inspect, json, sys
from mebench.lazy_imports import load_lazily

pandas, scipy = load_lazily("pandas"), load_lazily("scipy")
inspect.getmodule(sys._getframe())
before = [name for name in ("pandas", "scipy") if name in sys.modules]
frame = pandas.DataFrame({"a": [1, 2]})
print(json.dumps({"before": before, "sum": int(frame["a"].sum()), "pandas": "pandas" in sys.modules, "scipy": "scipy" in sys.modules}))
"""


def test_load_lazily_waits_for_the_first_use():
    """Also where somebody looks through all modules, as PyTorch does."""
    done = subprocess.run([sys.executable, "-c", INSPECT_ALL], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"before": [], "sum": 3, "pandas": True, "scipy": False}


def test_load_lazily_gives_what_an_import_gives():
    import json as imported

    module = load_lazily("json")
    assert module.dumps is imported.dumps
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing


def test_load_lazily_names_a_missing_package_at_its_use():
    missing = load_lazily("a_package_of_nobody")
    with pytest.raises(ModuleNotFoundError, match="a_package_of_nobody"):
        _ = missing.anything


FILES = """
import json, sys
from mebench.lazy_imports import lazy_imports

with lazy_imports():
    from mebench.runs import folder, origin
before = [name for name in ("mebench.runs.folder", "mebench.runs.origin") if name in sys.modules]
finished = folder.RunFolder.open_finished.__name__
from mebench.runs import folder as plain
print(json.dumps({
    "before": before,
    "used": finished,
    "loaded": "mebench.runs.folder" in sys.modules,
    "unused": "mebench.runs.origin" in sys.modules,
    "plain": plain is sys.modules["mebench.runs.folder"],
    "same": plain.RunFolder is folder.RunFolder,
}))
"""


def test_lazy_imports_load_a_file_at_its_first_use():
    done = subprocess.run([sys.executable, "-c", FILES], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "before": [],
        "used": "open_finished",
        "loaded": True,
        "unused": False,
        "plain": True,
        "same": True,
    }


def test_lazy_imports_refuse_a_file_that_no_room_has():
    with pytest.raises(ImportError, match="nothing_of_runs"), lazy_imports():
        from mebench.runs import nothing_of_runs  # noqa: F401


def test_lazy_imports_see_what_replaces_a_name_of_the_file(monkeypatch):
    with lazy_imports():
        from mebench.runs import origin
    monkeypatch.setattr("mebench.runs.origin.is_own", lambda *_: "replaced")
    assert origin.is_own() == "replaced"
