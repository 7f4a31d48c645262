"""Parts can be left out: a copy of mebench without their folders does all that needs none of them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mebench.parts import PARTS

ROOT = Path(__file__).parent.parent
VERBS = {
    "boards": "leaderboard across",
    "boards.site": "leaderboard build",
    "challenges": "challenge list",
    "combination": "combine a b",
    "inference": "spot film.mp4",
    "reproduction": "reproduce mean2022",
    "tracking": "run method=random dataset=synthetic dataset.preset=tiny tracking=mlflow",
    "tuning": "tune method=random dataset=synthetic",
    "vqa": "vqa make dataset=synthetic -o questions.jsonl",
}
"""A verb that needs each part."""
PROGRAM = """
import contextlib, io, json, sys

for part in json.loads(sys.argv[1]):
    sys.modules[f"mebench.{part}"] = None  # an import of it fails as if it were not there
from mebench.cli import main

for line in json.loads(sys.argv[2]):
    sys.argv = ["mebench", *line.split()]
    with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, said.getvalue()]))
"""


def link_without(source: Path, target: Path, parts: set[str], above: str = "") -> None:
    """A folder with links to all that is in another one, but for some parts."""
    target.mkdir()
    for entry in source.iterdir():
        name = f"{above}{entry.name}"
        if name in parts:
            continue
        if any(part.startswith(f"{name}.") for part in parts):
            link_without(entry, target / entry.name, parts, f"{name}.")
        else:
            (target / entry.name).symlink_to(entry)


def outcomes(folder: Path, lines: list[str], hidden=(), copy: Path | None = None) -> list[tuple[int, str]]:
    """Exit code and messages of commands, one after the other in one process.

    Args:
        folder: folder in which they work.
        lines: their words.
        hidden: parts that cannot be imported.
        copy: the copy of the repository that is imported; this one by default.
    """
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(copy or ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([*hidden]), json.dumps(lines)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def copy_without(copy: Path, parts: set[str]) -> Path:
    """A copy of the repository without some parts."""
    copy.mkdir()
    for entry in ROOT.iterdir():
        if entry.name != "mebench" and not entry.name.startswith("."):
            (copy / entry.name).symlink_to(entry)
    link_without(ROOT / "mebench", copy / "mebench", parts)
    return copy


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """A copy of the repository without any part."""
    return copy_without(tmp_path_factory.mktemp("bare") / "copy", {*PARTS})


def test_parts_are_rooms_with_a_verb():
    assert [part for part in PARTS if not (ROOT / "mebench" / part.replace(".", "/")).is_dir()] == []
    assert set(VERBS) == set(PARTS)


def test_mebench_without_any_part_lists_runs_scores_and_compares(bare, tmp_path):
    """What works without all parts works without each of them."""
    tiny = "method=random dataset=synthetic dataset.preset=tiny tracking=off workers=1"
    (tmp_path / "mine.csv").write_text("video,kind,onset,offset,confidence\na,micro,10,20,0.5\nb,micro,5,15,0.5\n")
    (tmp_path / "other.csv").write_text("video,kind,onset,offset,confidence\na,micro,11,19,0.5\nb,micro,40,50,0.5\n")
    (tmp_path / "truth.csv").write_text("video,kind,onset,offset\na,micro,10,20\nb,micro,5,15\n")
    files = "--truth truth.csv --fps 100"
    lines = [
        "list",
        f"run {tiny}",
        f"score --predictions mine.csv {files}",
        f"compare mine.csv other.csv {files}",
    ]
    found = outcomes(tmp_path, lines, copy=bare)
    assert [code for code, _ in found] == [0, 0, 0, 0], found
    assert list(tmp_path.glob("runs/random-*/summary.json"))


def test_verbs_of_parts_say_that_theirs_is_not_installed(bare, tmp_path):
    for part, (code, said) in zip(VERBS, outcomes(tmp_path, [*VERBS.values()], copy=bare)):
        named = part.split(".")[0]  # of the boards' site nothing is asked without boards
        assert code == 2, (part, said)
        assert said.splitlines()[-1] == (
            f"error: mebench.{named} ({PARTS[named]}) is not part of this installation: install mebench as a whole to use it"
        )


def test_board_needs_none_of_the_parts_that_give_rows(tmp_path):
    """Answers are sent, taken and shown where only boards and what scores the answers are installed."""
    (tmp_path / "mine.csv").write_text("subject,video,kind,onset,offset,confidence\ns,a,micro,10,20,0.5\n")
    (tmp_path / "truth.csv").write_text("subject,video,kind,onset,offset\ns,a,micro,10,20\n")
    shutil.copytree(ROOT / "leaderboards" / "questions", tmp_path / "board" / "questions")
    about = "--truth truth.csv --name ours --method Ours --dataset cas_me2 --selection fixed"
    lines = [
        f"leaderboard submit mine.csv {about}",
        "leaderboard merge sent --out board/records",
        "leaderboard build --runs none --out board --no-site",
    ]
    others = [part for part in PARTS if part not in ("boards", "reproduction")]
    found = outcomes(tmp_path, lines, hidden=others)
    assert [code for code, _ in found] == [0, 0, 0], found
    assert [table.name for table in (tmp_path / "board" / "tables").glob("*.csv")] == ["spotting-cas_me2-loso.csv"]


def test_board_without_its_site_says_what_lacks(tmp_path):
    """Only the page asks for the room of the page."""
    records = ROOT / "leaderboards" / "records" / "lbp_top-casme2_lbp_top-loso-seed0-dd9beca1"
    shutil.copytree(records, tmp_path / "records" / records.name)
    build = "leaderboard build --runs none --records records"
    lines = ["list", f"{build} --out tables --no-site", f"{build} --out whole"]
    (listed, tables, (code, said)) = outcomes(tmp_path, lines, copy=copy_without(tmp_path / "copy", {"boards.site"}))
    assert (listed[0], tables[0], code) == (0, 0, 2), said
    assert [table.name for table in (tmp_path / "tables" / "tables").glob("*.csv")] == [
        "recognition-casme2_lbp_top-loso.csv"
    ]
    assert "error: mebench.boards.site (the page of leaderboards) is not part of this installation" in said


@pytest.mark.parametrize("part", ["vqa", "tuning"])
def test_hidden_part_equals_removed_folder(bare, tmp_path, part):
    lines = ["--version", VERBS[part]]
    assert outcomes(tmp_path, lines, hidden=[part]) == outcomes(tmp_path, lines, copy=bare)
