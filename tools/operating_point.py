"""Set the level of an included model by its false alarms in quiet films, and say on its card what that costs.

    python tools/operating_point.py NAME [KEY=VALUE ...] [--most 5] [--except KIND=MOST ...] [--seconds 20] [--people 16] [--videos 1]
        [--cache DIR] [--out FILE]

Quiet films (`tools/quiet_films.py`) are drawn and spotted in without a level, and so are people of `dataset.preset=field` who trained
nothing. The level is the lowest at which no kind of quiet film gives more than `--most` false alarms a minute; kinds of `--except` may give
as many as stand there. The card gets the rate of each kind, the curve of recall against false alarms, and the scores at that level.
KEY=VALUE are parameters of the method that need no training, such as light=gain still=middle baseline=2. Real films take no part in any of
it: `benchmarks/recovery.py` only reports.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import yaml
from quiet_films import MOVING, write_quiet_films

from mebench import runner
from mebench.config import resolve_dataset
from mebench.core import Video
from mebench.inference.alarm_rates import QUIET_RATE
from mebench.inference.model_card import card_scores
from mebench.inference.models import ENDING, Model, ModelHeader, find_model_file, read_model
from mebench.inference.operating_point import (
    OperatingPoint,
    QuietFilms,
    choose_level,
    operating_points,
    quiet_films,
    write_with_levels,
)
from mebench.inference.predict import Answer, Predicted, fitted_method, predict_all, timing_at
from mebench.output.progress import Progress

NO_LEVEL = -1e9
"""A level below every score."""
KIND: Final = "micro"
QUIET_SEED, TESTED_SEED = 11, 1
SECTION = re.compile(r"## How good\n.*?(?=\n## What it is not good for)", re.DOTALL)


def without_level(model: Model, header: ModelHeader, folder: Path, cache: Path | None) -> Model:
    """The model with its new parameters, and a level that holds nothing back."""
    path = folder / f"{header.name}{ENDING}"
    write_with_levels(path, model, header, [NO_LEVEL] * len(header.task.kinds))
    freed = read_model(path)
    return freed if cache is None else replace(freed, config=replace(freed.config, cache=str(cache)))


def answers_to_quiet_films(model: Model, folder: Path, seconds: float) -> dict[str, list[Answer]]:
    """Answers to drawn quiet films, by their kind."""
    answers = {}
    for kind, files in write_quiet_films(folder, seconds, QUIET_SEED).items():
        chosen = resolve_dataset({"dataset": "folder", "dataset.videos": [str(file) for file in files]})
        answers[kind] = list(predict_all([model], chosen, None, Progress(), look=True).answers.values())
    return answers


def answers_to_people(model: Model, people: int, videos: int) -> tuple[Predicted, list[tuple[Video, Answer]]]:
    """Answers to people who trained nothing, with their expressions."""
    words = [
        "dataset=synthetic",
        "dataset.preset=field",
        f"dataset.seed={TESTED_SEED}",
        f"dataset.subjects={people}",
        f"dataset.videos={videos}",
    ]
    predicted = predict_all([model], resolve_dataset(words), None, Progress())
    known = {video.key: video for video in predicted.dataset.videos()}
    return predicted, [(known[key], answer) for key, answer in predicted.answers.items()]


def scores_at(
    predicted: Predicted, tested: Sequence[tuple[Video, Answer]], model: Model, level: float
) -> tuple[dict[str, float | None], list[str]]:
    """Scores of a card on these people, at a level."""
    answers = {
        key: replace(answer, predictions=[p for p in answer.predictions if p.kind != KIND or p.confidence >= level])
        for key, answer in predicted.answers.items()
    }
    tables = replace(predicted, answers=answers).make_tables()
    truth = runner.tables_of_videos(predicted.dataset, predicted.job.scheme, [video for video, _ in tested])
    about = {**model.about, "classes": ()}
    return card_scores(replace(truth, predictions=tables.predictions), about)


def section_of_card(
    points: Sequence[OperatingPoint], level: float, quiet: Mapping[str, QuietFilms], lines: Sequence[str], facts: str
) -> str:
    """The part of a card that says how good the model is, and how its level was chosen."""
    rates = ", ".join(f"{kind} {films.rate(level):.1f}" for kind, films in quiet.items())
    minutes = sum(films.minutes for films in quiet.values())
    rows = []
    for point in points:
        chosen = " (chosen)" if point.level == level else ""
        rows.append(f"| {point.level:.3f}{chosen} | {point.quiet:.1f} | {point.recall:.2f} | {point.false:.1f} |")
    columns = "level | false alarms a minute, worst kind of quiet film | recall | false positives a minute"
    chosen_by = (
        f"The level of micro-expressions, {level:.3f}, was chosen by drawn films in which no expression happens, "
        f"{minutes:.1f} minutes: false alarms a minute there are {rates}. Recall and false positives below are those on {facts}."
    )
    return "\n".join(
        [
            "## How good",
            "",
            chosen_by,
            "",
            f"| {columns} |",
            "|---|---|---|---|",
            *rows,
            "",
            "At the chosen level:",
            "",
            *(f"- {line}" for line in lines),
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Set the level of an included model by false alarms.")
    parser.add_argument("name")
    parser.add_argument("parameters", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--most", type=float, default=5.0, help="false alarms a minute in the worst kind of quiet film")
    parser.add_argument(
        "--except", nargs="*", default=[], dest="exceptions", metavar="KIND=MOST", help="another number for a kind"
    )
    parser.add_argument("--level", type=float, help="this level instead, which must be higher than the one found")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each quiet film")
    parser.add_argument("--people", type=int, default=16, help="who trained nothing")
    parser.add_argument("--videos", type=int, default=1, help="of each of them")
    parser.add_argument("--cache", type=Path, help="store of features")
    parser.add_argument("--out", type=Path, help="the model's own file by default")
    args = parser.parse_args()

    path = find_model_file(args.name)
    model = read_model(path)
    assert model.header is not None
    settings = {key: yaml.safe_load(value) for key, value in (word.split("=", 1) for word in args.parameters)}
    header = model.header.model_copy(update={"method": model.header.method | settings})
    with tempfile.TemporaryDirectory() as place:
        freed = without_level(model, header, Path(place), args.cache)
        by_kind = answers_to_quiet_films(freed, Path(place), args.seconds)
        predicted, tested = answers_to_people(freed, args.people, args.videos)
        quiet = {kind: quiet_films(answers, KIND) for kind, answers in by_kind.items()}
        allowed = dict.fromkeys(quiet, args.most)
        exceptions = {kind: float(most) for kind, most in (word.split("=") for word in args.exceptions)}
        if unknown_kinds := exceptions.keys() - allowed.keys():
            raise SystemExit(
                f"--except names {', '.join(sorted(unknown_kinds))}, but the kinds are {', '.join(allowed)}"
            )
        allowed |= exceptions
        of_kinds = [choose_level({kind: films}, allowed[kind]) for kind, films in quiet.items()]
        level = max(*of_kinds, args.level or 0.0)
        points = operating_points(quiet, tested, KIND, levels=[level])
        changed, section = changed_header(
            header, freed, level, quiet, by_kind, points, predicted, tested, ", ".join(args.parameters)
        )
        levels = dict(zip(header.task.kinds, fitted_method(model).thresholds.tolist()))
        if KIND in levels:
            levels[KIND] = level
        write_with_levels(args.out or path, model, changed, list(levels.values()))
    print(section)


def changed_header(  # noqa: PLR0913  (all that a card tells)
    header: ModelHeader,
    freed: Model,
    level: float,
    quiet: Mapping[str, QuietFilms],
    by_kind: Mapping[str, Sequence[Answer]],
    points: Sequence[OperatingPoint],
    predicted: Predicted,
    tested: Sequence[tuple[Video, Answer]],
    afterwards: str,
) -> tuple[ModelHeader, str]:
    """The header of the model at its level, and the part of its card that says how good it is there."""
    scores, lines = scores_at(predicted, tested, freed, level)
    calm = quiet_films([answer for kind in MOVING for answer in by_kind[kind]], KIND)
    lines.append(
        f"{KIND}: {calm.rate(level):.2f} false positives a minute in {calm.minutes:.1f} minutes of videos without an expression"
    )
    minutes = sum((video.n_frames or 0) / (video.fps or 25.0) for video, _ in tested) / 60
    people = len({video.subject for video, _ in tested})
    facts = f"{people} drawn people in {len(tested)} videos outside its training data, {minutes:.1f} minutes"
    if afterwards:
        facts += f". Its weights were learnt without {afterwards}, which were set afterwards"
    section = section_of_card(points, level, quiet, lines, facts)
    kept = {path: score for path, score in header.scores.items() if path.startswith("recognition.")}
    lines_of_emotions = [line for line in header.card.splitlines() if line.startswith("- recognition:")]
    section = "\n".join([section.rstrip("\n"), *lines_of_emotions, ""])
    rates = {f"quiet.{KIND}.{kind}": films.rate(level) for kind, films in quiet.items()}
    changed = header.model_copy(
        update={
            "card": SECTION.sub(lambda _: section, header.card),
            "scores": {**kept, **scores, f"spotting.{KIND}.{QUIET_RATE}": calm.rate(level), **rates},
            "features": fingerprints(freed),
        }
    )
    return changed, section


def fingerprints(model: Model) -> dict[str, str]:
    """Fingerprint of each feature that the model reads, at the rate of its first training."""
    timing = timing_at(model.timings, model.timings[0]["fps"], model.about["kinds"])
    return {name: chain.fingerprint() for name, chain in fitted_method(model).adjusted_chains(timing).items()}


if __name__ == "__main__":
    main()
