"""Programs that time trainings run, and a training without callbacks imports nothing more than it takes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import gpu
from tests.helpers.nightly import nightly

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def printed(folder, program, *words):
    done = subprocess.run([sys.executable, BENCHMARKS / program, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@nightly("`tests/test_fast_imports.py` has it of the command line")
def test_trainer_without_callbacks_imports_no_lightning_extras(tmp_path):
    """The program notes the packages of all modules that come while `fit` trains; PyTorch loads some of its own then."""
    text = printed(tmp_path, "trainer.py", "--epochs", "1", "--rounds", "1")
    assert "imported by it: torch\n" in text or "imported by it: none\n" in text
    assert text.count("ms a step") == 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU: run benchmarks/gpu.py")
def test_trainer_without_gpu_measures_processor_alone(write_plugin, monkeypatch, capsys):
    words = ["--parts", "training", "--methods", "logistic", "--epochs", "1", "--subjects", "2", "--frames", "60"]
    monkeypatch.setattr(sys, "argv", ["gpu.py", *words])
    gpu.main()
    first, _, _, *rows = capsys.readouterr().out.splitlines()
    assert first.endswith("finds no GPU here, so only the processor is measured")
    assert len(rows) == 1
    assert re.fullmatch(
        r"\| training \| logistic \| cpu \| [\d.]+ s of training, [\d.]+ s of prediction, .*F1 .*\|", rows[0]
    )
