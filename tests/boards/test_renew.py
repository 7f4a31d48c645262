"""Records made again: by the settings that they hold, in the place of the former ones."""

import json
from pathlib import Path

import pytest

from mebench.boards import Registry, accept, collect_records
from mebench.config import resolve
from mebench.records import setting_words
from tests.cli.conftest import mebench

__all__ = ["mebench"]

RECORDS = Path(__file__).parents[2] / "leaderboards" / "records"
RUN = ("method=guess", "dataset=synthetic", "dataset.preset=tiny", "seed=3", "dataset.videos=1")


@pytest.fixture
def plugin(write_plugin):
    """A spotter whose code a test can change: a run of other code has another id."""
    code = (RECORDS.parents[1] / "methods" / "random" / "method.py").read_text()
    params = (RECORDS.parents[1] / "methods" / "random" / "params.py").read_text()
    return write_plugin("method", "guess", config="tasks: [spot]\n", params=params, code=code)


@pytest.mark.processes
def test_a_new_record_takes_the_place_of_the_former_and_a_finished_run_stands(plugin, mebench, tmp_path):
    options = ("--plugins", plugin), ("runs=runs", "tracking=off", "workers=1", "bootstrap=20")
    assert mebench("run", *RUN, *options[0], *options[1])[0] == 0
    assert mebench("leaderboard", "export", "guess", "--out", "board/records")[0] == 0
    (before,) = collect_records(Path("board/records"))
    file = plugin / "methods" / "guess" / "method.py"
    file.write_text(file.read_text() + "OTHER = 1\n")
    words = ("leaderboard", "renew", "guess", f"plugins=[{plugin}]", *options[1], "--out", "board/records")
    code, said, told = mebench(*words, "--dry-run")
    assert (code, [*Path("board/records").iterdir()]) == (0, [before.folder])
    assert before.id in said and "1 record to make again, about" in told and len([*Path("runs").iterdir()]) == 1
    code, _, _ = mebench(*words, "--json", "made.json")
    (row,) = json.loads(Path("made.json").read_text())
    (after,) = collect_records(Path("board/records"))
    assert (code, row["record"], row["now"], row["reason"]) == (0, before.id, after.id, "")
    assert after.id != before.id and after.config == before.config and after.settings == before.settings
    assert [*Path("board/records").iterdir()] == [after.folder] and list(Registry.read(Path("board")).records) == [
        after.id
    ]
    folds = sorted(Path("runs").glob("*/folds/*"), key=lambda path: path.stat().st_mtime_ns)
    assert mebench(*words)[0] == 0  # nothing has changed since: the finished run stands
    assert sorted(Path("runs").glob("*/folds/*"), key=lambda path: path.stat().st_mtime_ns) == folds


def test_what_cannot_be_made_again_stays_and_is_said_in_a_sentence(mebench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, told = mebench("leaderboard", "renew", "nobody", "--out", RECORDS, "--dry-run")
    assert code and "unknown record" in told and "nobody" in told
    words = ("leaderboard", "renew", "logistic-megc2019_flow-loso-seed0-bb", "dataset.root=nowhere", "--out", RECORDS)
    code, said, told = mebench(*words, "--dry-run")
    assert code == 1 and "nowhere" in said and "0 records to make again" in told
    assert "Traceback" not in told


def test_the_settings_of_each_committed_record_can_be_given_again():
    """Whatever today's defaults are."""
    told = 0
    for file in sorted(RECORDS.glob("*/record.json")):
        stored = json.loads(file.read_text())["config"]
        words = accept.words_of(accept.Record(**dict.fromkeys(accept.Record.__dataclass_fields__) | {"config": stored}))
        now = setting_words.without_places(resolve(words).values)
        assert {name: now[name] for name in stored} == stored, file.parent.name
        told += len(words) > 4
    assert told > 50
