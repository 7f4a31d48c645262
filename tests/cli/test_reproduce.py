"""`mebench reproduce` from its words to its table."""

import json
import shutil
from pathlib import Path

import yaml

LEADERBOARDS = Path(__file__).parents[2] / "leaderboards"
TINY = "synthetic dataset.subjects=3 dataset.videos=1 dataset.frames=120 dataset.size=64"


def write_quick_paper(place: Path) -> None:
    """A leaderboards folder with the paper `quick`: MEAN's table of distances k, with one row by a method that draws."""
    (place / "papers").mkdir(parents=True)
    shutil.copy(LEADERBOARDS / "published.csv", place)
    content = yaml.safe_load((LEADERBOARDS / "papers" / "mean2022.yaml").read_text())
    first_row = content["tables"][6]["rows"][0] | {"run": "method=random method.draws=2"}
    content["tables"] = {6: content["tables"][6] | {"rows": [first_row]}}
    (place / "papers" / "quick.yaml").write_text(yaml.safe_dump(content))


def test_reproduce_runs_a_table_from_words(mebench, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write_quick_paper(tmp_path / "boards")
    words = ["quick", "--table", "6", "--stand-in", TINY, "--leaderboards", "boards"]
    settings = ["workers=1", "bootstrap=20", "tracking=off", f"cache={tmp_path / 'cache'}"]
    code, out, _ = mebench("reproduce", *words, *settings, "--json", "cells.json")
    cells = json.loads(Path("cells.json").read_text())["cells"]
    measured = [cell for cell in cells if cell["measured"] is not None]
    assert code == 0
    assert {cell["metric"] for cell in measured} >= {"f1"}
    assert {cell["run_id"] for cell in measured} == {folder.name for folder in Path("runs").iterdir()}
    assert f"{len(measured)} of {len(cells)} cells measured" in out
    assert "k = 0.05 fps" in out


def test_reproduce_names_the_papers_there_are(mebench, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write_quick_paper(tmp_path / "boards")
    code, _, error = mebench("reproduce", "quik", "--leaderboards", "boards")
    assert code == 2
    assert "quick" in error
