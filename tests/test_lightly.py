"""What a program of mebench loads with Lightning, what it leaves asleep, and that it wakes whole."""

import json
import subprocess
import sys

import pytest

from mebench.testing import TINY

PROGRAM = """
import json, sys
from pathlib import Path
from mebench.cli import main

sys.argv = ["mebench", "run", "--dry-run", "--json", "-", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
unused = [name for name in ("mlflow", "matplotlib", "scipy.stats", "sklearn") if name in sys.modules]

import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset

class Line(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
    def training_step(self, batch, index):
        return self.layer(batch[0]).square().mean()
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())

trainer = L.Trainer(max_epochs=2, barebones=True, accelerator="cpu")
trainer.fit(Line(), DataLoader(TensorDataset(torch.ones(8, 2))))
status = Path("/proc/self/status")
peak = [int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM")] if status.exists() else []
heavy = "torch._dynamo.utils", "torch._inductor", "matplotlib", "pandas"
loaded = [name for name in heavy if type(sys.modules.get(name)).__name__ == "module"]

from lightning.fabric.wrappers import _unwrap_compiled
import torch._dynamo.config  # a part, by name: the rest must come with it, and nothing twice

layer = torch.nn.Linear(2, 2)
same = torch._dynamo.config is sys.modules["torch._dynamo.config"] is sys.modules["torch._dynamo"].config
unwrapped = _unwrap_compiled(torch.compile(layer))[0] is layer
from scipy.signal import find_peaks
peak = [] if torch.backends.cuda.is_built() else peak  # whose libraries alone take as much
steps = trainer.global_step
whole, peaks = [same, unwrapped], find_peaks([0, 1, 0])[0].tolist()
print(json.dumps({"steps": steps, "peak": peak, "unused": unused, "loaded": loaded, "whole": whole, "peaks": peaks}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A dry run in a process of its own, which then trains, and then uses what was asleep."""
    folder = tmp_path_factory.mktemp("dry")
    words = ["method=mean", *TINY, f"cache={folder / 'store'}"]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    plan, about = done.stdout.strip().rsplit("\n", 1)
    return json.loads(plan), json.loads(about)


def test_planning_and_training_load_no_compiler_and_stay_below_450_megabytes(told):
    plan, about = told
    assert plan["work"]["trainings"] > 0
    assert plan["work"]["missing_videos"] > 0
    assert about["steps"] == 16
    assert about["loaded"] == []
    assert not about["peak"] or about["peak"][0] < 450  # MiB; of Linux, with PyTorch's CPU build


def test_a_dry_run_loads_only_what_it_uses(told):
    assert told[1]["unused"] == []


def test_who_compiles_wakes_the_compiler_as_a_whole(told):
    assert told[1]["whole"] == [True, True]
    assert told[1]["peaks"] == [1]
