"""`mebench data`: fake, summary, verify and preview, as a user meets them."""

import errno
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from mebench.annotations import SheetDataset
from mebench.cli import data
from mebench.config import registry, resolve, resolve_dataset
from mebench.runner import host, make_plan
from mebench.testing import contracts
from tests.helpers.nightly import by_day

DRAWN = [
    id_
    for id_, info in registry.list_plugins("dataset").items()
    if not info.broken and issubclass(registry.load_plugin("dataset", id_), SheetDataset)
]
DRAWN_ON_PURPOSE = {"beyond_video", "missing_frames", "missing_folder", "numbering_gap"}
"""Defects of releases that a drawn tree may have, because adapters fix them."""


def method_for(words):
    """A method that needs no training: the short clips of SMIC can only be recognised."""
    ((id_, params),) = resolve_dataset(words).dataset_params.items()
    return "random" if "spot" in registry.load_plugin("dataset", id_)(params).tasks else "majority"


@pytest.fixture(autouse=True)
def no_user_file(monkeypatch, tmp_path):
    monkeypatch.delenv("MEBENCH_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def casme2(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn") / "casme2"
    registry.load_plugin("dataset", "casme2").write_fake_tree(root)
    return root


@pytest.mark.parametrize("id_", by_day(DRAWN, "cas_me2", "casme2", "smic_hs"))  # long videos, clips, labels alone
def test_data_fake_tree_goes_all_the_way(mebench, id_, tmp_path):
    words = (f"dataset={id_}", f"dataset.root={tmp_path / 'tree'}")
    code, out, _ = mebench("data", "fake", words[0], "--out", tmp_path / "tree")
    assert code == 0
    assert f"mebench data summary {words[0]} {words[1]}" in out
    assert "It has the defects of the release, too" in out

    code, out, _ = mebench("data", "summary", *words, "--json", "-")
    summary = json.loads(out)
    assert code == 0
    assert summary["subjects"] >= 3
    assert sum(summary["expressions"].values()) >= 5
    assert summary["repairs"]

    code, out, _ = mebench("data", "verify", *words, "--json", "-")
    seen = json.loads(out)
    errors = {f["check"] for f in seen["findings"] if f["level"] == "error"}
    assert code == bool(errors)
    assert seen["frames"] > 50
    assert errors <= DRAWN_ON_PURPOSE, seen["findings"]

    code, out, _ = mebench("data", "preview", *words, "-o", tmp_path / "faces.png", "--expressions", "2", "--json", "-")
    assert code == 0
    assert [one["problem"] for one in json.loads(out)["expressions"]] == [None, None]
    assert cv2.imread(str(tmp_path / "faces.png")).shape[1] > 600

    plan = make_plan(resolve([f"method={method_for(words)}", *words, f"cache={tmp_path}"]))
    result = host.execute_fold(plan, plan.data.folds[0])
    assert result.predictions or result.clips


def test_data_summary_is_readable(mebench, casme2):
    code, out, _ = mebench("data", "summary", "dataset=casme2", f"dataset.root={casme2}")
    lines = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert ["expressions", "micro", "8", "95 to 135 ms, median 102, mean 109"] in lines
    assert ["emotion", "disgust", "3", "micro 3"] in lines
    assert [
        "scheme",
        "five",
        "7",
        "disgust 3, happiness 1, others 1, surprise 1, repression 1; left out: sadness 1",
    ] in lines
    assert any("row 4, ApexFrame: '/' read as 'none'" in line[0] for line in lines)


def test_data_summary_takes_annotations_alone(mebench, casme2, tmp_path):
    sheet = (casme2 / "CASME2-coding-20140508.xlsx").rename(tmp_path / "sheet.xlsx")
    code, out, _ = mebench("data", "summary", "dataset=casme2", f"dataset.annotations={sheet}", "--json", "-")
    sheet.rename(casme2 / "CASME2-coding-20140508.xlsx")
    summary = json.loads(out)
    assert code == 0
    assert {key: summary[key] for key in ("subjects", "videos", "expressions")} == {
        "subjects": 4,
        "videos": 8,
        "expressions": {"micro": 8, "macro": 0},
    }
    assert summary["emotions"] == {
        "disgust": 3, "happiness": 1, "others": 1, "repression": 1, "sadness": 1, "surprise": 1,
    }  # fmt: skip


def test_data_summary_imports_nothing_heavy(casme2):
    code = (
        "import sys\nfrom mebench import cli\n"
        f"sys.argv = ['mebench', 'data', 'summary', 'dataset=casme2', 'dataset.root={casme2}']\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print(*[name for name in {contracts.HEAVY} if name in sys.modules], sep=',')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_data_summary_of_composite_shows_members_and_whole(mebench, casme2, tmp_path):
    registry.load_plugin("dataset", "samm").write_fake_tree(tmp_path / "samm")
    words = (
        "dataset=[casme2,samm]",
        f"dataset.casme2.root={casme2}",
        f"dataset.samm.root={tmp_path / 'samm'}",
    )
    code, out, _ = mebench("data", "summary", *words, "--json", "-")
    summary = json.loads(out)
    assert (code, summary["subjects"], summary["expressions"]["micro"]) == (0, 7, 14)
    assert summary["emotions"]["happiness"] == 2
    assert summary["members"]["samm"]["expressions"]["micro"] == 6
    code, out, _ = mebench("data", "verify", *words, "--json", "-")
    seen = json.loads(out)
    assert code == (not seen["sound"])
    assert seen["frames"] == sum(member["frames"] for member in seen["members"].values())
    assert mebench("data", "preview", *words, "-o", tmp_path / "faces.png", "--expressions", 2)[0] == 0


def test_data_verify_tells_what_is_wrong_and_writes_a_report(mebench, tmp_path):
    root = tmp_path / "tree"
    registry.load_plugin("dataset", "cas_me2").write_fake_tree(root)
    words = ("data", "verify", "dataset=cas_me2", f"dataset.root={root}")

    code, out, _ = mebench(*words)
    assert code == 0
    assert "cas_me2: sound: no errors, 1 warning" in out
    assert "this is a part of the dataset, 8 of the 357 expressions" in out
    assert mebench(*words, "--strict")[0] == 1
    assert mebench(*words, "--strict", "--no-counts")[0] == 0

    frame = root / "rawpic" / "s16" / "16_0401childabuse" / "img026.jpg"
    frame.unlink()
    code, out, err = mebench(*words, "--report", tmp_path / "report.md", "--json", tmp_path / "report.json")
    sentence = "file 26 is missing between 1 and 100 (1 frame)"
    assert code == 1
    assert f"error: s16/16_0401: {sentence}" in out
    assert "6/6 videos" in err

    report = (tmp_path / "report.md").read_text()
    plain = json.loads((tmp_path / "report.json").read_text())
    assert report.startswith(f"# Verification of cas_me2\n\n- cas_me2: **problems found: {plain['errors']} error")
    assert sentence in report
    assert "| micro-expressions | 5 | 57 | differs |" in report

    assert not plain["sound"]
    assert plain["hash"] in report
    assert plain["findings"][1]["where"] == "s16/16_0401"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("summary",), 2, "no dataset is named"),
        (("summary", "dataset=casme2", "seed=1"), 2, "seed belongs to a run"),
        (("summary", "dataset=casme2", "method.p=1"), 2, "method.p belongs to a run"),
        (("summary", "dataset=casme2", "dataset.rot=x"), 2, "Did you mean 'dataset.root'?"),
        (("summary", "dataset=casme2"), 3, "give dataset.root=PATH"),
        (("verify", "dataset=casme2", "dataset.root=/nowhere"), 3, "dataset.root=/nowhere is not a folder"),
        (
            ("verify", "dataset=casme2", "--report", "/nowhere/r.md"),
            3,
            "name a file in an existing, writable folder with --report FILE",
        ),
        (("preview", "dataset=casme2", "-o", "faces.jpg"), 2, "--out must name a .png file"),
        (
            ("preview", "dataset=casme2", "-o", "/nowhere/faces.png"),
            3,
            "name a file in an existing, writable folder with --out FILE",
        ),
        (("preview", "dataset=megc2019_flow", "-o", "faces.png"), 3, "no frames, so there is nothing to preview"),
        (("fake", "dataset=synthetic", "--out", "tree"), 3, "no drawn stand-in"),
        (
            ("fake", "dataset=long_video_features", "dataset.of=casme3", "--out", "tree"),
            2,
            "dataset.of=casme3 changes no stand-in",
        ),
        (("summary", "dataset=[casme2,samm]"), 3, "(of several datasets dataset.casme2.root=PATH)"),
    ],
)
def test_data_verbs_refuse_in_one_sentence(mebench, words, code, sentence):
    found, out, err = mebench("data", *words)
    assert (found, out) == (code, "")
    assert sentence in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [("verify", "--report", "r.md"), ("describe", "-o", "out")], ids=["verify", "describe"]
)
def test_data_verbs_say_which_place_is_full(mebench, monkeypatch, tmp_path, words):
    def fill(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mebench.cli.data.write_text", fill)
    monkeypatch.setattr("mebench.inspection.dataset_tables.write_described_tables", fill)
    verb, option, place = words
    code, _, err = mebench("data", verb, "dataset=synthetic", "dataset.preset=tiny", option, place)
    assert code == 3
    assert f"error: {place} cannot be written: No space left on device: make room there" in err


def test_data_preview_shows_chosen_people_and_overwrites_nothing(mebench, casme2, tmp_path):
    words = ("data", "preview", "dataset=casme2", f"dataset.root={casme2}", "-o", tmp_path / "faces.png")
    (tmp_path / "faces.png").write_text("mine")
    code, _, err = mebench(*words)
    assert code == 2
    assert "exists: name another file, or overwrite it with --force" in err
    assert (tmp_path / "faces.png").read_text() == "mine"
    code, out, _ = mebench(*words, "--force", "--subject", "04", "--json", "-")
    assert code == 0
    assert [one["video"] for one in json.loads(out)["expressions"]] == ["casme2/04/EP12_01f", "casme2/04/EP13_06f"]
    assert (tmp_path / "faces.png").read_bytes().startswith(b"\x89PNG")
    code, _, err = mebench(*words, "--force", "--subject", "99")
    assert code == 2
    assert "unknown subject with expressions '99'" in err
    # No face went anywhere else; matplotlib keeps its list of fonts there if this is its first import.
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files if path.suffix != ".json"] == ["faces.png"]


def test_data_preview_says_where_no_face_is(mebench, casme2, tmp_path):
    import shutil

    root = Path(shutil.copytree(casme2, tmp_path / "faceless"))
    for file in (root / "CASME2-RAW" / "sub01" / "EP02_01f").iterdir():
        picture = cv2.imread(str(file))
        cv2.imwrite(str(file), cv2.resize(cv2.resize(picture, (4, 3)), picture.shape[1::-1]))
    words = ("data", "preview", "dataset=casme2", f"dataset.root={root}", "-o", tmp_path / "faces.png")
    code, out, _ = mebench(*words, "--video", "EP02_01f")
    assert code == 0
    assert "1 expressions, 1 without a face" in out


def test_data_fake_refuses_a_folder_that_holds_something(mebench, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    code, _, err = mebench("data", "fake", "dataset=casme2", "--out", tmp_path / "mine")
    assert code == 3
    assert "is not an empty folder" in err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(("interactive", "shown"), [(True, 12), (False, 15)])
def test_data_lists_end_after_a_dozen_lines_at_a_terminal(monkeypatch, capsys, interactive, shown):
    monkeypatch.setattr(data, "at_terminal", lambda: interactive)
    data.print_list("repairs", [f"row {n}" for n in range(15)], 15)
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == "repairs (15)"
    assert lines[:shown] == [f"  row {n}" for n in range(shown)]
    assert lines[shown:] == (["  … and 3 more lines: --json FILE lists all"] if interactive else [])
    data.print_list("repairs", [f"row {n}" for n in range(12)], 12)
    assert "more" not in capsys.readouterr().out
    data.print_list("repairs", [], 0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("packed", ["one archive of all", "a video in the folder of its person"])
def test_data_summary_of_packed_frames_suggests_unpack(mebench, casme2, tmp_path, packed):
    import shutil
    import zipfile

    import numpy as np

    from mebench.frames import videofile

    root = tmp_path / "CASME II"
    root.mkdir()
    shutil.copy(casme2 / "CASME2-coding-20140508.xlsx", root)
    drawn, home = casme2 / "CASME2-RAW" / "sub01", root / "CASME2-RAW"
    if packed == "one archive of all":
        lie = "CASME2-RAW.zip lies"
        frames = root / "frames" / "CASME2-RAW"
        with zipfile.ZipFile(root / "CASME2-RAW.zip", "w") as archive:
            for file in drawn.rglob("*.jpg"):
                archive.write(file, file.relative_to(drawn.parent))
        packed_line = f"{root / 'CASME2-RAW.zip'}: 96 files in {frames}"
    else:
        clips = sorted(folder.name for folder in drawn.iterdir())
        frames = home
        (home / "sub01").mkdir(parents=True)
        for clip in clips:
            black = iter([np.zeros((64, 64, 3), np.uint8)] * 48)
            videofile.write_video(home / "sub01" / f"{clip}.avi", black, np.arange(48) / 200, 200)
        lie = f"{len(clips)} files such as {clips[0]}.avi lie"
        packed_line = f"{home / 'sub01' / clips[0]}.avi: 48 frames, "
    words = ("dataset=casme2", f"dataset.root={root}")
    code, out, _ = mebench("data", "summary", *words)
    (line,) = (line for line in out.splitlines() if "mebench data unpack" in line)
    assert code == 0
    assert f"there are none. {lie} there packed" in line
    command = shlex.split(line.partition("packed: ")[2])
    code, out, _ = mebench(*command[1:])
    assert code == 0
    assert out.startswith(packed_line)
    code, out, _ = mebench("data", "summary", *words)
    assert "there packed" not in out
    assert f"2\tof 8 in {frames}" in out


def test_run_refuses_methods_of_frames_on_maps_alone(mebench, tmp_path):
    root, runs = tmp_path / "maps", tmp_path / "runs"
    registry.load_plugin("dataset", "megc2019_flow").write_fake_tree(root)
    code, _, err = mebench("run", "method=hoof", "dataset=megc2019_flow", f"dataset.root={root}", f"runs={runs}")
    assert code == 2
    assert "dataset=megc2019_flow has no frames, only ready-made features" in err
    assert not runs.exists()
