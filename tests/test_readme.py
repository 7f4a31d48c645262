"""README's two commands are the whole set-up: continuous integration pastes them, and adds nothing for them."""

import ast
import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from mebench import cli
from mebench.boards.named_boards import read_named_boards

ROOT = Path(__file__).parents[1]
README, CI = ROOT / "README.md", ROOT / ".ci" / "run"
MODULES = {
    "axe_playwright_python.sync_playwright": "test",
    "captum": "explain",
    "distributed": "dask",
    "h5py": "keras",
    "hatchling": "test",
    "latex2mathml": "test",
    "playwright.sync_api": "test",
    "PyEMD": "emd",
    "python_calamine": "ods",
    "onnx": "onnx",
    "onnxscript": "onnx",
    "onnxruntime": "onnx",
    "tensorboardX": "test",
}
"""Modules without which tests are skipped, and the extra that brings each."""

pytestmark = pytest.mark.skipif(not CI.is_file(), reason="needs the checkout: .ci/ is no part of the sdist")


def commands():
    """README's blocks of shell commands, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def lines():
    """The lines of `.ci/run` that do something."""
    return [line.strip() for line in CI.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]


def test_readme_two_commands_install_and_run():
    first, second = commands()[:2]
    assert first == "pip install -c constraints.txt -e .\nmebench run -c examples/first_run.yaml\n"
    assert re.fullmatch(r'pip install -c constraints\.txt \\\n  -e "\.\[test\]"\npytest( -n auto)?\n', second)


def test_readme_begins_with_sentence_command_and_picture():
    """The findings follow; no line of a command is wider than a phone of 390 pixels."""
    text = README.read_text(encoding="utf-8")
    begins = ["mebench compares methods", "```sh\n", "](docs/leaderboard.png)", "**On MEGC 2019", "## "]
    assert sorted(begins, key=text.index) == begins
    assert [line for command in commands() for line in command.splitlines() if len(line) > 38] == []


def test_readme_third_command_spots_in_own_video(tmp_path, monkeypatch, capsys):
    """By a model that came along, with no landmark file and nothing downloaded; here in one of the drawn files that README names."""
    text = README.read_text(encoding="utf-8")
    assert commands()[2] == "mebench spot my.mp4\n"
    (draw,) = re.findall(r"`(mebench data fake dataset=meview --out drawn)`", text)
    (file,) = re.findall(r"`(drawn/\S+\.mp4)`", text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEBENCH_CONFIG", str(tmp_path / "config.yaml"))
    (tmp_path / "config.yaml").write_text("cache: cache\n")
    for line in (draw, commands()[2].replace("my.mp4", file) + " --workers 1"):
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        assert not end.value.code, printed.err
    assert "using the included model" in printed.err
    assert "does not say what a person feels" in printed.err
    assert {"intervals.csv", "intervals.eaf", "report.html"} <= {path.name for path in (tmp_path / "spotted").iterdir()}


def test_readme_fits_one_sitting_with_working_links():
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 110
    links = [link.partition("#")[0] for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text)]
    files = [link for link in links if not link.startswith("../../actions/")]
    assert files
    assert [link for link in files if not (ROOT / link).is_file()] == []
    assert sum((ROOT / link).stat().st_size for link in files if link.endswith((".png", ".jpg"))) < 400_000


@pytest.fixture
def page_of():
    """The function that makes PyPI's page of README; hatchling is what builds the package."""
    pytest.importorskip("hatchling", reason="needs hatchling (in the extra test)")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page_of


@pytest.mark.parametrize("repository", ["", "https://example.org/owner/mebench"])
def test_package_page_has_its_own_commands_and_no_relative_link(page_of, repository):
    page = page_of(README.read_text(encoding="utf-8"), repository)

    assert "```sh\npip install mebench\nmebench run --example first_run\n```" in page
    assert "mebench spot my.mp4" in page
    for of_clone in ("pip install -c constraints.txt", "pytest", "<!--", "clone of this repository"):
        assert of_clone not in page
    targets = re.findall(r"\]\(([^)]*)\)", page)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []
    assert any(target.startswith("https://example.org/owner/mebench/raw/main/docs/") for target in targets) == bool(
        repository
    )


def test_package_page_needs_the_sentences_that_it_replaces(page_of):
    with pytest.raises(ValueError, match="no longer says"):
        page_of("# Another README\n", "")


def test_readme_counts_methods_and_datasets():
    methods, datasets = (len(list((ROOT / kind).glob("*/config.yaml"))) for kind in ("methods", "datasets"))
    assert f"{methods} methods and {datasets} datasets" in README.read_text(encoding="utf-8")


def test_readme_names_composite_as_its_board_does():
    (board,) = (one for one in read_named_boards(ROOT / "leaderboards") if one.id == "megc2019")
    challenge, _, _ = board.title.partition(",")
    named = re.findall(r"MEGC \d+", README.read_text(encoding="utf-8"))
    assert {challenge} == {*named}


def test_readme_badges_are_true():
    text = README.read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = [found[1] for line in project["classifiers"] if (found := re.fullmatch(r".*Python :: (3\.\d+)", line))]
    assert f"[![Python {' | '.join(versions)}]" in text
    assert f"python-{'_%7C_'.join(versions)}-blue" in text
    assert project["requires-python"] == f">={versions[0]}"
    assert f"with Python {versions[0]} or newer" in text
    assert project["license"].split(" AND ") == ["Apache-2.0", "BSL-1.0"]  # the second: dlib's detector
    assert "licence-Apache--2.0-blue" in text
    flows = re.findall(r"actions/workflows/(\w+)\.yml/badge\.svg", text)
    for flow in flows:  # each badge shows what happens on every push to main
        triggers = yaml.safe_load((ROOT / ".github" / "workflows" / f"{flow}.yml").read_text())[True]
        assert triggers["push"]["branches"] == ["main"]
    assert flows == ["ci", "docs"]


@pytest.mark.parametrize("number", [1, 2])
def test_ci_runs_readme_commands_verbatim(number):
    function = re.search(r"^readme_command\(\).*?^}$", CI.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[0]
    call = f"{function}\nreadme_command {number}"
    pasted = subprocess.run(["bash", "-c", call], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert pasted == commands()[number - 1]
    (line,) = (line for line in lines() if f'"$(readme_command {number})"' in line)
    assert line.startswith("bash -euo pipefail -c ")


def test_ci_adds_nothing_to_readme_commands():
    """Before them it installs PyTorch alone; pytest runs nowhere but in the second."""
    begin = lines().index("lint() {")
    others = lines()[:begin] + lines()[lines().index("}", begin) :]
    assert [line for line in others if "pip install" in line] == ["pip install torch==2.13.0"]
    assert not [line for line in lines() if re.match(r"(python -m )?pytest\b", line)]


def test_ci_lints_tested_set_by_hash():
    own = lines()[lines().index("lint() {") + 1 :]
    assert own[: own.index("}")] == [
        "environment tested",
        "pip install --quiet --require-hashes --no-deps -r requirements.lock",
        "pip install --quiet --no-deps --no-build-isolation -e .",
        ".ci/lint",
    ]
    pins = [
        re.findall(r"^([\w.-]+)==([^\s\\]+)", (ROOT / name).read_text(), re.MULTILINE)
        for name in ("requirements.lock", "constraints.txt")
    ]
    locked, tested = ({re.sub(r"[._]", "-", name.lower()): version for name, version in some} for some in pins)
    assert locked.items() <= tested.items(), "run .ci/lock: it does not hold the versions of constraints.txt"


@pytest.mark.parametrize("code", [0, 1])
def test_ci_refuses_lint_findings(code, tmp_path):
    """The end of `.ci/run`, README's commands and the environments being somebody else's."""
    (tmp_path / "lib.sh").write_text(f"set -euo pipefail\nscratch={tmp_path}\n")
    script = CI.read_text(encoding="utf-8").replace('$(dirname "${BASH_SOURCE[0]}")/lib.sh', f"{tmp_path}/lib.sh")
    begin, end = script.index("if ! {"), script.index("environment readme")
    stand_ins = f"lint() {{ echo complaint; return {code}; }}\nreadme_command() {{ echo echo command $1; }}\n"
    script = script[:begin] + stand_ins + "pip() { :; }\nenvironment() { :; }\n" + script[end:]
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert (ended.returncode, "complaint" in ended.stdout, "command 2" in ended.stdout) == (code, True, code == 0), (
        ended
    )


def test_readme_pytorch_version_is_that_of_ci_and_constraints():
    pins = {
        "README": re.search(r"pip install (torch==\S+) ", README.read_text(encoding="utf-8"))[1],
        "CI": re.search(r"^pip install (torch==\S+)$", CI.read_text(encoding="utf-8"), re.MULTILINE)[1],
        "constraints": re.search(r"^torch==\S+$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)[0],
    }
    assert len(set(pins.values())) == 1, pins


def test_pyproject_extra_test_holds_imports_of_tests():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (own,) = (found[1] for line in extras["test"] if (found := re.fullmatch(r"mebench\[(.*)\]", line)))
    assert {*own.split(","), "test"} >= {"landmarks", *MODULES.values()}
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("*.py")]
    asked = {
        word.value
        for text in texts
        if "importorskip" in text or "find_spec" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("importorskip", "skipif")
        if node.func.attr == "importorskip" or "find_spec" in ast.dump(node.args[0])
        for word in ast.walk(node.args[0])
        if isinstance(word, ast.Constant) and isinstance(word.value, str)
    }
    assert asked == set(MODULES)  # what mebench itself requires is imported, not asked for
