"""Random tables of predictions, scored by an earlier version and by this one, with a reason for every difference.

    git worktree add /tmp/old TAG
    python tools/old_and_new.py /tmp/old [--tables 1000] [--seed 0] [--show 3]

Each table has the habits of the field in other combinations: names of columns, a truth beside the answer, several runs or coders
in one file, frame rates, signs for no expression, further intervals, nested JSON, workbooks. Both versions read the same files.
Where their numbers differ, or one refuses what the other reads, the sentence of this version must say why (`REASONS`); what
none explains is listed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CLASSES = ("happiness", "surprise", "disgust", "repression")
ALIASES: Mapping[str, tuple[str, ...]] = {
    "subject": ("subject", "Subject", "subject_id", "participant", "被试", "Proband"),
    "video": ("video", "Filename", "clip", "video_name", "episode_id", "视频", "Datei"),
    "onset": ("onset", "OnsetFrame", "start", "start_frame", "pred_onset", "起始帧"),
    "apex": ("apex", "ApexFrame", "peak"),
    "offset": ("offset", "OffsetFrame", "end", "end_frame", "pred_offset", "结束帧"),
    "emotion": ("emotion", "Estimated Emotion", "label", "pred_emotion", "predicted", "情绪"),
    "kind": ("kind", "type", "expression type"),
    "confidence": ("confidence", "score", "prob"),
    "frame": ("frame", "frame_id"),
    "score": ("score", "value", "confidence"),
}
RUN_COLUMNS = ("seed", "run", "epoch", "method", "coder", "variant", "checkpoint", "arm")
ANSWER_COLUMNS = ("predict", "hyp", "vote", "ours", "model", "final", "output", "预测")
REASONS: Sequence[tuple[str, str]] = (
    (r"recur under each of the", "several runs or coders in one file are refused, no longer pooled"),
    (r"equals? (?:the truth|true ones)|both hold classes", "a column that may be the answer stands beside the truth"),
    (r"hold plausible ends", "other ends of intervals stand beside the true ones"),
    (r"so they are no further ones", "ends that may be further intervals or others"),
    (r"could be (?:the score|it)|hardly varies|often says how sure", "a score that may be how sure a tracker is"),
    (r"could be the score|no column is called score", "a score is known by its values"),
    (r"frames are counted at|frames a second|frame rate", "frames at another rate"),
    (r"find many more expressions", "frames at another rate, or milliseconds"),
    (r"read as (?:a video without|nothing spotted|not marked)", "a sign for no expression"),
    (r"further interval|second interval", "further intervals of a row"),
    (r"people of the truth|are joined|read as one table", "parts of a file are joined"),
    (r"is read as a row for each", "a wide table of scores"),
    (r"likeliest class by", "classes by their probabilities"),
    (r"holds (?:no )?kinds|are kinds|says yes or no", "kinds and emotions told apart by their values"),
    (r"is read as the (?:subject|video|fps|onset|offset|emotion)", "another name of a column"),
    (r"time codes are read", "time codes"),
    (r"one (?:above|below) the true one", "class numbers off by one"),
)
"""What a sentence of this version holds, and the reason that it gives."""
REASONS_OF_OLD: Sequence[tuple[str, str]] = (
    (r"%' is not a number", "percent are read"),
    (r"'\d+,\d+' is not a number", "a decimal comma is read"),
    (r"lacks the column 'emotion'", "classes by their probabilities"),
    (r"lacks the column '(?:subject|video|onset|offset)'", "another name of a column"),
    (r"lacks the column 'score'", "a score is known by its values"),
    (r"several tables", "parts of a file are joined"),
)
"""The same of a sentence with which the earlier version refused what is read now."""


def main() -> int:
    """Compare, print the counts, and return 1 if a difference has no reason."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("old", type=Path, help="checkout of the earlier version, or a folder with --read")
    words.add_argument("--tables", type=int, default=1000)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--show", type=int, default=2, help="examples of each reason")
    words.add_argument("--keep", type=Path, help="leave the tables in this folder")
    words.add_argument(
        "--read", action="store_true", help="score the tables of a folder (what the program starts for each version)"
    )
    options = words.parse_args()
    if options.read:
        score_tables(options.old)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(options.tables):
            draw_table(folder / f"{number:05d}", random.Random(f"{options.seed}/{number}"))
        old, new = (scored_by(checkout, folder) for checkout in (options.old.resolve(), ROOT))
        return tell(folder, old, new, options.show)


# Tables ------------------------------------------------------------------------------------------------------------

Row = dict[str, Any]


def draw_table(folder: Path, rng: random.Random) -> None:
    """Write a truth and a file of predictions."""
    folder.mkdir(exist_ok=True)
    task = rng.choices(["intervals", "clips", "frame scores"], [5, 4, 1])[0]
    truth = _truth(rng, one_each=task == "clips")
    habits: list[str] = []
    has_scores = task == "frame scores"
    answers = (
        _frame_scores(truth, rng, habits) if has_scores else _answers(truth, rng, habits, spots=task == "intervals")
    )
    _write_csv(folder / "truth.csv", truth, ",")
    file = _write(folder, answers, rng, habits, task)
    (folder / "about.json").write_text(json.dumps({"task": task, "file": file, "habits": habits}))


def _truth(rng: random.Random, one_each: bool) -> list[Row]:
    """Rows of a truth: some people with some videos, each with an expression or none."""
    has_kinds = not one_each and rng.random() < 0.3
    fps = rng.choice([None, None, 25, 30, 200])
    rows = []
    for person in range(rng.randint(2, 5)):
        for video in range(rng.randint(1, 4)):
            onset = rng.randint(5, 60)
            row: Row = {"subject": f"{person + 1:02d}", "video": f"EP{person + 1:02d}_{video + 1:02d}"}
            ends = {"onset": onset, "offset": onset + rng.randint(8, 20), "emotion": rng.choice(CLASSES[:3])}
            if not one_each and rng.random() < 0.1:
                ends = dict.fromkeys(ends, "")
            row |= ends
            if has_kinds:
                row["kind"] = rng.choice(["micro", "macro"])
            if fps:
                row["fps"] = fps
            rows.append(row)
    return rows


def _answers(truth: Sequence[Row], rng: random.Random, habits: list[str], spots: bool) -> list[Row]:
    """Rows of answers with one or two habits of the field."""
    rows = [_answer(row, rng, spots) for row in truth]
    rows = [row for row in rows if row["onset"] != "" or not spots]
    changes: list[Callable[[list[Row], Sequence[Row], random.Random], list[Row]]] = [
        _plain,
        _with_notes,
        _with_runs,
        _with_truth_beside,
    ]
    changes += (
        [_with_rate, _with_none, _with_second_interval, _with_confidence] if spots else [_with_shares, _with_numbers]
    )
    for change in rng.sample(changes, rng.choice([1, 1, 2])):
        rows = change(rows, truth, rng)
        habits.append(change.__name__.removeprefix("_with_").removeprefix("_"))
    return rows


def _answer(true: Row, rng: random.Random, spots: bool) -> Row:
    """An answer near a truth, wrong in a third of the cases."""
    row: Row = {name: true[name] for name in ("subject", "video", "kind") if name in true}
    is_right = rng.random() < 0.65
    emotion = true["emotion"] if is_right and true["emotion"] else rng.choice(CLASSES[:3])
    if not spots:
        return {**row, "onset": true["onset"], "emotion": emotion}
    if true["onset"] == "":
        return {**row, "onset": "", "offset": "", "emotion": ""}
    shift = rng.randint(-3, 3) + (0 if is_right else 60)
    return {**row, "onset": max(true["onset"] + shift, 0), "offset": true["offset"] + shift + 2, "emotion": emotion}


def _plain(rows: list[Row], _: Sequence[Row], __: random.Random) -> list[Row]:
    return rows


def _with_notes(rows: list[Row], _: Sequence[Row], rng: random.Random) -> list[Row]:
    return [{**row, "Notes": rng.choice(["", "left brow", "unsure"]), "fold": row["subject"]} for row in rows]


def _with_runs(rows: list[Row], _: Sequence[Row], rng: random.Random) -> list[Row]:
    name = rng.choice(RUN_COLUMNS)
    runs = []
    for run in range(rng.randint(2, 3)):
        for row in rows:
            again = {**row, name: run}
            if "offset" in row and isinstance(row["onset"], int):
                again |= {end: row[end] + run for end in ("onset", "offset")}
            elif rng.random() < 0.3:
                again["emotion"] = rng.choice(CLASSES[:3])
            runs.append(again)
    return runs


def _with_truth_beside(rows: list[Row], truth: Sequence[Row], rng: random.Random) -> list[Row]:
    true = {row["video"]: row for row in truth}
    name = rng.choice(ANSWER_COLUMNS)
    if "offset" not in rows[0]:
        return [{**row, "emotion": true[row["video"]]["emotion"], name: row["emotion"]} for row in rows]
    beside = []
    for row in rows:
        of_truth = true[row["video"]]
        found = {f"{name}_from": row["onset"], f"{name}_to": row["offset"]}
        beside.append({**row, "onset": of_truth["onset"], "offset": of_truth["offset"], **found})
    return beside


def _with_rate(rows: list[Row], truth: Sequence[Row], rng: random.Random) -> list[Row]:
    true_rate = truth[0].get("fps", 25)
    times = rng.choice([1, 2])
    name = rng.choice(["fps", "fps", "Hz", "cam"])
    ends = [
        {end: row[end] * times if isinstance(row[end], int) else row[end] for end in ("onset", "offset")}
        for row in rows
    ]
    return [{**row, **of_row, name: true_rate * times} for row, of_row in zip(rows, ends)]


def _with_none(rows: list[Row], truth: Sequence[Row], rng: random.Random) -> list[Row]:
    sign = rng.choice([-1, 0, "", "nan", "None"])
    found = {row["video"] for row in rows}
    none = [{**rows[0], "subject": row["subject"], "video": row["video"]} for row in truth if row["video"] not in found]
    return [*rows, *({**row, "onset": sign, "offset": sign, "emotion": ""} for row in none)]


def _with_second_interval(rows: list[Row], _: Sequence[Row], rng: random.Random) -> list[Row]:
    names = rng.choice([("onset2", "offset2"), ("Onset2F", "Offset2F"), ("onset 2", "offset 2")])
    are_given = [isinstance(row["offset"], int) and rng.random() < 0.4 for row in rows]
    second = [(row["offset"] + 40, row["offset"] + 50) if given else ("", "") for row, given in zip(rows, are_given)]
    return [{**row, names[0]: first, names[1]: last} for row, (first, last) in zip(rows, second)]


def _with_confidence(rows: list[Row], _: Sequence[Row], rng: random.Random) -> list[Row]:
    form = rng.choice(["share", "percent", "tracker"])
    filled = []
    for row in rows:
        value: Any = round(rng.random(), 3)
        if form == "percent":
            value = f"{value:.0%}"
        if form == "tracker":
            value = round(0.95 + value / 100, 4)
        filled.append({**row, "confidence": value} | ({"vote": round(rng.random(), 3)} if form == "tracker" else {}))
    return filled


def _with_shares(rows: list[Row], _: Sequence[Row], rng: random.Random) -> list[Row]:
    with_shares = []
    for row in rows:
        others = [name for name in CLASSES[:3] if name != row["emotion"]]
        shares = (
            {row["emotion"]: 0.5, others[0]: 0.25, others[-1]: 0.25}
            if len(others) == 2
            else dict.fromkeys(CLASSES[:3], 1 / 3)
        )
        with_shares.append({**row, **{f"p_{name}": shares[name] for name in sorted(shares)}})
    if rng.random() < 0.4:
        return [{name: cell for name, cell in row.items() if name != "emotion"} for row in with_shares]
    return with_shares


def _with_numbers(rows: list[Row], _: Sequence[Row], rng: random.Random) -> list[Row]:
    return [{**row, "correct": rng.randint(0, 1), "loss": round(rng.random(), 3)} for row in rows]


def _frame_scores(truth: Sequence[Row], rng: random.Random, habits: list[str]) -> list[Row]:
    """The score of each frame, perhaps beside what a tracker writes."""
    has_tracker = rng.random() < 0.5
    name = rng.choice(["AU12_r", "brow"]) if has_tracker and rng.random() < 0.6 else "score"
    habits.append("tracker" if has_tracker else "plain")
    rows = []
    for row in truth:
        peak = row["onset"] + 5 if row["onset"] != "" else 40
        for frame in range(100):
            own: Row = {name: round(math.exp(-(((frame - peak) / 4) ** 2)), 5)}
            if has_tracker:
                own |= {"confidence": round(0.95 + 0.02 * math.sin(frame), 4), "success": 1}
            rows.append({"subject": row["subject"], "video": row["video"], "frame": frame, **own})
    return rows


def _write(folder: Path, rows: Sequence[Row], rng: random.Random, habits: list[str], task: str) -> str:
    """Write the answers in some form, with other names of columns and another order; returns the file's name."""
    rng.shuffle(names := list(dict.fromkeys(name for row in rows for name in row)))
    renamed = {name: rng.choice(ALIASES[name]) if name in ALIASES and rng.random() < 0.4 else name for name in names}
    if len(set(renamed.values())) < len(renamed):
        renamed = {name: name for name in names}
    named = [{renamed[name]: row.get(name, "") for name in names} for row in rows]
    form = rng.choices(["csv", "semicolon", "json", "nested", "sheets"], [5, 2, 2, 1, 0.5])[0]
    if form in ("nested", "sheets") and ("onset" not in names or "offset" not in names or task != "intervals"):
        form = "csv"
    habits.append(form)
    if form == "json":
        (folder / "answers.json").write_text(json.dumps(named))
        return "answers.json"
    if form == "nested":
        nested: dict[str, dict[str, list[Any]]] = {}
        for row in rows:
            ends = [row["onset"], row["offset"]]
            of_video = nested.setdefault(row["subject"], {}).setdefault(row["video"], [])
            of_video += [ends] if all(isinstance(end, int) for end in ends) else []
        (folder / "answers.json").write_text(json.dumps(nested))
        return "answers.json"
    if form == "sheets":
        _write_sheets(folder / "answers.xlsx", rows)
        return "answers.xlsx"
    _write_csv(folder / "answers.csv", named, ";" if form == "semicolon" else ",")
    return "answers.csv"


def _write_csv(file: Path, rows: Sequence[Row], separator: str) -> None:
    """Rows as a table of text; with semicolons numbers have a decimal comma."""
    names = list(dict.fromkeys(name for row in rows for name in row))

    def text(cell: Any) -> str:
        return str(cell).replace(".", ",") if separator == ";" and isinstance(cell, float) else str(cell)

    lines = [separator.join(names), *(separator.join(text(row.get(name, "")) for name in names) for row in rows)]
    file.write_text("\n".join(lines) + "\n")


def _write_sheets(file: Path, rows: Sequence[Row]) -> None:
    """A workbook with a sheet for each person."""
    import openpyxl  # only some tables are workbooks

    book = openpyxl.Workbook()
    book.remove(book.active)
    names = [name for name in rows[0] if name != "subject"]
    for person in dict.fromkeys(row["subject"] for row in rows):
        sheet = book.create_sheet(person)
        sheet.append(names)
        for row in rows:
            if row["subject"] == person:
                sheet.append([row.get(name, "") for name in names])
    book.save(file)


# Scores ------------------------------------------------------------------------------------------------------------


def score_tables(folder: Path) -> None:
    """Score every table with the version that Python imports, a line of JSON for each."""
    from mebench.api.score_files import score
    from mebench.errors import MebenchError

    warnings.simplefilter("ignore")
    for table in sorted(path for path in folder.iterdir() if path.is_dir()):
        about = json.loads((table / "about.json").read_text())
        k_prime = 6 if about["task"] == "frame scores" else None
        try:
            scores = score(
                predictions=table / about["file"],
                truth=table / "truth.csv",
                what=about["task"],
                k_prime=k_prime,
                bootstrap=0,
            )
            found = {"numbers": dict(_numbers(scores.summary)), "said": [*scores.warnings, *scores.repaired]}
        except MebenchError as error:
            found = {"refused": str(error)}
        except Exception as error:
            found = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps({"table": table.name, **found}))


def _numbers(part: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """The counts and values of a summary that both versions have."""
    if isinstance(part, Mapping):
        for key, inner in part.items():
            if key not in ("low", "high", "seconds", "run_id", "warnings", "repaired", "account", "columns"):
                yield from _numbers(inner, f"{name}.{key}")
    elif isinstance(part, int | float) and re.search(
        r"\.(?:tp|fp|fn|n|f1\.value|accuracy\.value|uf1\.value|strs\.value)$", name
    ):
        yield name, round(float(part), 9)


def scored_by(checkout: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """The results of a checkout by table."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONWARNINGS": "ignore"}
    words = [sys.executable, str(Path(__file__).resolve()), str(folder), "--read"]
    done = subprocess.run(words, cwd=checkout, env=environment, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["table"]: line for line in lines}


def tell(folder: Path, old: Mapping[str, Any], new: Mapping[str, Any], n_shown: int) -> int:
    """Print how many tables are alike, and the others by reason; 1 if one has none."""
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    for table, before in old.items():
        now = new[table]
        what = _difference(before, now)
        if what:
            said = now.get("refused") or now.get("failed") or "\n".join(set(now["said"]) - set(before.get("said", ())))
            reason = _reason(said, before.get("refused", ""))
            if "failed" in now:
                reason = "NO REASON"
            what = f"{what}: {reason}"
            about = json.loads((folder / table / "about.json").read_text())
            examples.setdefault(what, []).append(
                f"{table} ({', '.join(about['habits'])}): {said[:200]!r}; was: {before.get('refused', '')[:200]}"
            )
        counts[what or "alike"] += 1
    for what, n in counts.most_common():
        print(f"{n:6d}  {what}")
        for example in examples.get(what, [])[: n_shown if "NO REASON" not in what else None]:
            print(f"          {example}")
    return int(any("NO REASON" in what for what in counts))


def _reason(said: str, refused: str) -> str:
    """The reason of a difference, by what this version says, else by what the earlier one refused."""
    by_new = (why for pattern, why in REASONS if re.search(pattern, said))
    by_old = (why for pattern, why in REASONS_OF_OLD if re.search(pattern, refused))
    return next(by_new, None) or next(by_old, "NO REASON")


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between two results; empty where nothing does."""
    if "failed" in now:
        return "an unexpected error now"
    if "numbers" in before and "numbers" in now:
        shared = before["numbers"].keys() & now["numbers"].keys()
        is_same = all(before["numbers"][name] == now["numbers"][name] for name in shared)
        return "" if is_same else "another number"
    if "numbers" in now:
        return "read, was an unexpected error" if "failed" in before else "read, was refused"
    return "refused, was read" if "numbers" in before else ""


if __name__ == "__main__":
    raise SystemExit(main())
