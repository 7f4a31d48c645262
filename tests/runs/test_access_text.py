"""What is said of the access of a run's folds, no more than was so."""

import pytest

from mebench.runs import FoldResult, RunFolder, access_text
from mebench.runs.fold_files import PRINTED, whole_fold, write_fold_files
from tests.helpers.run_folders import make_run


def described(**access):
    return access_text.describe_access({"asked": "auto", "lacks": [], "reads": [], "devices": [], **access})


def test_describe_access_says_isolated_only_where_it_is_so():
    whole = "sandbox=auto: its folds were isolated from files, processes and the network"
    assert described(view=True) == whole
    assert described() == whole  # as runs older than views said it
    partly = described(view=False)
    assert "isolated from files" not in partly
    assert "could see whether files exist, how large and how old they are" in partly
    assert "when they were read" not in partly
    assert "and when they were read" in described(view=False, times=True)
    assert "when files that folds share were read" in described(view=True, times=True)
    assert described(view=False, lacks=["files"]).endswith("its folds were not isolated from files")


def test_describe_access_names_what_isolated_folds():
    assert described(view=True, by="Landlock").endswith("isolated from files, processes and the network by Landlock")
    seen = described(view=False, by="Seatbelt")
    assert seen.endswith("by Seatbelt, but could see whether files exist, and how other programs were started")
    assert described(lacks=["files"], reason="it broke off").endswith(
        "not isolated from files (Seatbelt: it broke off)"
    )


def test_describe_access_names_what_a_method_could_read():
    sentence = described(view=True, reads=["/a/face.dat"], devices=["/dev/nvidia0"])
    assert sentence.endswith("; besides code its method could read /a/face.dat, /dev/nvidia0")


@pytest.fixture
def printing(tmp_path):
    """A finished run of which one fold has printed something."""
    folder = make_run(tmp_path / "runs")
    fold = next((folder.path / "folds").iterdir())
    (fold / PRINTED).write_text("epoch 1\n")
    return folder


def test_describe_grants_tells_what_folds_got_and_printed(printing, tmp_path):
    given = {"given": ["Python", "the method's folder /m"], "inherited": ["HOME", "PATH"]}
    sentences = access_text.describe_grants(printing, given)
    assert sentences[:2] == [
        "given unasked to its folds: Python; the method's folder /m",
        "variables that its folds inherited: HOME, PATH",
    ]
    assert sentences[2].startswith("1 fold printed something, kept in ")
    silent = make_run(tmp_path / "silent")
    assert access_text.describe_grants(silent, {}) == ["its folds printed nothing that is kept"]


def test_access_of_run_is_none_without_the_file(tmp_path):
    folder = make_run(tmp_path / "runs")
    (folder.path / access_text.ACCESS_FILE).unlink(missing_ok=True)
    assert access_text.access_of_run(RunFolder(folder.path)) is None


def test_write_files_keeps_what_a_fold_printed(tmp_path):
    result = FoldResult("k", [], [], {}, {}, 1, {}, printed="epoch 1\n")
    write_fold_files(tmp_path, result, ("micro",))
    assert (tmp_path / PRINTED).read_text() == "epoch 1\n"
    assert whole_fold(tmp_path) == "k"
    (tmp_path / PRINTED).write_text("changed\n")
    assert whole_fold(tmp_path) is None
