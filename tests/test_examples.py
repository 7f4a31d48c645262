"""The package of `examples/`, installed as its README says, brings plugins that keep their promises and run."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mebench
from mebench.config import registry
from mebench.metrics import own_metrics
from mebench.metrics.catalogue import METRICS
from mebench.output.progress import Silent
from mebench.testing import method_checks, metric_checks, plugin_checks, run_checks

EXAMPLE = Path(__file__).parent.parent / "examples" / "ourlab"
APART = "params_import_nothing_heavy"
"""Takes a fresh Python; `tests/testing/` looks at it."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package, in a folder that this process looks into; pip needs no network for it."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, folder / "ourlab", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder / "site")]
    subprocess.run([sys.executable, "-m", "pip", "install", *offline, str(folder / "ourlab")], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder / "site")
        yield folder
    own_metrics.remove_metric("ourlab_onset_error")
    for name in [name for name in sys.modules if name.partition(".")[0] == "ourlab"]:
        del sys.modules[name]


def test_ourlab_is_found_and_keeps_promises(installed):
    assert registry.find_plugin("method", "ourlab_brightness").folder.is_relative_to(installed / "site")
    assert "ourlab_faces" in mebench.datasets().index
    assert Path(METRICS["ourlab_onset_error"].own).is_relative_to(installed / "site")
    checks = [
        *method_checks("ourlab_brightness"),
        *plugin_checks("dataset", "ourlab_faces"),
        *metric_checks("ourlab_onset_error"),
    ]
    found = run_checks(check for check in checks if check.name != APART)
    assert [(one.check.name, one.reason) for one in found if one.reason] == []


@pytest.mark.usefixtures("untracked")
def test_ourlab_runs_on_own_drawn_faces(installed):
    registry.load_plugin("dataset", "ourlab_faces").write_fake_tree(installed / "drawn")
    words = ["dataset=ourlab_faces", f"dataset.root={installed / 'drawn'}", "workers=1", "bootstrap=0"]
    run = mebench.run("method=ourlab_brightness", *words, f"cache={installed / 'cache'}", progress=Silent())
    assert run.summary["spotting"]["micro"]["tp"] + run.summary["spotting"]["micro"]["fn"] == 5
    assert len(run.folds) == 3


def test_ourlab_readme_names_existing_files():
    text = (EXAMPLE / "README.md").read_text()
    for name in re.findall(r"^(\S+/?\S*) {2,}", text, re.MULTILINE):
        assert (EXAMPLE / name).exists(), name
