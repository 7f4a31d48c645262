"""Records made again: by the settings that they hold, in the place of the former ones."""

import json
import shutil
from pathlib import Path

from mebench.api.renewal import words_of
from mebench.config import resolve
from mebench.intake.collect import collect_records
from mebench.intake.record_registry import Registry
from mebench.records import recorded_settings
from mebench.records.record import Record
from mebench.records.record_files import own_hash
from tests.cli.conftest import mebench
from tests.helpers.nightly import NIGHTLY

__all__ = ["mebench"]

RECORDS = Path(__file__).parents[2] / "leaderboards" / "records"
RUN = ("method=random", "method.draws=2", "dataset=synthetic", "dataset.preset=tiny", "seed=3", "dataset.videos=1")
HOW = ("runs=runs", "tracking=off", "workers=1", "bootstrap=20")


def test_renew_replaces_record_and_reuses_finished_run(mebench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert mebench("run", *RUN, *HOW)[0] == 0
    assert mebench("leaderboard", "export", "random", "--out", "board/records")[0] == 0
    (own,) = Path("board/records").iterdir()
    former = own.rename(own.with_name("random-synthetic-loso-seed3-of_other_code"))
    stored = json.loads((former / "record.json").read_text()) | {"run_id": former.name}
    del stored["sha256"]
    (former / "record.json").write_text(json.dumps(stored | {"sha256": own_hash(stored)}))
    (before,) = collect_records(Path("board/records"))
    words = ("leaderboard", "renew", "random-synthetic-loso", *HOW, "--out", "board/records")
    shutil.rmtree("runs")
    code, printed, errors = mebench(*words, "--dry-run")
    assert (code, [*Path("board/records").iterdir()]) == (0, [former])
    assert not Path("runs").exists()
    assert former.name in printed
    assert "1 record to make again, about" in errors

    code, printed, errors = mebench(*words, "--json", "made.json")
    (row,) = json.loads(Path("made.json").read_text())
    (after,) = collect_records(Path("board/records"))
    assert (code, row["record"], row["now"], row["reason"]) == (0, former.name, own.name, ""), errors
    assert (after.id, after.config, after.settings) == (own.name, before.config, before.settings)
    assert [*Path("board/records").iterdir()] == [own]
    assert list(Registry.read(Path("board")).records) == [own.name]

    times = {file: file.stat().st_mtime_ns for file in Path("runs").glob("*/folds/*/*")}
    assert times
    assert mebench(*words)[0] == 0
    assert times == {file: file.stat().st_mtime_ns for file in Path("runs").glob("*/folds/*/*")}


def test_renew_keeps_record_that_cannot_be_made(mebench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (own,) = RECORDS.glob("logistic-megc2019_flow-loso-seed0-bb*")
    shutil.copytree(own, tmp_path / "records" / own.name)
    code, _, errors = mebench("leaderboard", "renew", "nobody", "--out", "records", "--dry-run")
    assert code
    assert "unknown record" in errors
    assert "nobody" in errors
    words = ("leaderboard", "renew", "logistic-megc2019_flow-loso-seed0-bb", "dataset.root=nowhere", "--out", "records")
    code, printed, errors = mebench(*words, "--dry-run")
    assert code == 1
    assert "nowhere" in printed
    assert "0 records to make again\n" in errors
    assert "Traceback" not in errors


def test_words_of_restore_settings_of_committed_records():
    """Whatever today's defaults are."""
    restored = 0
    files = sorted(RECORDS.glob("*/record.json"))
    for file in files if NIGHTLY else files[::4]:
        stored = json.loads(file.read_text())["config"]
        words = words_of(Record(**dict.fromkeys(Record.__dataclass_fields__) | {"config": stored}))
        now = recorded_settings.without_places(resolve(words).values)
        assert {name: now[name] for name in stored} == stored, file.parent.name
        restored += len(words) > 4
    assert restored > (50 if NIGHTLY else 12)


def test_renew_names_missing_folder(mebench, tmp_path):
    code, _, err = mebench("leaderboard", "renew", "--out", tmp_path / "none")
    assert code == 3
    assert f"there is no folder of records {tmp_path / 'none'}: name it with --out" in err
