"""A release: deprecated words go as docs/contribute/stability.md promises, versions agree, conda asks for what pip asks for."""

import re
import subprocess
import tomllib
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

import mebench
from mebench.boards.site.site_pages import BIBTEX

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
    text = (ROOT / "docs/contribute/stability.md").read_text(encoding="utf-8")
    assert "| old | new | since | goes in |" in text
    assert list(broken(text, mebench.__version__)) == []


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ("| `--old` | `--new` | 0.3 | 0.5 |", []),
        ("| `--old` | `--new` | 0.2 | 0.4 |", ["--old should be gone since 0.4"]),
        ("| `--old` | `--new` | 0.4 | 0.5 |", ["--old works in no version after 0.4"]),
        ("| `--old` | `--new` | 0.9 | 1.0 |", []),
    ],
)
def test_stability_rule_finds_wrong_rows(row, messages):
    text = f"| old | new | since | goes in |\n|---|---|---|---|\n{row}\n\nmore"
    assert list(broken(text, "0.4.1")) == messages


def test_version_is_one():
    version = mebench.__version__
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f'  version: "{version}"\n' in (ROOT / "conda/recipe.yaml").read_text()


def test_bibtex_agrees_with_citation_file():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())["preferred-citation"]
    (author,) = cited["authors"]

    (entry,) = re.findall(r"^```bibtex\n(.*?)^```$", (ROOT / "docs/how_to/paper.md").read_text(), re.M | re.S)

    fields = dict(re.findall(r"(\w+)\s*= \{+(.*?)\}+(?:,|\n|$)", entry))
    assert fields == {
        "title": cited["title"],
        "author": author["name"],
        "year": f"{cited['year']}",
        "note": f"Version {cited['version']}",
    }
    assert "".join(entry.split()) == "".join((BIBTEX % cited["version"]).split())


def test_version_between_releases_is_a_development_version():
    """A section with a date makes a release; what comes after it has another number."""
    released = re.findall(r"^## \[(.+)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    text = (ROOT / "CHANGELOG.md").read_text().partition("## [Unreleased]")[2]
    unreleased = text.partition("\n## [")[0].strip()
    assert bool(unreleased) == (mebench.__version__ not in released)
    assert mebench.__version__.endswith(".dev0") == bool(unreleased)


def release_folder(folder, version="0.3.0", citation="0.3.0", recipe="0.3.0", date="2027-01-02"):
    """The files that a release looks at, with the versions that they name."""
    for name, text in {
        ".ci/tag": (ROOT / ".ci/tag").read_text(),
        "mebench/_installation.py": f'VERSION = "{version}"\n',
        "CITATION.cff": f"title: mebench\nversion: {citation}\ndate-released: {date}\n",
        "conda/recipe.yaml": f'context:\n  version: "{recipe}"\n',
        "CHANGELOG.md": "# Changelog\n\n## [0.3.0] - 2027-01-02\n\nNew.\n\n## [0.2.0] - 2026-11-26\n\nOld.\n",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return ["bash", str(folder / ".ci/tag"), "v0.3.0"]


def test_ci_tag_prints_section_of_changelog(tmp_path):
    shown = subprocess.run(release_folder(tmp_path), capture_output=True, text=True, check=True)
    assert shown.stdout == "New.\n"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"version": "0.2.9"}, "the version in mebench/_installation.py is 0.2.9"),
        ({"citation": "0.2.9"}, "the version in CITATION.cff is 0.2.9"),
        ({"recipe": "0.3.0.dev0"}, "the version in conda/recipe.yaml is 0.3.0.dev0"),
        ({"date": "2026-11-26"}, "CITATION.cff must say «date-released: 2027-01-02»"),
    ],
)
def test_ci_tag_refuses_files_that_differ(tmp_path, wrong, sentence):
    shown = subprocess.run(release_folder(tmp_path, **wrong), capture_output=True, text=True, check=False)
    assert shown.returncode == 1
    assert sentence in shown.stderr


def test_github_workflows_name_actions_by_hash():
    used = [
        line.strip()
        for file in (ROOT / ".github/workflows").glob("*.yml")
        for line in file.read_text().splitlines()
        if "uses:" in line
    ]
    assert used
    assert [line for line in used if not re.fullmatch(r"(- )?uses: \S+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line)] == []


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
    assert recipe["context"]["version"] == mebench.__version__
