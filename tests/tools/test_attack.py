"""Records that lie in good form: each is refused or marked on its own row, and no honest row changes."""

import json
import shutil
from copy import deepcopy
from functools import cache

import attack_records
import pytest
from attack_forged import FORGERIES, HONEST, honest_board, make_forged

from mebench.boards import build as boards_build
from mebench.errors import RunError
from mebench.files import file_hash
from mebench.intake import checking, disagreements, integrity, similar_answers
from mebench.intake.accept import merge_records
from mebench.intake.collect import collect_records
from mebench.intake.record_registry import Registry
from mebench.records import record as run_record
from mebench.records.record import read_committed_record
from mebench.runs import RunFolder

QUICK = ("leak_as_guard", "seed_changed", "one_subject_fewer", "the_same_again")
"""Those that are built into tables; the others are told of by the same words."""


@pytest.fixture(scope="module", autouse=True)
def scored_once():
    """Who forges a record scores it as who checks it does: equal files under equal settings are scored once."""
    rescore = integrity.rescore_record
    kept = {}

    def once(folder):
        others = sorted(file for file in folder.path.iterdir() if file.name != "record.json")
        files = [(file.name, file_hash(file)) for file in others]
        key = json.dumps([files, folder.read_json("record.json")["config"]], sort_keys=True)
        if key not in kept:
            kept[key] = rescore(folder)
        return deepcopy(kept[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attack_records, "rescore_record", once)
        patch.setattr(integrity, "rescore_record", once)
        patch.setattr(run_record, "rescore_record", once)
        yield


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A board that took in honest records, and where these lie."""
    folder = tmp_path_factory.mktemp("board")
    (folder / "sent").mkdir()
    honest = honest_board(folder / "sent")
    outcomes = merge_records([RunFolder(path) for path in honest], folder / "records")
    assert [(o.status, o.doubt) for o in outcomes] == [("taken", "")] * len(HONEST)
    return folder


@pytest.fixture(scope="module")
def there(board):
    return collect_records(board / "records"), Registry.read(board), cache(similar_answers.read_answers)


@pytest.mark.parametrize("name", FORGERIES)
def test_attack_records_are_refused_or_doubted(board, there, tmp_path, name):
    _, expected, words = FORGERIES[name]
    records, registry, read = there
    record = RunFolder(make_forged(name, board / "sent" / HONEST[0], tmp_path, scored=expected == "taken"))
    if expected == "refused":
        assert words in checking.reason_for_refusal(record)
    else:
        assert checking.reason_for_refusal(record) == ""
        remarks = (
            disagreements.truth_doubt(read_committed_record(record), registry),
            disagreements.doubt_of(read_committed_record(record), records, registry.records.keys(), read),
        )
        assert words in "; ".join(remarks)


def rows_of(folder):
    registry = Registry.read(folder)
    sent = disagreements.with_senders(collect_records(folder / "records"), registry)
    records = disagreements.with_doubts(sent, registry)
    plain = [table.plain() for table in boards_build.build_tables(records)]
    return {
        json.dumps([table["name"], part["name"], row["method"], row["runs"]]): json.dumps(row)
        for table in plain
        for part in table["parts"]
        for row in part["rows"]
    }


def test_attack_records_change_no_honest_row(board, tmp_path):
    before = rows_of(board)
    sources = [make_forged(name, board / "sent" / HONEST[0], tmp_path) for name in QUICK]
    outcomes = merge_records([RunFolder(path) for path in sources], board / "records")
    assert {outcome.status for outcome in outcomes} == {"taken"}
    after = rows_of(board)
    assert {key: after.get(key) for key in before} == before
    rows = [json.loads(after[key]) for key in after.keys() - before.keys()]
    assert rows
    assert all(row["remark"].startswith("not ranked: ") and not row["group"] for row in rows)
    forged = {run for row in rows for run in row["runs"]}
    assert forged == set(QUICK)
    both = [RunFolder(board / "records" / name) for name in (HONEST[0], "seed_changed")]
    again = {outcome.id: outcome.doubt for outcome in merge_records(both, board / "records", check_only=True)}
    assert again[HONEST[0]] == "", "who was here first stays so"
    assert HONEST[0] in again["seed_changed"], "who was here first stays so"


OF_OTHERS = ("group", "ranks", "beats", "hardest")
"""What a row says of itself beside others; a further row changes it."""


def test_attack_seeds_do_not_enter_rows_of_another_sender(board, tmp_path):
    names = ("seed_of_sabotage", "seed_of_invention")
    with_new = shutil.copytree(board, tmp_path / "board")
    sources = [RunFolder(make_forged(name, board / "sent" / HONEST[0], tmp_path)) for name in names]
    before = {key: json.loads(row) for key, row in rows_of(with_new).items()}
    outcomes = merge_records(sources, with_new / "records", sender="stranger")
    assert [(outcome.status, outcome.doubt, outcome.sender) for outcome in outcomes] == [("taken", "", "stranger")] * 2
    after = {key: json.loads(row) for key, row in rows_of(with_new).items()}
    for key, row in before.items():
        own_before = {name: value for name, value in row.items() if name not in OF_OTHERS}
        own_after = {name: value for name, value in after[key].items() if name not in OF_OTHERS}
        assert own_after == own_before
    invented = [after[key] for key in after.keys() - before.keys() if json.loads(key)[1] != "members"]
    assert {row["sender"] for row in invented} == {"stranger"}
    assert [sorted(row["seeds"]) for row in invented] == [[11, 99]]


def test_merge_doubts_both_of_two_new_copies(board, tmp_path):
    copy = make_forged("a_copy_that_is_first_by_name", board / "sent" / HONEST[0], tmp_path)
    both = [RunFolder(copy), RunFolder(board / "sent" / HONEST[0])]
    outcomes = merge_records(both, tmp_path / "records")
    assert [outcome.doubt for outcome in outcomes] == [
        f"its emotions are those of {HONEST[0]}",
        "its emotions are those of a_copy_that_is_first_by_name",
    ]


def test_merge_in_place_registers_records(board, tmp_path):
    place = shutil.copytree(board / "sent" / HONEST[3], tmp_path / "records" / HONEST[3]).parent
    assert [(o.status, o.doubt) for o in merge_records([RunFolder(place / HONEST[3])], place)] == [("there", "")]
    assert list(Registry.read(tmp_path).records) == [HONEST[3]]
    assert len(Registry.read(tmp_path).truths) == 1
    (tmp_path / "registry.json").write_text("{}}")
    with pytest.raises(RunError, match="cannot be read"):
        Registry.read(tmp_path)
