"""Answers that a team sends without a run: scored by the sender, again by the board, and a row of their own kind."""

import json
import pickle
import re
from contextlib import nullcontext

import pytest
import typer

from mebench.boards.published_tables import with_rescored
from mebench.boards.site.site_pages import Site
from mebench.cli import leaderboard
from mebench.errors import ConfigError, DataError
from mebench.intake import export as boards_export, submissions as boards_submissions
from mebench.reproduction.board_rows import collect_rescored, rescored_tables
from tests.helpers.run_folders import make_run

TRUTH = "subject,video,onset,offset,kind\n1,a,10,20,micro\n2,b,30,50,macro\n3,c,5,15,micro\n"
ABOUT = {
    "title": "Ours",
    "method": "Ours",
    "convention": "strict",
    "selection": "last epoch, nothing chosen on the tested",
}
SET = {"dataset": "cas_me2", "protocol": "loso", "scheme": "", "clips": False}


@pytest.fixture
def sent(tmp_path):
    (tmp_path / "truth.csv").write_text(TRUTH)
    (tmp_path / "mine.csv").write_text(TRUTH.replace("5,15", "60,70"))
    folder, _ = boards_submissions.write_submission(
        tmp_path / "mine.csv", tmp_path / "truth.csv", "our_lab", ABOUT, SET, tmp_path / "sent"
    )
    return folder


def test_take_scores_again_and_copies_facts_only(sent, tmp_path):
    home = tmp_path / "board" / "rescored"
    assert boards_submissions.find_submissions(sent.parent) == boards_submissions.find_submissions(sent) == [sent]
    assert boards_submissions.accept_submission(sent, home, check_only=True) == "checked"
    assert not home.exists()
    assert boards_submissions.accept_submission(sent, home) == "taken"
    assert boards_submissions.accept_submission(sent, home) == "there"
    assert sorted(file.name for file in home.iterdir()) == ["our_lab.json", "our_lab.yaml"]
    every = list(rescored_tables(collect_rescored(home, print), []))
    rows = {table.parts[0].name: table.parts[0].rescored[0] for table in every}
    assert rows["micro"].scores["f1"].value == 0.5
    assert rows["overall"].scores["f1"].value == pytest.approx(2 / 3, abs=1e-6)
    assert rows["micro"].reading == "strict, the authors' rules; answers sent in"
    page = dict(Site(with_rescored([], every, []), [], []).make_pages())["tables/spotting-cas_me2-loso.html"]
    cells = set(re.findall(r'<td class="source">(.*?)(?=<td|</tr>)', page))
    assert cells == {'our_lab<span class="settings">answers sent in</span>'}, "there is no repository to link to"
    assert rows["micro"].note == f"selection, as the senders say: {ABOUT['selection']}"


def test_take_refuses_other_scores(sent, tmp_path):
    file = sent / "our_lab.json"
    content = json.loads(file.read_text())
    content["sets"][0]["results"][0]["summary"]["spotting"]["micro"]["scores"]["f1"]["value"] = 0.9
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"our_lab\.json differs from the scores of our_lab's answers here"):
        boards_submissions.accept_submission(sent, tmp_path / "rescored")
    (sent / "predictions.csv").write_text(TRUTH + "4,d,1,9,micro\n")
    with pytest.raises(
        DataError,
        match=r"predictions\.csv differs from the published predictions\.csv: .* get it unchanged, as it was sent",
    ):
        boards_submissions.accept_submission(sent, tmp_path / "rescored")


def test_submit_refuses_bad_and_repeated_names(sent, tmp_path):
    files = tmp_path / "mine.csv", tmp_path / "truth.csv"
    with pytest.raises(ConfigError, match=r"--name must be of small letters, digits and _, not '\.\./x'"):
        boards_submissions.write_submission(*files, "../x", ABOUT, SET, tmp_path / "sent")
    with pytest.raises(ConfigError, match="--method must name the row"):
        boards_submissions.write_submission(*files, "nobody", {**ABOUT, "method": " "}, SET, tmp_path / "sent")
    with pytest.raises(ConfigError, match=r"our_lab exists already: choose another --name"):
        boards_submissions.write_submission(*files, "our_lab", ABOUT, SET, tmp_path / "sent")
    other, _ = boards_submissions.write_submission(files[1], files[1], "our_lab", ABOUT, SET, tmp_path / "again")
    boards_submissions.accept_submission(sent, tmp_path / "rescored")
    with pytest.raises(ConfigError, match="has another source our_lab: send it under another name"):
        boards_submissions.accept_submission(other, tmp_path / "rescored")
    with pytest.raises(DataError, match="give repository and commit for public answers"):
        boards_submissions.write_submission(*files, "silent", {**ABOUT, "selection": ""}, SET, tmp_path / "sent")


def test_merge_command_takes_records_beside_submissions(sent, tmp_path):
    boards_export.export_record(make_run(tmp_path / "runs", "one"), sent.parent)
    board = tmp_path / "board" / "records"
    leaderboard.leaderboard_merge_command([str(sent.parent)], str(board))
    assert [folder.name for folder in board.iterdir()] == ["one"]
    assert (tmp_path / "board" / "rescored" / "our_lab.json").is_file()


def test_merge_command_names_refused_submission(sent, tmp_path, capsys):
    files = tmp_path / "mine.csv", tmp_path / "truth.csv"
    boards_submissions.write_submission(*files, "their_lab", ABOUT, SET, sent.parent)
    (sent / "our_lab.json").write_text('{"sets": []}')
    for place, code in ((sent.parent, 5), (sent, 1)):
        with pytest.raises(typer.Exit) as end:
            leaderboard.leaderboard_merge_command([str(place)], str(tmp_path / "board" / "records"))
        assert end.value.exit_code == code
        errors = capsys.readouterr().err
        assert "our_lab, answers sent in: refused: our_lab.json differs from the scores" in errors
    assert [file.name for file in (tmp_path / "board" / "rescored").glob("*.yaml")] == ["their_lab.yaml"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"dataset": "cas_me3"}, "--dataset: unknown dataset 'cas_me3'. Did you mean 'casme3'"),
        ({"dataset": "casme2+sam"}, "--dataset: unknown dataset 'sam'. Did you mean 'samm'"),
        ({"protocol": "los0"}, "--protocol: unknown protocol 'los0'. Did you mean 'loso'"),
        (
            {"dataset": "casme2", "scheme": "fivemean"},
            "--scheme: unknown emotion scheme 'fivemean'. Did you mean 'five",
        ),
        ({"dataset": "casme2+samm", "scheme": "three"}, ""),
        ({"dataset": "casme2", "scheme": "AU12"}, ""),
        ({"dataset": "megc2019", "protocol": "megc2019_cde"}, ""),
        ({"protocol": "none"}, ""),
    ],
)
def test_submit_refuses_misspelt_names(sent, tmp_path, words, message):
    files = str(tmp_path / "mine.csv"), str(tmp_path / "truth.csv")
    with pytest.raises(ConfigError, match=re.escape(message)) if message else nullcontext():
        leaderboard.leaderboard_submit_command(
            *files, "x", "Ours", selection="fixed", out=str(tmp_path / "out"), **{"dataset": "cas_me2", **words}
        )
    assert (tmp_path / "out" / "x").is_dir() == (not message)


def test_submit_names_unreadable_file_as_given(sent, tmp_path):
    truth, cut = tmp_path / "truth.csv", tmp_path / "cut.pkl"
    cut.write_bytes(pickle.dumps({"a": [[1, 9, 0.5]]})[:20])
    for answers, fault in ((cut, "cut.pkl: it is a pickle that cannot be read"), (tmp_path / "no.csv", "no.csv")):
        with pytest.raises(DataError, match=fault):
            boards_submissions.write_submission(answers, truth, "other", ABOUT, SET, tmp_path / "sent")
    (sent / "our_lab.json").write_text('{"sets": [')
    with pytest.raises(DataError, match=r"our_lab\.json is missing or damaged .*: send our_lab again, whole"):
        boards_submissions.accept_submission(sent, tmp_path / "rescored")


def test_submit_takes_file_without_interval(sent, tmp_path):
    (tmp_path / "none.csv").write_text("subject,video,onset,offset,kind\n")
    files = tmp_path / "none.csv", tmp_path / "truth.csv"
    _, remarks = boards_submissions.write_submission(*files, "silent", ABOUT, SET, tmp_path / "sent")
    counts = remarks["sets"][0]["results"][0]["summary"]["spotting"]["overall"]
    assert [counts[name] for name in ("tp", "fp", "fn")] == [0, 0, 3]
    files[0].write_text("subject,video,emotion\n")
    files[1].write_text("subject,video,emotion\n1,a,joy\n")
    with pytest.raises(DataError, match=r"the answers of classes on cas_me2 .*: the file of predictions is empty"):
        boards_submissions.write_submission(*files, "classes", ABOUT, {**SET, "clips": True}, tmp_path / "sent")
