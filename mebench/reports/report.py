"""The report of a run, or of two on the same videos: one page that needs nothing else, and its figures for a paper."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from mebench.errors import DataError, MebenchError, RunError
from mebench.metrics import named
from mebench.records import setting_words
from mebench.records.record import Record, read
from mebench.reports import compare_runs, pages, plots
from mebench.reports.pages import environment
from mebench.reports.run_summary import title_of
from mebench.reports.timeline import Judged, Timeline, timeline
from mebench.runs.fold_files import CURVES
from mebench.runs.folder import RunFolder, safe_name
from mebench.runs.scoring import tables_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mebench.metrics.comparison import Comparison

SHEET = Path(__file__).parent / "static" / "site.css"
SCORES = ["fold", "video", "frame", "kind", "score"]
TRANSFER = "method.transfer"
NO_SCORES = "keeps no scores of frames, so its timelines show intervals alone"


def judged(record: Record, name: str = "") -> Judged:
    """What a run says of its videos, from its folder alone; a record of the leaderboard keeps no scores of frames.

    Raises:
        RunError: a table of the run is missing or damaged.
        DataError: its tables do not fit together.
    """
    folder = RunFolder(record.folder)
    tables, about = tables_of(folder), record.about
    spots, scores = "spot" in about["tasks"], pd.DataFrame(columns=SCORES)
    if spots and (folder.path / "frame_scores.parquet").is_file():
        scores = folder.read_table("frame_scores.parquet")
        if (folder.path / CURVES).is_file():
            scores = scores.merge(folder.read_table(CURVES), how="left", on=SCORES[:-1])
    answers = folder.read_table("clips.parquet") if "recognize" in about["tasks"] else None
    return Judged(
        name,
        tables,
        about["kinds"] if spots else (),
        scores,
        record.convention,
        about["classes"],
        answers,
    )


@dataclass(frozen=True)
class Drawn:
    """A timeline on a page: its place, how many intervals of it are missed and wrong, and that in words, run by run."""

    id: str
    timeline: Timeline
    missed: int
    wrong: int
    note: str


def timelines(sides: Sequence[Judged]) -> list[Drawn]:
    """Every video with a timeline, those of one frame left out: there is nothing to see over time."""
    numbers = [side.mistakes[["video", "mistake"]].value_counts().to_dict() for side in sides]
    drawn = []
    for number, video in enumerate(sides[0].tables.videos["video"].astype(str)):
        line = timeline(video, sides)
        if line.n_frames > 1 and (line.rows or any(track.curves for track in line.tracks)):
            counts = [[int(own.get((video, what), 0)) for what in ("miss", "false_positive")] for own in numbers]
            words = (
                f"{f'{side.name}: ' if side.name else ''}{lost} missed, {vain} wrong"
                for side, (lost, vain) in zip(sides, counts)
                if lost or vain
            )
            missed, wrong = (sum(column) for column in zip(*counts))
            drawn.append(Drawn(f"v{number}", line, missed, wrong, "; ".join(words)))
    return drawn


def values_of(record: Record, most: int | None = None) -> dict[str, Any]:
    """What the page of a run shows: `pages.values_of`, its timelines, figures, and the cards of its features.

    Without scores of frames, as in a record, timelines show what is true and what was spotted alone.

    Args:
        record: of the run.
        most: answers that are shown one by one; of a run with more only the scores are.
    """
    side, reason = None, ""
    try:
        if most is not None and record.answers > most:
            raise RunError(f"{record.answers:,} answers are too many for a page, of at most {most:,}")
        side = judged(record)
        values = pages.values_of(record, side)
    except (MebenchError, KeyError, ValueError) as error:
        side, reason, values = None, f"The predictions cannot be shown: {error}", pages.values_of(record, None)
    sides = [] if side is None else [side]
    values |= {"reason": reason, "cards": list(_cards(record)), **_over_time([("", record)], sides)}
    if not values["timelines"]:
        values["causes"] = []
    told = values["scored"] or not values["timelines"] or "spot" not in record.about["tasks"]
    return values | {"unscored": "" if told else f"This run {NO_SCORES}."}


def _over_time(runs: Sequence[tuple[str, Record]], sides: Sequence[Judged]) -> dict[str, Any]:
    """What a page of one run or two shows of its videos and trainings."""
    drawn = timelines(sides) if sides else []
    return {
        "timelines": drawn,
        "places": {one.timeline.title: one.id for one in drawn},
        "scored": any(len(side.frame_scores) for side in sides),
        "smoothed": any(c.smoothed is not None for one in drawn for t in one.timeline.tracks for c in t.curves),
        "figures": {name: Markup(plots.inline(figure, name)) for name, figure in _figures(runs).items()},
    }


def _figures(runs: Sequence[tuple[str, Record]]) -> dict[str, Figure]:
    """The figures of one run or several that are no table or timeline: `iou_sweep`, `training_<stage>`."""
    sweeps = {word: sweep for name, run in runs for word, sweep in plots.sweeps_of(run.summary, name).items()}
    figures = {"iou_sweep": plots.iou_sweep(sweeps)} if sweeps else {}
    folders = {name: RunFolder(run.folder) for name, run in runs}
    if len(runs) == 1 and (twin := _twin(runs[0][1], TRANSFER)) is not None:
        names = ("with transfer", "without transfer")
        own, other = names if runs[0][1].config[TRANSFER] else reversed(names)
        folders = {own: folders[runs[0][0]], other: twin}
    return figures | plots.figures_of_training({name: plots.history_of(folder) for name, folder in folders.items()})


def _twin(record: Record, key: str) -> RunFolder | None:
    """A finished run beside a run that differs from it in one setting, if there is one."""
    for folder in RunFolder.all(record.folder.parent) if key in record.config else ():
        if folder.path == record.folder or not folder.done:
            continue
        try:
            other = setting_words.without_places(folder.read_json("config.json")["config"])
        except (MebenchError, LookupError, TypeError, AttributeError):
            continue
        if {name for name in {*other, *record.config} if other.get(name) != record.config.get(name)} == {key}:
            return folder
    return None


def _cards(record: Record) -> Iterator[tuple[str, str]]:
    """Each dataset with the cards of the features that were read, as text."""
    file = record.folder / "features.json"
    stored = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for group, cards in sorted(stored.get("chains", {}).items()):
        for card in cards if isinstance(cards, list) else ():
            text = card if isinstance(card, str) else json.dumps(card, indent=1, ensure_ascii=False)
            found = re.match(r"chain (\S+)", text)
            yield f"{group}: {found[1]}" if found else group, text


def figures_of(folder: RunFolder, most: int | None = 3) -> dict[str, Figure]:
    """The figures of a finished run, by name.

    `recognition_confusion` for the annotated clips, `analysis_confusion` for the true positives of a method that also
    names their emotion, `iou_sweep`, `subjects`, `scores_<video>` for the videos with the most expressions, and
    `training_<stage>` for trainings that noted how they went. Those that do not apply are absent.

    Args:
        folder: the run.
        most: videos that are drawn; None for all.

    Raises:
        RunError: a table of the run is missing or damaged.
    """
    record = read(folder)
    return dict(_drawn_figures([("", record)], [judged(record)], most))


def _drawn_figures(
    runs: Sequence[tuple[str, Record]], sides: Sequence[Judged], most: int | None
) -> Iterator[tuple[str, Figure]]:
    for (name, record), side in zip(runs, sides):
        tables, classes = side.tables, record.about["classes"]
        title, end = f"{name}: " if name else "", f"_{name.lower()}" if name else ""
        if tables.clips is not None and len(tables.clips):
            words = f"{title}recognition: annotated clips"
            yield f"recognition_confusion{end}", plots.confusion_matrix(tables.clips, classes, words)
        if tables.predictions is not None:
            found = plots.true_positives(tables, named(record.convention))
            if len(found):
                words = f"{title}analysis: true positives"
                yield f"analysis_confusion{end}", plots.confusion_matrix(found, classes, words)
    of_subjects: dict[str, dict[str, float | None]] = {}
    for (name, _), side in zip(runs, sides):
        if own := {row["subject"]: row["F1"] for row in pages.subjects(side).plain() if "F1" in row}:
            of_subjects[name] = own
    if of_subjects:
        yield "subjects", plots.subjects(of_subjects)
    yield from _figures(runs).items()
    scored = {video for side in sides for video in side.frame_scores["video"].unique()}
    truths = sides[0].tables.truths["video"]
    expressions = truths[truths.isin(scored)].value_counts()
    for video in sorted(expressions.index, key=lambda video: (-expressions[video], video))[:most]:
        yield f"scores_{safe_name(video)}", plots.score_curve(timeline(video, sides))


def write_figures(folders: Sequence[RunFolder], place: Path) -> list[Path]:
    """Write the figures of one run or two into a folder, each as SVG, PNG and PDF; files of these names are replaced.

    Raises:
        RunError: a table of a run is missing or damaged.
        DataError: a file cannot be written.
    """
    records, names = [read(folder) for folder in folders], ("A", "B") if len(folders) > 1 else ("",)
    sides = [judged(record, name) for record, name in zip(records, names)]
    written = []
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, figure in _drawn_figures([*zip(names, records)], sides, None):
            for ending in ("svg", "png", "pdf"):
                written.append(place / f"{name}.{ending}")
                figure.savefig(written[-1])
    except OSError as error:
        raise DataError(
            f"the figures cannot be written to {place}: {error.strerror}. Name another --figures DIR"
        ) from error
    return written


def page(folders: Sequence[RunFolder], comparison: Comparison | None = None, faces: bool = False) -> str:
    """The report of a run; or of two, A and B, that were compared.

    Args:
        folders: the run, or both.
        comparison: of both.
        faces: whether to show faces, and on them where the networks of a run looked.

    Raises:
        RunError: a table of a run is missing or damaged; with `faces` what `looked` raises.
    """
    for folder in folders:
        for name in folder.seal:
            if "/" not in name:  # the files of folds are shown nowhere
                folder.check(name)
    records = [read(folder) for folder in folders]
    templates = environment()
    templates.globals |= {"sheet": Markup(SHEET.read_text(encoding="utf-8")), "methods": set(), "datasets": set()}
    if comparison is None:
        (record,) = records
        text = templates.get_template("report.html").render(
            root=None,
            title=title_of(record.config),
            looked=pages.looked(record, judged(record)) if faces else [],
            **values_of(record),
        )
    else:
        runs = [*zip("AB", records)]
        sides = [judged(record, name) for name, record in runs]
        first, second = (compare_runs.Side.of_run(folder) for folder in folders)
        text = templates.get_template("reports.html").render(
            root=None,
            runs=[
                {"letter": name, "title": title_of(record.config), **pages.values_of(record, side)}
                for (name, record), side in zip(runs, sides)
            ],
            scores=[(compare_runs.in_words(path), path, row) for path, row in comparison.scores.items()],
            said=compare_runs.conclusions(comparison),
            remarks=compare_runs.remarks(comparison, first, second, named(records[0].convention)),
            unscored=" ".join(f"Run {s.name} {NO_SCORES}." for s in sides if s.kinds and not len(s.frame_scores)),
            **_over_time(runs, sides),
        )
    return "\n".join(line for line in text.splitlines() if line.strip()) + "\n"


def write(text: str, file: Path) -> None:
    """Write a page.

    Raises:
        DataError: the file cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror}. Name another with -o FILE") from error


def refuse(folder: RunFolder) -> None:
    """Refuse a run of which there is nothing to report.

    Raises:
        RunError: it keeps no predictions.
    """
    lost = [name for name in ("predictions.parquet", "clips.parquet") if not (folder.path / name).is_file()]
    if len(lost) == 2:
        raise RunError(f"run {folder.id!r} keeps no predictions, so there is nothing to report: run it again")
