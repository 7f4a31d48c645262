"""For organisers: a scoring program for Codabench, and the judge that it runs.

A confined process, without access to the truth or the network, reads a submitted file and returns plain rows. Messages
never contain the truth: a fault concerns only the file itself.
"""

import html
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from mebench.atomic import whole_folder
from mebench.challenges.entry import COLUMNS, find_faults, read_entry
from mebench.challenges.register import ChallengeTask, find_task
from mebench.errors import DataError, MebenchError, refuse_if
from mebench.exchange import answers
from mebench.exchange.join import Rules
from mebench.exchange.megc import Entry, log_lines
from mebench.exchange.text_table import Remarks
from mebench.exchange.write import write_rows
from mebench.files import write_text
from mebench.inspection import dataset_summary
from mebench.lazy_imports import load_lazily
from mebench.limits import CHALLENGE_FILE_BYTES
from mebench.output.number_format import format_interval, format_number
from mebench.output.terminal import format_count, print_lines
from mebench.runs.access_text import SEATBELT
from mebench.sandbox import confinement
from mebench.score_type import Score
from mebench.vqa import marking, questions

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

MOST_NAMED = 5
"""Faults that an error names; further ones are counted."""
SECONDS = 120
"""Most seconds for reading a file."""
NEEDED = ("files", "network")
"""The parts of the sandbox that keep a reader from the truth."""
ScoreFunction = Callable[..., Any]
"""`mebench.score`."""


_PROGRAM = '''"""Scores what was sent in; Codabench runs it with the folders of input and output."""

import sys
from pathlib import Path

import mebench
from mebench.challenges.bundle import judge
from mebench.score_type import Score

judge("{task}", Path(sys.argv[1]), Path(sys.argv[2]), mebench.score)
'''
_DOCKER = """# The image in which the scoring program runs; no network is needed at run time.
FROM python:3.11-slim
RUN pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu && pip install --no-cache-dir "mebench[vqa]"
COPY scoring_program /app/program
COPY reference_data /app/input/ref
ENTRYPOINT ["python", "/app/program/score.py", "/app/input", "/app/output"]
"""
_COMPETITION = """version: 2
title: {title}
description: {title}
image: logo.png
terms: terms.md
docker_image: {name}:latest
pages: []
phases:
  - name: Answers
    start: {start}
    max_submissions_per_day: 3
    tasks: [0]
tasks:
  - index: 0
    name: {name}
    scoring_program: scoring_program
    reference_data: reference_data
leaderboards:
  - title: Results
    key: results
    columns:
{columns}"""


def write_bundle(task: ChallengeTask, truth: Path, out: Path, start: str = "2027-01-01") -> None:
    """Write the bundle of a challenge for Codabench.

    It has `competition.yaml` with an empty logo and terms, `scoring_program/`, `reference_data/` and `Dockerfile`.

    Args:
        task: task of the challenge.
        truth: file of the truth, see `check_truth`.
        out: folder to make.
        start: day on which the first phase begins.

    Raises:
        ConfigError: the folder exists, or the truth is not a file.
        DataError: the truth cannot be read, so every submission would fail.
    """
    refuse_if((out.exists(), f"{out} exists: name a folder that does not"))
    check_truth(task, truth)
    titles = {task.main: task.main, f"{task.main}_low": "95 % interval, low", f"{task.main}_high": "high"}
    columns = "".join(
        f"      - title: {title}\n        key: {key}\n        index: {n}\n        sorting: desc\n"
        for n, (key, title) in enumerate(titles.items())
    )
    with whole_folder(out) as folder:
        program = folder / "scoring_program"
        reference = folder / "reference_data"
        program.mkdir()
        reference.mkdir()
        write_text(program / "score.py", _PROGRAM.format(task=task.name))
        write_text(program / "metadata.yaml", "command: python3 score.py $input $output\n")
        copyfile(truth, reference / f"truth{truth.suffix}")
        write_text(folder / "Dockerfile", _DOCKER)
        write_text(
            folder / "terms.md", "Write the terms of participation here; Codabench shows them before anybody joins.\n"
        )
        cv2.imwrite(str(folder / "logo.png"), np.full((128, 128, 3), 224, np.uint8))
        name = task.name.replace("/", "_")
        write_text(
            folder / "competition.yaml", _COMPETITION.format(title=task.title, name=name, start=start, columns=columns)
        )


def check_truth(task: ChallengeTask, truth: Path) -> None:
    """Refuse a truth that `mebench score` or `mebench vqa score` cannot read.

    Raises:
        ConfigError: it is not a file.
        DataError: it cannot be read.
    """
    refuse_if((not truth.is_file(), f"--truth must name a file, not {str(truth)!r}"))
    if task.form == "answers":
        if not any(row.get("answer", "").strip() for row in questions.read_questions(truth)):
            raise DataError(f"{truth} has no answers: --truth takes the questions with their true answers")
    else:
        adapters = dataset_summary.adapters_of(truth)
        answers.read_truth(truth, Rules(), Remarks(), adapters, clips=task.form == "clips")


def judge(name: str, given: Path, output: Path, score: ScoreFunction, unconfined: bool = False) -> None:
    """Score the file in `<given>/res` by the truth in `<given>/ref`.

    The scores go to `scores.json` and `detailed_results.html`. For a file that cannot be scored, the reason goes to
    `detailed_results.html` and standard error, and the exit code is 1.

    Args:
        name: name of the task.
        given: folder with `res` and `ref`.
        output: folder of what is written.
        score: `mebench.score`.
        unconfined: whether a file is read, too, where the system cannot confine its reader.
    """
    output.mkdir(parents=True, exist_ok=True)
    task = find_task(name)
    try:
        if not unconfined:
            _check_confinement()
        scores, _ = score_submission(task, _only_file(given / "res"), _only_file(given / "ref"), score)
    except MebenchError as error:
        write_text(output / "detailed_results.html", f"<p>Not scored: {html.escape(str(error))}</p>\n")
        print_lines(f"not scored: {error}", error=True)
        raise SystemExit(1) from None
    write_text(output / "scores.json", json.dumps(_flat_scores(scores)))
    rows = "".join(
        f"<tr><td>{key}<td>{format_number(value['value'])}<td>{format_interval(Score.from_plain(value))}\n"
        for key, value in scores.items()
    )
    write_text(output / "detailed_results.html", f"<table><tr><th>score<th>value<th>95 % interval\n{rows}</table>\n")


def _flat_scores(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The scores, then the ends of their intervals, by name; -1 where one is undefined."""
    flat = {key: score["value"] for key, score in scores.items()}
    for key, score in scores.items():
        flat[f"{key}_low"] = score["low"]
        flat[f"{key}_high"] = score["high"]
    undefined = {key: -1 for key, value in flat.items() if value is None}
    return {**flat, **undefined}


def _check_confinement() -> None:
    """Refuse to read files of strangers where their reader could reach the truth.

    Raises:
        DataError: the system lacks a part of the confinement.
    """
    lacking = missing_confinement()
    if lacking:
        raise DataError(
            f"this system cannot keep the reader of a submission from {' and '.join(lacking)}: run the program on Linux with "
            "Landlock (kernel 5.13 or newer), or pass unconfined=True to judge in score.py, if you trust all who submit"
        )


def missing_confinement() -> tuple[str, ...]:
    """What this system cannot keep from the reader of a file: files, network, or nothing."""
    return tuple(part for part in NEEDED if part in confinement.missing_parts())


def _only_file(folder: Path) -> Path:
    """The only file of a folder, beside Codabench's own.

    Raises:
        DataError: there is none, or there are several.
    """
    plain_files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    files = [path for path in plain_files if path.name != "metadata"]
    if len(files) != 1:
        raise DataError(f"the submission must hold one file, not {len(files)}")
    return files[0]


def score_submission(
    task: ChallengeTask, file: Path, truth: Path, score: ScoreFunction
) -> tuple[Mapping[str, Any], Any]:
    """Score a file of answers against the truth.

    Returns:
        Its scores with intervals, and the tables of `mebench.score` (None for questions).

    Raises:
        DataError: the file is too large, takes too long to read, or has faults; the message reveals nothing of the
            truth.
    """
    rows = confined_rows(task, file)
    try:
        if task.form == "answers":
            return marking.score_answers(questions.read_questions(truth), rows)["scores"], None
        outcome = _score_rows(task, rows, truth, score)
    except MebenchError:  # its message may name contents of the truth
        names = "questions" if task.form == "answers" else "subjects or videos"
        raise DataError(f"the file is well formed, but its {names} do not fit the challenge's") from None
    return _scores_of_task(task, outcome.summary), outcome.answers


def _score_rows(task: ChallengeTask, rows: Sequence[Mapping[str, str]], truth: Path, score: ScoreFunction) -> Any:
    """Write the rows as a clean file, and score it as `mebench.score` does."""
    form = task.form if task.form in ("megc2020", "megc2023", "strs") else "csv"
    with TemporaryDirectory() as folder:
        clean = Path(folder) / "answers.csv"
        if form == "megc2020":
            entries = (Entry("", row["video"], None, (int(row["onset"]), int(row["offset"]))) for row in rows)
            write_text(clean, "\n".join(["a log:", *log_lines(entries)]))
        else:
            columns = COLUMNS[task.form]
            write_rows(clean, columns, ([row[name] for name in columns] for row in rows))
        if task.form == "clips":
            return score(
                predictions=str(clean),
                truth=str(truth),
                convention=task.convention,
                what="clips",
                classes=",".join(task.classes),
            )
        return score(predictions=str(clean), truth=str(truth), convention=task.convention, form=form)


def _scores_of_task(task: ChallengeTask, summary: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of a summary by which the challenge ranks, with their intervals."""
    if task.form == "clips":
        return {key: summary["recognition"]["scores"][key] for key in ("uf1", "uar", "accuracy")}
    if task.form == "strs":
        if "analysis" not in summary:
            raise DataError("STRS needs emotions, in the file and in the truth")
        return {"strs": summary["analysis"]["strs"], "f1": summary["spotting"]["micro"]["scores"]["f1"]}
    parts = summary["spotting"]
    overall = parts.get("overall") or next(iter(parts.values()))  # one kind alone has no `overall`
    scores = {"f1": overall["scores"]["f1"]}
    if task.form != "megc2020":  # a log names no kinds
        scores |= {f"f1_{kind}": parts[kind]["scores"]["f1"] for kind in task.kinds if kind in parts}
    return scores


def confined_rows(task: ChallengeTask, path: Path) -> list[dict[str, str]]:
    """The rows of a file, read by a confined process.

    It has access only to this file, Python and mebench, as far as the system can confine it (`missing_confinement`).

    Raises:
        DataError: see `score_submission`.
    """
    if path.stat().st_size > CHALLENGE_FILE_BYTES:
        raise DataError(f"the file has {path.stat().st_size:,} bytes; at most {CHALLENGE_FILE_BYTES:,} are read")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mebench.challenges.bundle", task.name, str(path.resolve()), confinement.find_isolation().by],
            capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        result = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise DataError(f"reading the file takes longer than {SECONDS} seconds") from None
    except ValueError:
        raise DataError("the file cannot be read") from None
    if result["faults"]:
        raise DataError(f"{format_count(len(result['faults']), 'fault')}: {'; '.join(result['faults'][:MOST_NAMED])}")
    return list(result["rows"])


if __name__ == "__main__":
    wanted = find_task(sys.argv[1])
    file = Path(sys.argv[2])
    by_seatbelt = sys.argv[3:] == [SEATBELT]
    confinement.confine_process(confinement.grant_access((), [file])._replace(seatbelt=by_seatbelt))
    faults = [str(fault) for fault in find_faults(wanted, file)]
    print_lines(json.dumps({"faults": faults, "rows": [] if faults else read_entry(wanted, file)}))
