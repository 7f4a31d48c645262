"""A fault has one exit code and one sentence, whichever verb meets it."""

import pytest

from tests.cli.conftest import mebench
from tests.helpers.run_folders import make_run

__all__ = ["mebench"]

RUN = ("method=random", "dataset=synthetic", "dataset.preset=tiny", "workers=1", "bootstrap=0", "tracking=off")
TABLES = ("--truth", "t.csv", "--predictions", "t.csv", "--bootstrap", "0")
PLACES_OF_FOLDERS = (
    ("run", *RUN, "runs={}"),
    ("run", *RUN, "runs={}", "--dry-run"),
    ("run", *RUN, "cache={}"),
    ("tune", *RUN, "--trials", "1", "--out", "{}"),
    ("leaderboard", "build", "--runs", "runs", "--out", "{}"),
    ("leaderboard", "export", "one", "--out", "{}"),
    ("leaderboard", "merge", "runs", "--out", "{}"),
    ("leaderboard", "archive", "field", "--out", "{}"),
    ("new", "method", "mine", "-o", "{}"),
    ("data", "fake", "dataset=casme2", "-o", "{}"),
    ("mistakes", "one", "--csv", "{}"),
    ("spot", "film.mp4", "-o", "{}"),
)
PLACES_OF_FILES = (
    ("report", "one", "-o", "{}.html"),
    ("table", "one", "-o", "{}.tex"),
    ("plot", "one", "-o", "{}.png"),
    ("compare", "one", "one", "--json", "{}.json"),
    ("runs", "show", "one", "--json", "{}.json"),
    ("score", *TABLES, "--json", "{}.json"),
    ("score", *TABLES, "--write-predictions", "{}.csv"),
    ("predictions", "export", "one", "-o", "{}.csv"),
    ("data", "preview", "dataset=synthetic", "-o", "{}.png"),
)
UNKNOWN_RUNS = (
    ("runs", "show"),
    ("runs", "verify"),
    ("report",),
    ("mistakes",),
    ("resume",),
    ("leaderboard", "export"),
    ("predictions", "export"),
)
MISSING_FILES = (
    ("score", "--truth", "gone.csv", "--predictions", "t.csv"),
    ("score", "--truth", "t.csv", "--predictions", "gone.csv"),
    ("mistakes", "gone.csv", "--truth", "t.csv"),
    ("compare", "gone.csv", "t.csv", "--truth", "t.csv"),
)


@pytest.fixture
def said(mebench, own_folder):
    """Runs the command beside a run `one`, and returns exit code and error."""
    make_run(own_folder / "runs", "one")
    (own_folder / "t.csv").write_text("subject,video,onset,offset\n1,a,5,9\n")
    (own_folder / "film.mp4").write_bytes(b"no film")
    (own_folder / "file").write_text("no folder")

    def run(*words):
        code, _, err = mebench(*words)
        assert "Traceback" not in err
        return code, err

    return run


def test_fault_of_a_place_is_one_for_all_verbs(said):
    for words in (*PLACES_OF_FOLDERS, *PLACES_OF_FILES):
        code, err = said(*(word.format("file/below") for word in words))
        assert (code, "file/below" in err, "cannot be written: " in err) == (3, True, True), (words, err)


def test_fault_of_an_unknown_run_is_one_for_all_verbs(said):
    for words in UNKNOWN_RUNS:
        options = ("-o", "it.csv") if words == ("predictions", "export") else ()
        code, err = said(*words, "tow", *options)
        assert (code, "unknown run 'tow'" in err, "Known: one" in err) == (4, True, True), (words, err)


def test_fault_of_a_missing_file_is_one_for_all_verbs(said):
    for words in MISSING_FILES:
        code, err = said(*words)
        assert (code, "gone.csv cannot be read: No such file or directory" in err) == (3, True), (words, err)
