"""What only scores files and reads boards needs no PyTorch: verbs run with all packages out of reach but a few."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIST = ROOT / "requirements-scoring.txt"
IMPORTED_AS = {
    "av": "av",
    "dlib-bin": "dlib",
    "joblib": "joblib",
    "lightning": "lightning",
    "matplotlib": "matplotlib",
    "mlflow": "mlflow",
    "numba": "numba",
    "opencv-contrib-python-headless": "cv2",
    "optuna": "optuna",
    "safetensors": "safetensors",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "torch": "torch",
    "torchmetrics": "torchmetrics",
}
"""Requirements that the list leaves out, with the names under which they are imported."""
VERBS = (
    ("list",),
    ("info", "f1"),
    ("score", "--predictions", "mine.csv", "--truth", "truth.csv"),
    ("compare", "mine.csv", "truth.csv", "--truth", "truth.csv"),
    ("mistakes", "--truth", "truth.csv", "mine.csv"),
    ("config", "show", "method=mean", "dataset=synthetic"),
    ("challenge", "list"),
    ("leaderboard", "build", "--runs", "none", "--tables-only", "--out", "board"),
)
PROGRAM = f"""
import sys

for name in {sorted(IMPORTED_AS.values())}:
    sys.modules[name] = None  # an import of it raises ImportError
from mebench.cli import main

codes = []
for words in {VERBS}:
    sys.argv = ["mebench", *words]
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    codes.append(code)
sys.exit(str(codes) if any(codes) else 0)
"""

pytestmark = pytest.mark.skipif(not LIST.is_file(), reason="needs the checkout: the list is no part of the sdist")


def names_in(lines):
    """The names of requirements."""
    return {re.match(r"[\w.-]+", line)[0] for line in lines if line and not line.startswith("#")}


def test_requirements_of_scoring_leave_out_what_is_blocked_here():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    all_names = names_in(project["dependencies"])
    listed = names_in(LIST.read_text(encoding="utf-8").splitlines())
    assert all_names - listed == IMPORTED_AS.keys() | {"numpy"}  # which pandas brings
    assert listed <= all_names


def test_cli_scores_and_lists_without_pytorch(tmp_path):
    intervals = "video,onset,offset\na,10,20\nb,5,15\nc,5,15\nd,1,9\n"
    for name in ("mine.csv", "truth.csv"):
        (tmp_path / name).write_text(intervals)
    (tmp_path / "board").mkdir()
    published = (ROOT / "leaderboards/published.csv").read_bytes()
    (tmp_path / "board/published.csv").write_bytes(published)

    command = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
