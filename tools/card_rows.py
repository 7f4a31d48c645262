"""The measured rows of methods' cards, written from the committed tables: nobody types a score.

    mebench leaderboard build --tables-only
    python tools/card_rows.py [METHOD ...]

A row of a card names a run and the ends of its records' names, as in `0-5dd9bc95, 1-3f370ce2`. The program names all records that the
tables pool with the first one, which are further seeds of the same settings, and writes the mean over them with the interval of this
mean, as the tables have it, and the lowest and the highest seed. In a new row run, setting, score and one record are enough.
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mebench.boards.written_tables import find_written_tables
from mebench.metrics import Tables
from mebench.metrics.score_table import ScoreTable
from mebench.metrics.seed_means import over_seeds, summarize_seeds
from mebench.records.record import Record, read_committed_record
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables
from mebench.score_type import Score

ROOT = Path(__file__).parents[1]
BOARDS = ROOT / "leaderboards"
SCORE = re.compile(r"`(?:spotting|recognition|analysis)\.[\w.]+`")


@cache
def table_rows() -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    """The rows of all tables that pool a record, each with task and part, by record."""
    rows: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for file in sorted(find_written_tables(BOARDS / "tables").values()):
        table = json.loads(file.read_text(encoding="utf-8"))
        for part in table["parts"]:
            for row in part["rows"]:
                for record in row["runs"]:
                    rows.setdefault(record, []).append((table["task"], part["name"], row))
    return rows


def pooled() -> dict[str, list[str]]:
    """The records that a row of the tables pools, by each of them."""
    return {record: rows[-1][2]["runs"] for record, rows in table_rows().items()}


def score(records: Sequence[str], path: str) -> Mapping[str, float | None]:
    """Value, ends of the interval, lowest and highest seed of a score of records that a row pools.

    Args:
        records: names of the records.
        path: name of the score: `spotting.micro.f1`, `analysis.strs`, `analysis.true_positives.f1`, `recognition.samm.uf1`, or of one
            fold of a protocol that scores each, which no table has, `recognition.samm-to-smic.uf1`.
    """
    task, *inside, metric = path.split(".")
    if inside and "-to-" in inside[0]:
        return score_of_fold(tuple(records), inside[0], metric)
    place = inside[0] if inside else ""
    part = {
        "spotting": place,
        "analysis": (place or "true_positives").replace("_", " "),
        "recognition": "members" if place else "all clips",
    }[task]
    member = place if task == "recognition" else ""
    found = [
        row
        for own_task, name, row in table_rows()[records[0]]
        if (own_task, name, row["member"]) == (task, part, member)
    ]
    return dict(found[0]["scores"][metric])


@cache
def score_of_fold(records: Sequence[str], fold: str, metric: str) -> Mapping[str, float | None]:
    """The score of a fold, as the tables compute those of parts: the mean over seeds, and its interval."""
    path = f"recognition.folds.{fold}.{metric}"
    scores = [ScoreTable.read(read_record(name).summary).by_path()[path] for name in records]
    of_mean = scores[0]
    if len(scores) > 1:
        of_mean = Score.from_plain(scores_of_mean(records, fold)[metric])
    return over_seeds(scores, of_mean).plain_over_seeds()


@cache
def scores_of_mean(records: Sequence[str], fold: str) -> Mapping[str, Any]:
    """The scores of a fold as means over seeds; its clips are scored by themselves."""
    first = read_record(records[0])
    summary = summarize_seeds(
        [tables_of_fold(name, fold) for name in records],
        kinds=(),
        classes=first.about["classes"],
        seed=0,
        convention=first.convention,
        draws=1,  # intervals of shares come from leaving each person out, not from draws
    )
    return dict(summary["recognition"]["scores"])


def tables_of_fold(record: str, fold: str) -> Tables:
    """The tables of the people that a fold tests, with its answers alone."""
    tables = read_run(record)
    assert tables.clips is not None
    clips = tables.clips[tables.clips["part"] == fold].drop(columns="part")
    videos = tables.videos[tables.videos["video"].isin(clips["video"])]
    truths = tables.truths[tables.truths["video"].isin(clips["video"])]
    return Tables(videos, truths, clips=clips)


@cache
def read_run(record: str) -> Tables:
    """The tables of a record; each of its folds asks for them."""
    return read_tables(RunFolder(read_record(record).folder))


@cache
def read_record(name: str) -> Record:
    """A committed record."""
    return read_committed_record(RunFolder(BOARDS / "records" / name))


def number(value: float) -> str:
    """Three decimals, without a zero before the point."""
    return f"{value:.3f}".removeprefix("0")


def cells(records: Sequence[str], path: str) -> tuple[str, str, str]:
    """The mean, its interval (a dash where there is none), and the lowest and highest seed."""
    found = score(records, path)
    value, low, high, least, most = (found[end] for end in ("value", "low", "high", "min", "max"))
    assert value is not None
    assert least is not None
    assert most is not None
    interval = "–" if low is None or high is None else f"[{number(low)}, {number(high)}]"
    return number(value), interval, f"{number(least)} to {number(most)}"


def renewed(lines: Sequence[str], known: dict[str, list[str]]) -> Iterator[str]:
    """The lines of a card, with the rows of measured scores renewed; rows of records that no table has stay."""
    run, pairs = "", list[str]()
    for line in lines:
        first, *others = [cell.strip() for cell in line.split("|")[1:-1]] or [""]
        if not first:
            run, pairs = "", []
        elif others[:1] == ["mean of six"]:
            names = (cell.lower().replace("casme ii", "casme2").split(" to ") for cell in others[1:-1])
            run, pairs = first, [f"recognition.{trained}-to-{tested}.uf1" for trained, tested in names]
        elif pairs or (len(others) == 6 and SCORE.fullmatch(others[1])):
            start, end = f"{(run or first).strip('`')}-seed", others[-1].split(", ")[0]
            if records := known.get(start + end):
                if pairs:
                    others = [" ".join(cells(records, path)[:2]) for path in ("recognition.uf1", *pairs)]
                else:
                    others[2:] = cells(records, others[1].strip("`"))
                ends = ", ".join(record.removeprefix(start) for record in records)
                line = f"| {' | '.join([first, *others, ends])} |"
        yield line


def main() -> None:
    """Renew the cards and name those that change."""
    parser = argparse.ArgumentParser(description="Renew the measured rows of cards from the committed records.")
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="whose cards; by default all")
    asked, known = parser.parse_args(), pooled()
    for card in sorted((ROOT / "methods").glob("*/README.md")):
        if not asked.methods or card.parent.name in asked.methods:
            before = card.read_text(encoding="utf-8")
            after = "\n".join(renewed(before.splitlines(), known)) + "\n"
            if after != before:
                card.write_text(after, encoding="utf-8")
                print(card.relative_to(ROOT))


if __name__ == "__main__":
    main()
