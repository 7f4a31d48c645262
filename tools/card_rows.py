"""The measured rows of methods' cards, written from the committed records: nobody types a score.

    mebench leaderboard build --tables-only
    python tools/card_rows.py [METHOD ...]

A row of a card names a run and the ends of its records' names, as in `0-5dd9bc95, 1-3f370ce2`. The program names all records that the
tables pool with the first one, which are further seeds of the same settings, and writes the mean over them with the outermost ends of
their intervals. In a new row run, setting, score and one record are enough.
"""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BOARDS = ROOT / "leaderboards"
SCORE = re.compile(r"`(?:spotting|recognition|analysis)\.[\w.]+`")


def pooled() -> dict[str, list[str]]:
    """The records that a row of the tables pools, by each of them."""
    tables = (json.loads(file.read_text(encoding="utf-8")) for file in sorted((BOARDS / "tables").glob("*-*.json")))
    rows = (row["runs"] for table in tables for part in table["parts"] for row in part["rows"])
    return {record: runs for runs in rows for record in runs}


@cache
def summary(record: str) -> Any:
    """The scores of a record; a card asks for several of each."""
    return json.loads((BOARDS / "records" / record / "record.json").read_text(encoding="utf-8"))["summary"]


def score(record: str, path: str) -> dict[str, float | None]:
    """Value, low and high: `spotting.micro.f1`, `analysis.strs`, `recognition.samm.uf1`, `recognition.samm-to-smic.uf1`."""
    part = summary(record)
    *inside, name = path.split(".")
    for key in inside:
        part = next(one[key] for one in (part, part.get("members", {}), part.get("folds", {})) if key in one)
    return dict(part["strs"] if name == "strs" else part["scores"][name])


def number(value: float) -> str:
    """Three decimals, without a zero before the point."""
    return f"{value:.3f}".removeprefix("0")


def cells(records: Sequence[str], path: str) -> tuple[str, str, str]:
    """The mean, its interval (a dash where no record has one), and the lowest and highest record."""
    scores = [score(record, path) for record in records]
    values, lows, highs = ([v for one in scores if (v := one[end]) is not None] for end in ("value", "low", "high"))
    interval = f"[{number(min(lows))}, {number(max(highs))}]" if lows and highs else "–"
    return number(sum(values) / len(values)), interval, f"{number(min(values))} to {number(max(values))}"


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
