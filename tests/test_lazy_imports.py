"""Packages that wait for their first use."""

import json
import subprocess
import sys

import pytest

from mebench.lazy_imports import load_lazily

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
