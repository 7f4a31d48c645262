"""The jobs that `kills.py` kills besides sweeps: `tune`, `spot`, `leaderboard merge`, `leaderboard build`, `leaderboard submit`,
`rescore`, the repair of a damaged run and a named file of JSON.

A job says what is there before, what to run, what must be whole whenever it is killed, and what is there in the end.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attack_records import Made

from mebench.runs.fold_files import whole_fold

sys.path.append(str(Path(__file__).parents[1]))

from tests.helpers.own_videos import moving, write as write_film

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "leaderboards" / "records"
Pieces = dict[str, Any]
SENT = 5
TRIALS = 5
FRAMES = 30
TABLES_OF_RUN = ("predictions.parquet", "clips.parquet", "frame_scores.parquet", "truth.parquet", "videos.parquet")
DATE = re.compile(rb' DATE="[^"]*"')


@dataclass(frozen=True)
class Job:
    """A command that writes.

    Attributes:
        prepare: makes what is there before in a folder of its own.
        words: after `mebench`, of the root of all and of that folder.
        pieces: what is finished by now, each of which must stay as it is; it raises where something is half.
        answer: what the command was to make.
    """

    prepare: Callable[[Path, Path], None]
    words: Callable[[Path, Path], list[str]]
    pieces: Callable[[Path, Path], Pieces]
    answer: Callable[[Path], Pieces]


def tree(folder: Path) -> Pieces:
    """The hash of every file in a folder; what is still being written or of the system has a hidden name."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(file.relative_to(folder)): hashlib.sha256(_undated(file)).hexdigest() for file in files}


def _undated(file: Path) -> bytes:
    """The content of a file; of one for ELAN, without the time at which it was written."""
    content = file.read_bytes()
    return DATE.sub(b"", content, count=1) if file.suffix == ".eaf" else content


def _whole_tree(folder: Path) -> Pieces:
    found = tree(folder)
    if left := [name for name in found if ".writing-" in name or ".site-" in name]:
        raise SystemExit(f"left behind: {left[0]}")
    return found


def sent_records(root: Path) -> Path:
    """A few sound records, of few draws."""
    sent = root / "sent"
    if not sent.is_dir():
        for number, source in enumerate(sorted(RECORDS.glob("*tstnet-synthetic*")) * SENT):
            if number < SENT:
                shutil.copytree(source, sent / f"r{number}")
                made = Made(sent / f"r{number}", random.Random(number), number)
                made.change("run_id", f"r{number}")
                made.change("config/method.copy", number)
                made.change("config/bootstrap", 20)
                made.seal(scored=True)
    return sent


# -- merge ------------------------------------------------------------------------------------------------------------------


def _merged(root: Path, out: Path) -> Pieces:
    found = {place.name: tree(place) for place in (out / "records").glob("[!.]*")}
    for name, files in found.items():
        if files != tree(root / "sent" / name):
            raise SystemExit(f"record {name} is not whole")
    return found


def _empty(root: Path, out: Path) -> None:
    sent_records(root)
    out.mkdir()


merge = Job(
    _empty,
    lambda root, out: ["leaderboard", "merge", str(root / "sent"), "--out", str(out / "records")],
    _merged,
    _whole_tree,
)

# -- build ------------------------------------------------------------------------------------------------------------------


def _board(root: Path, out: Path) -> None:
    """A board whose tables and page are those of fewer records."""
    out.mkdir()
    shutil.copytree(sent_records(root), out / "records")
    if (root / "former").is_dir():
        for place in (root / "former").iterdir():
            copy = shutil.copytree if place.is_dir() else shutil.copy
            copy(place, out / place.name)


def _built(root: Path, out: Path) -> Pieces:
    """The page is there, as a whole the former or the new one; so is every table."""
    former, new = tree(root / "former"), tree(root / "quiet-build") if (root / "quiet-build").is_dir() else {}
    site = {f"site/{name}": digest for name, digest in tree(out / "site").items()}
    wholes = [{name: digest for name, digest in whole.items() if name.startswith("site/")} for whole in (former, new)]
    if new and site not in wholes:
        raise SystemExit(f"the page is neither the former nor the new one: {len(site)} files")
    for file in out.glob("[!.]*.*"):
        known = {whole.get(file.name) for whole in (former, new)}
        if new and hashlib.sha256(file.read_bytes()).hexdigest() not in known:
            raise SystemExit(f"{file.name} is neither the former nor the new one")
    return {}


build = Job(
    _board,
    lambda root, out: ["leaderboard", "build", "--runs", str(root / "none"), "--out", str(out)],
    _built,
    _whole_tree,
)

# -- rescore ----------------------------------------------------------------------------------------------------------------


def _source(root: Path, out: Path) -> None:
    """Public files of an author, drawn, and where they are described."""
    clone = root / "clone"
    clone.mkdir(exist_ok=True)
    rows = [(f"s{s}", f"v{v}", "micro", 40 * s + 10, 40 * s + 29) for s in range(1, 9) for v in range(8)]
    texts = {"truth.txt": rows, "said.txt": [(*row[:3], row[3] + 2, row[4] + 5) for row in rows]}
    for name, some in texts.items():
        (clone / name).write_text("".join(" ".join(map(str, row)) + "\n" for row in some))
    columns = ["subject", "video", "kind", "onset", "offset"]
    files = {name: hashlib.sha256((clone / name).read_bytes()).hexdigest() for name in texts}
    sets = {"dataset": "drawn", "protocol": "none", "k_prime": 10}
    sets |= {"truth": [{"columns": columns, "files": {"truth.txt": files["truth.txt"]}}]}
    sets |= {"predictions": [{"columns": columns, "files": {"said.txt": files["said.txt"]}}]}
    about = {"title": "Drawn", "method": "Spotter", "repository": "https://code.example/spotter", "commit": "ab" * 20}
    (out / "rescored").mkdir(parents=True)
    (out / "rescored" / "drawn.yaml").write_text(json.dumps({**about, "sets": [sets]}))
    shutil.copy(ROOT / "leaderboards" / "published.csv", out)


def _rescored(root: Path, out: Path) -> Pieces:
    for file in (out / "rescored").glob("[!.]*.json"):
        json.loads(file.read_text())
    return {name: digest for name, digest in tree(out / "rescored").items() if not name.startswith(".")}


rescore = Job(
    _source,
    lambda root, out: [
        *("rescore", "drawn", "--root", str(root / "clone"), "--leaderboards", str(out), "--write"),
        *("--tracking", f"sqlite:///{root / 'no.db'}"),
    ],
    _rescored,
    _whole_tree,
)

# -- tune -------------------------------------------------------------------------------------------------------------------


def _trials(root: Path, out: Path) -> Pieces:
    """The finished trials of the study, with their values."""
    database = out / "optuna.db"
    if not database.is_file():
        return {}
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        if (state := connection.execute("PRAGMA integrity_check").fetchone()) != ("ok",):
            raise SystemExit(f"the study is damaged: {state}")
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if "trial_values" not in tables:
            return {}
        asked = "SELECT trial_id, value FROM trials JOIN trial_values USING (trial_id) WHERE state = 'COMPLETE'"
        return {str(trial): value for trial, value in connection.execute(asked)}


def _outcome(out: Path) -> Pieces:
    """Whether the study came to its end with all its trials; which values it draws after a kill depends on how many were begun."""
    (file,) = out.glob("*/outcome.json")
    said = json.loads(file.read_text())["studies"]["tuning"]
    return {"all": said["trials"]["complete"] >= TRIALS and said["trials"]["running"] == 0, "best": bool(said["best"])}


tune = Job(
    lambda root, out: out.mkdir(),
    lambda root, out: [
        *("tune", "method=one_walk", "dataset=killed", "--param", "method.p={low: 0.1, high: 0.9, acts: training}"),
        *("--trials", str(TRIALS), "--inner-folds", "2", "--heartbeat", "1", "--sampler", "random", "--out", str(out)),
        *("--storage", f"sqlite:///{out / 'optuna.db'}", f"plugins={root / 'plugins'}", f"runs={out / 'runs'}"),
        *(f"cache={root / 'cache'}", f"tracking=sqlite:///{root / 'no.db'}", "bootstrap=20", "workers=1"),
    ],
    _trials,
    _outcome,
)

# -- spot -------------------------------------------------------------------------------------------------------------------


def _films(root: Path, out: Path) -> None:
    """Two drawn films of two people, and where their features are stored."""
    (root / "mebench.yaml").write_text(f"cache: {root / 'cache'}\n")
    films = root / "films"
    if not films.is_dir():
        films.mkdir()
        writer = multiprocessing.get_context("fork").Process(target=_write_films, args=(films,))  # it starts threads
        writer.start()
        writer.join()
    out.mkdir()


def _write_films(folder: Path) -> None:
    for person in range(2):
        write_film(folder / f"film{person}.mp4", moving(person, 160, (80, 40)), frames=FRAMES)


def _spotted(root: Path, out: Path) -> Pieces:
    """Each file is there as a whole."""
    quiet = tree(root / "quiet-spot")
    found = {name: digest for name, digest in tree(out).items() if ".writing-" not in name}
    if odd := [name for name, digest in found.items() if quiet.get(name, digest) != digest]:
        raise SystemExit(f"{odd[0]} is not whole")
    return found


spot = Job(
    _films,
    lambda root, out: [
        *("spot", str(root / "films" / "film0.mp4"), str(root / "films" / "film1.mp4")),
        *("--model", "mean", "--overlay", "--workers", "1", "-o", str(out / "spotted")),
    ],
    _spotted,
    _whole_tree,
)

# -- repair -----------------------------------------------------------------------------------------------------------------


def _finished_runs(root: Path) -> Path:
    """The folder of a finished run."""
    runs = root / "finished"
    if not runs.is_dir():
        words = ["run", "method=one_walk", "dataset=killed", f"plugins={root / 'plugins'}", f"runs={runs}"]
        others = [f"cache={root / 'cache'}", "tracking=off", "bootstrap=20", "workers=1"]
        subprocess.run([sys.executable, "-m", "mebench", *words, *others], check=True, capture_output=True)
    return runs


def _damaged_run(root: Path, out: Path) -> None:
    """A finished run that lacks a table of all folds, and a file of one fold."""
    shutil.copytree(_finished_runs(root), out)
    run = _run_in(out)
    (run / "predictions.parquet").unlink()
    (next(run.glob("folds/*/")) / "clips.parquet").unlink()


def _run_in(runs: Path) -> Path:
    """The only run of a folder."""
    return next(file.parent for file in runs.glob("*/config.json"))


def _whole_folds(root: Path, out: Path) -> Pieces:
    """The folds that are whole, with the times of their records: none is trained twice."""
    folders = [folder for folder in _run_in(out).glob("folds/[!.]*") if whole_fold(folder)]
    return {folder.name: (folder / "fold.json").stat().st_mtime_ns for folder in folders}


repair = Job(
    _damaged_run,
    lambda root, out: ["resume", str(_run_in(out)), "workers=1", "tracking=off"],
    _whole_folds,
    lambda out: {name: digest for name, digest in tree(_run_in(out)).items() if name in TABLES_OF_RUN},
)

# -- json -------------------------------------------------------------------------------------------------------------------


def _shown_before(root: Path, out: Path) -> None:
    """A former file, which a user has named before."""
    _finished_runs(root)
    out.mkdir()
    (out / "shown.json").write_text("{}")


def _shown(root: Path, out: Path) -> Pieces:
    """The file is there, as a whole the former or the new one."""
    said = json.loads((out / "shown.json").read_text())
    if said and "summary" not in said:
        raise SystemExit("shown.json is neither the former nor the new one")
    return {}


show = Job(
    _shown_before,
    lambda root, out: ["runs", "show", str(_run_in(root / "finished")), "-v", "--json", str(out / "shown.json")],
    _shown,
    lambda out: {"run": json.loads((out / "shown.json").read_text())["id"]},
)

# -- submit -----------------------------------------------------------------------------------------------------------------


def _answers(root: Path, out: Path) -> None:
    """Answers of a program, and their truth."""
    rows = [(f"s{subject}", f"v{video}", 40 * subject + 10) for subject in range(1, 9) for video in range(8)]
    for name, late in (("truth", 0), ("said", 4)):
        lines = [f"{subject},{video},{onset + late},{onset + late + 19}" for subject, video, onset in rows]
        (root / f"{name}.csv").write_text("\n".join(["subject,video,onset,offset", *lines, ""]))
    out.mkdir()


def _submitted(root: Path, out: Path) -> Pieces:
    """The record is there as a whole, or not at all."""
    found = {place.name: tree(place) for place in out.glob("[!.]*")}
    quiet = root / "quiet-submit" / "ours"
    if found and quiet.is_dir() and found != {"ours": tree(quiet)}:
        raise SystemExit("the record that is to be sent is not whole")
    return found


submit = Job(
    _answers,
    lambda root, out: [
        *(
            "leaderboard",
            "submit",
            str(root / "said.csv"),
            "--truth",
            str(root / "truth.csv"),
            "--name",
            "ours",
            "--method",
            "Ours",
        ),
        *("--dataset", "casme2", "--selection", "nothing was chosen", "--out", str(out)),
    ],
    _submitted,
    _whole_tree,
)

JOBS = {
    "tune": tune,
    "spot": spot,
    "merge": merge,
    "build": build,
    "rescore": rescore,
    "repair": repair,
    "show": show,
    "submit": submit,
}
