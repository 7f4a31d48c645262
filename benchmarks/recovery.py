"""Alarms and recovered micro-expressions of the included models on the same films of real people, which are never committed.

    python benchmarks/recovery.py FOLDER [--models block_motion mean linear_spotter] [--copies 3] [--json FILE] [--write]

FOLDER holds films of people. Micro-expressions of known strength are put into copies of each (`mebench spot --recovery`). What a film
holds before nobody knows, so that each is counted beside what is found at its place in the untouched film. Stretches in which people are
still, speak or turn the head are told apart as measured. Films and models that are in FILE are not computed again; rows of a model that is
no longer included are kept under another name, such as `block_motion, before`. `--write` writes the table of `own_video.md` and the numbers
of each model's card.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import mebench
from mebench.features.activity import ACTIVITIES
from mebench.frames.videofile import SUFFIXES
from mebench.inference.alarm_rates import (
    REAL_ALARMS,
    REAL_SECONDS,
    RECOVERED,
    RECOVERED_OF,
    STRONG,
    poisson_interval,
)
from mebench.inference.models import find_model_file, read_model, write_model
from mebench.inference.recovery import Share
from mebench.output.progress import Progress

DATA, PAGE = Path(__file__).with_suffix(".json"), Path(__file__).with_name("own_video.md")
BEGIN, END = "<!-- recovery -->\n", "<!-- end recovery -->\n"
EVERY = "all"
RATE_ON_CARD = " alarms a minute in"
"""Words of a card's line about real films that no other line has."""
Row = Mapping[str, Any]


def measure(model: str, films: Sequence[Path], copies: int, workers: int | None) -> list[dict[str, Any]]:
    """What a model finds in films and in copies with injections; only a reason where no face can be followed."""
    found = mebench.spot(films, model, recovery=copies, workers=workers, progress=Progress()).summary
    about = {"model": model, "copies": copies}
    rows = [about | {"film": name, "failed": reason} for name, reason in found["failed"].items()]
    for video in found["videos"]:
        recovery = video["recovery"]
        if recovery is None:
            rows.append(about | {"film": video["video"], "failed": "no face could be followed"})
            continue
        injections = [
            {name: one[name] for name in ("strength", "activity", "found", "before")} for one in recovery["injections"]
        ]
        alarms_by_activity = {activity: recovery["activities"][activity]["alarms"] for activity in ACTIVITIES}
        rows.append(
            about
            | {"film": video["video"], "alarms": alarms_by_activity, "injections": injections, "sham": recovery["sham"]}
        )
    return rows


def shares(rows: Sequence[Row], activity: str) -> tuple[Share, Share, Share]:
    """Of the injections during an activity: those found of all, of those at `STRONG` and more, and those there before."""
    chosen = [one for row in rows for one in row["injections"] if activity in (EVERY, one["activity"])]
    strong = [one for one in chosen if one["strength"] >= STRONG]
    found = Share(sum(one["found"] for one in chosen), len(chosen))
    found_strong = Share(sum(one["found"] for one in strong), len(strong))
    return found, found_strong, Share(sum(one["before"] for one in chosen), len(chosen))


def alarms(rows: Sequence[Row], activity: str) -> tuple[int, float]:
    """Intervals in the untouched films during an activity, and the seconds."""
    counted = [row["alarms"][one] for row in rows for one in ACTIVITIES if activity in (EVERY, one)]
    return sum(one["count"] for one in counted), sum(one["seconds"] for one in counted)


def table_rows(rows: Sequence[Row]) -> Iterator[str]:
    """The table, a line for each model and activity."""
    yield "| model | the person | seconds | alarms a minute, untouched | found | found at 4 % and more | there before | sham found |"
    yield "|---|---|---|---|---|---|---|---|"
    for model in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == model and "failed" not in row]
        shams = [row["sham"] for row in own if row["sham"]]
        sham = Share(sum(one["found"] for one in shams), sum(one["of"] for one in shams))
        for activity in (*ACTIVITIES, EVERY):
            count, seconds = alarms(own, activity)
            found, strong, before = shares(own, activity)
            of_sham = sham.describe() if activity == EVERY and sham.of else "-"
            cells = (
                label_of(model),
                activity,
                f"{seconds:.0f}",
                by_the_minute(count, seconds),
                found.describe(),
                strong.describe(),
                str(before.found),
                of_sham,
            )
            yield f"| {' | '.join(cells)} |"


def label_of(model: str) -> str:
    """A model in the table: its name as code, then what is said of it after a comma."""
    name, comma, remark = model.partition(",")
    return f"`{name}`{comma}{remark}"


def write_cards(rows: Sequence[Row]) -> None:
    """Put what was found, and the alarms in the same films untouched, into the scores and the text of each included model's card."""
    for model in dict.fromkeys(row["model"] for row in rows):
        if "," in model:
            continue
        own = [row for row in rows if row["model"] == model and "failed" not in row]
        path = find_model_file(model)
        read = read_model(path)
        header = read.header
        assert header is not None
        count, seconds = alarms(own, EVERY)
        scores: dict[str, float | None] = {
            REAL_ALARMS.format(kind="micro"): float(count),
            REAL_SECONDS.format(kind="micro"): round(seconds, 3),
        }
        for activity in ACTIVITIES:
            _, strong, _ = shares(own, activity)
            scores[RECOVERED.format(activity=activity)] = float(strong.found)
            scores[RECOVERED_OF.format(activity=activity)] = float(strong.of)
        card = with_real_rate(header.card, count, seconds)
        changed = header.model_copy(update={"scores": {**header.scores, **scores}, "card": card})
        write_model(path, replace(read, header=changed), changed)


def with_real_rate(card: str, count: int, seconds: float) -> str:
    """A card with a line on alarms in films of real people, after the other lines on micro-expressions."""
    films = f"{seconds:.0f} s of films of real people, which nobody annotated"
    line = f"- micro: {by_the_minute(count, seconds)}{RATE_ON_CARD} {films}"
    kept = [one for one in card.splitlines() if RATE_ON_CARD not in one]
    last = max(number for number, one in enumerate(kept) if one.startswith("- micro:"))
    return "\n".join([*kept[: last + 1], line, *kept[last + 1 :]])


def by_the_minute(count: int, seconds: float) -> str:
    """A rate with its interval, in words; a dash for no seconds."""
    if not seconds:
        return "-"
    low, high = poisson_interval(count)
    return f"{60 * count / seconds:.1f} [{60 * low / seconds:.1f}, {60 * high / seconds:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description="Alarms and recovered micro-expressions on the same films.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=["block_motion", "mean", "linear_spotter"])
    parser.add_argument("--copies", type=int, default=3)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--json", type=Path, default=DATA)
    parser.add_argument("--write", action="store_true", help="write the table of own_video.md and the models' numbers")
    args = parser.parse_args()
    films = sorted(path for path in args.folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not films:
        raise SystemExit(f"{args.folder} holds no films")
    rows: list[dict[str, Any]] = json.loads(args.json.read_text("utf-8")) if args.json.is_file() else []
    for model in args.models:
        known = {row["film"] for row in rows if row["model"] == model}
        new = [film for film in films if film.stem not in known]
        if new:
            rows += measure(model, new, args.copies, args.workers)
            args.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    lines = "\n".join(table_rows(rows)) + "\n"
    print(lines)
    if args.write:
        text = PAGE.read_text("utf-8")
        start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
        PAGE.write_text(text[:start] + lines + text[end:], "utf-8")
        write_cards(rows)


if __name__ == "__main__":
    main()
