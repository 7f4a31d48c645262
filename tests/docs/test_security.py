"""SECURITY.md names each package that reads files of others."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READERS = {
    "av": "PyAV",
    "calamine": "python-calamine",
    "cv2": "OpenCV",
    "h5py": "h5py",
    "openpyxl": "openpyxl",
    "pandas": "pandas",
    "PIL": "Pillow",
    "pyarrow": "pyarrow",
    "safetensors": "safetensors",
    "scipy.io": "SciPy",
    "torch.load": "PyTorch",
    "xlrd": "xlrd",
    "yaml": "PyYAML",
}
"""What the code imports or calls, and the package as people know it."""


@pytest.mark.parametrize(("used", "package"), READERS.items(), ids=READERS.values())
def test_security_names_readers_of_files(used, package):
    code = "\n".join(file.read_text("utf-8") for file in (ROOT / "mebench").rglob("*.py"))
    assert re.search(rf"\b{re.escape(used)}\b", code), f"{package} reads nothing any more: take it out here and there"
    assert package in (ROOT / "SECURITY.md").read_text("utf-8")
