"""What a program of mebench imports with Lightning, and what it leaves out until it is used."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mebench import _fast_imports
from mebench._installation import PACKAGE
from mebench.testing import TINY

DRY_RUN_THEN_TRAIN = """
import json, sys
from importlib.metadata import version
from pathlib import Path
from mebench import _fast_imports
from mebench.cli import main

_fast_imports.TESTED = {name: version(name).split("+")[0] for name in _fast_imports.TESTED}  # those that are installed
sys.argv = ["mebench", "run", "--dry-run", "--json", "-", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = "torch._dynamo", "torch._inductor", "matplotlib", "scipy.signal", "scipy.stats", "pandas", "sklearn", "mlflow"
loaded = [name for name in heavy if type(sys.modules.get(name)) is type(sys)]  # a lazy module is of another type
status = Path("/proc/self/status")
peak = [int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM")] if status.exists() else []

import lightning as L
import torch
from lightning.fabric.wrappers import _unwrap_compiled
from torch.utils.data import DataLoader, TensorDataset

class Line(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
    def training_step(self, batch, index):
        loss = self.layer(batch[0]).square().mean()
        self.log("loss", loss, on_epoch=True)
        return loss
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())

before = _unwrap_compiled(torch.nn.Linear(2, 2))[1]
quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
trainer = L.Trainer(max_epochs=2, accelerator="cpu", **quiet)
trainer.fit(Line(), DataLoader(TensorDataset(torch.ones(8, 2))))

import torch._dynamo.config
compiler, layer = sys.modules["torch._dynamo"], torch.nn.Linear(2, 2)
whole = torch._dynamo is compiler and compiler.config is sys.modules["torch._dynamo.config"] and len(compiler.__all__) > 30
unwrapped = _unwrap_compiled(torch.compile(layer))[0] is layer
peak = [] if torch.backends.cuda.is_built() else peak  # whose libraries alone take as much
print(json.dumps({"loaded": loaded, "peak": peak, "before": before, "steps": trainer.global_step, "whole": whole, "unwrapped": unwrapped}))
"""
STAND_INS = {
    "torch/__init__.py": "_disable_dynamo = lambda fn=None, recursive=True: fn",
    "torch/_dynamo.py": "class OptimizedModule: pass",
    "torchmetrics/__init__.py": "from lightning_utilities.core.imports import package_available\nplots = package_available('matplotlib')",
    "lightning/__init__.py": "import torchmetrics\nfrom torch._dynamo import OptimizedModule",
}
"""Packages that import each other as Lightning and those below it do, for what would take seconds with the real ones."""
IMPORT_LIGHTNING = """
import json, sys
from mebench import _fast_imports
_fast_imports.TESTED |= json.loads(sys.argv[1])
if sys.argv[2] == "program":
    _fast_imports.speed_up_imports()
from mebench._fast_imports import L
import torchmetrics
print(json.dumps(["torch._dynamo" in sys.modules, torchmetrics.plots]))
"""


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory):
    """A dry run in a process of its own, which then trains and compiles: its plan, and what it had loaded when."""
    folder = tmp_path_factory.mktemp("dry")
    words = ["method=mean", *TINY, f"cache={folder / 'store'}"]
    command = [sys.executable, "-c", DRY_RUN_THEN_TRAIN, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    plan, observed = done.stdout.strip().rsplit("\n", 1)
    return json.loads(plan), json.loads(observed)


def test_dry_run_imports_only_what_it_uses(dry_run):
    plan, observed = dry_run
    assert plan["work"]["trainings"] > 0
    assert plan["work"]["missing_videos"] > 0
    assert observed["loaded"] == []


def test_dry_run_stays_below_450_megabytes(dry_run):
    _, observed = dry_run
    assert not observed["peak"] or observed["peak"][0] < 450  # MiB; of Linux, with PyTorch's CPU build


def test_fast_imports_leave_training_the_whole_compiler(dry_run):
    _, observed = dry_run
    assert observed["steps"] == 16
    assert observed["whole"]


def test_fast_imports_let_lightning_recognize_compiled_networks(dry_run):
    _, observed = dry_run
    assert observed["before"] is None
    assert observed["unwrapped"]


needs_tested_versions = pytest.mark.skipif(not _fast_imports.is_tested(), reason="other versions are installed")


@pytest.fixture
def import_lightning(tmp_path):
    """Imports stand-ins of Lightning in a process of its own; gives whether the compiler came along, and plots."""
    for name, text in STAND_INS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    def import_in_process(kind="program", versions=None, **variables):
        path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
        command = [sys.executable, "-c", IMPORT_LIGHTNING, json.dumps(versions or {}), kind]
        environment = {**os.environ, "PYTHONPATH": path, **variables}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        compiler, plots = json.loads(done.stdout)
        return compiler, plots

    return import_in_process


@needs_tested_versions
def test_fast_imports_leave_out_compiler_and_plots(import_lightning, monkeypatch):
    assert import_lightning() == (False, False)


@pytest.mark.parametrize("package", _fast_imports.TESTED)
def test_fast_imports_leave_untested_versions_unchanged(import_lightning, package):
    assert import_lightning(versions={package: "99.0"}) == (True, True)


def test_fast_imports_take_a_missing_package_as_untested(import_lightning):
    assert import_lightning(versions={"lightning-of-nobody": "1.0"}) == (True, True)


def test_fast_imports_have_a_switch(import_lightning):
    assert import_lightning(MEBENCH_FAST_IMPORTS="0") == (True, True)


def test_fast_imports_leave_programs_of_users_unchanged(import_lightning):
    assert import_lightning("library") == (True, True)


REMEMBER_PACKAGES = """
import importlib.metadata, json, sys
from mebench import _fast_imports

_fast_imports.speed_up_imports()
from mebench._fast_imports import L

_fast_imports.remember_callback_packages()
read = []
importlib.metadata.PathDistribution.entry_points = property(read.append)
options = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
trainer = L.Trainer(accelerator="cpu", **options)
print(json.dumps({"read": len(read), "callbacks": [type(callback).__name__ for callback in trainer.callbacks]}))
"""


@needs_tested_versions
def test_remember_callback_packages_keeps_their_callbacks(tmp_path):
    package = tmp_path / "adds_callbacks-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: adds-callbacks\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(f"[{_fast_imports.CALLBACKS}]\nadded = adds_callbacks:make\n")
    (tmp_path / "adds_callbacks.py").write_text(
        "from lightning.pytorch.callbacks import LambdaCallback\n\ndef make():\n    return LambdaCallback()\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    command = [sys.executable, "-c", REMEMBER_PACKAGES]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert "LambdaCallback" in found["callbacks"]
    assert found["read"] == 0


def test_fast_imports_tested_versions_are_the_constraints():
    text = (Path(__file__).parent.parent / "constraints.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([\w-]+)==([\w.]+)", text, re.MULTILINE))
    assert {package: pinned[package] for package in _fast_imports.TESTED} == _fast_imports.TESTED


def test_fast_imports_bring_lightning_before_its_parts():
    """Else the file that a process imports first would decide what comes along."""
    for file in PACKAGE.rglob("*.py"):
        lines = file.read_text(encoding="utf-8").splitlines()
        parts = [number for number, line in enumerate(lines) if re.match("(from|import) lightning", line)]
        whole = [number for number, line in enumerate(lines) if line.startswith("from mebench._fast_imports import L")]
        assert not parts or whole[0] < parts[0], file
