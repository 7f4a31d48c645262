"""A release: deprecated words go as docs/stability.md promises, versions agree, and the conda recipe asks for what pip asks for."""

import re
import tomllib
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

import mebench

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    not (ROOT / "docs").is_dir(), reason="needs the checkout: docs/ is no part of the sdist"
)


def minor(version):
    """`0.3.1` as (0, 3)."""
    return tuple(int(part) for part in version.split(".")[:2])


def broken(text, version):
    """The rows of the table of deprecated words that break the promise in that version."""
    table = text.partition("| old | new | since | goes in |\n|---|---|---|---|\n")[2]
    for line in takewhile(lambda line: line.startswith("|"), table.splitlines()):
        old, _, since, goes = (cell.strip(" `") for cell in line.strip("|").split("|"))
        if minor(goes) <= minor(version):
            yield f"{old} should be gone since {goes}"
        elif minor(goes)[0] == minor(since)[0] and minor(goes)[1] < minor(since)[1] + 2:
            yield f"{old} works in no version after {since}"


def test_stability_deprecations_end_on_time():
    text = (ROOT / "docs/stability.md").read_text(encoding="utf-8")
    assert "| old | new | since | goes in |" in text
    assert list(broken(text, mebench.__version__)) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("| `--old` | `--new` | 0.3 | 0.5 |", []),
        ("| `--old` | `--new` | 0.2 | 0.4 |", ["--old should be gone since 0.4"]),
        ("| `--old` | `--new` | 0.4 | 0.5 |", ["--old works in no version after 0.4"]),
        ("| `--old` | `--new` | 0.9 | 1.0 |", []),
    ],
)
def test_stability_rule_finds_wrong_rows(row, said):
    text = f"| old | new | since | goes in |\n|---|---|---|---|\n{row}\n\nmore"
    assert list(broken(text, "0.4.1")) == said


def test_changelog_is_dated_and_version_one():
    version = mebench.__version__
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == version
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {version}\n" in citation
    assert "doi" not in citation.lower()
    (date,) = re.findall(rf"^## \[{re.escape(version)}\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert f"\ndate-released: {date}\n" in citation


def test_pyproject_requirements_equal_conda_recipe():
    names = {
        "dlib-bin": "dlib",
        "matplotlib": "matplotlib-base",
        "opencv-contrib-python-headless": "py-opencv",
        "torch": "pytorch",
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pairs = [re.fullmatch(r"([\w.-]+)(.*)", line).groups() for line in project["dependencies"]]
    recipe = yaml.safe_load((ROOT / "conda/recipe.yaml").read_text())
    asked = [f"python {project['requires-python']}", *(f"{names.get(name, name)} {version}" for name, version in pairs)]
    assert recipe["requirements"]["run"] == asked
    assert recipe["context"]["version"] == project["version"]
