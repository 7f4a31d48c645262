"""A page that explains the scores of a run, or of two runs on the same videos; the environment of all pages; figures
for a paper.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from mebench import inference, json_output, metrics
from mebench.atomic import whole_file
from mebench.core import Prediction
from mebench.errors import MebenchError, RunError, refused_by_system
from mebench.lazy_imports import load_lazily
from mebench.metrics import (
    METRICS,
    RATES,
    catalogue,
    count_mistakes,
    miss_shares,
    named,
    number_of_draws,
    of_first_draw,
    sort_mistakes,
)
from mebench.number_format import NONE, count, digits, ends, seconds, shares_in_words, span, whole
from mebench.records import recorded_settings
from mebench.records.record import Record, read
from mebench.reports import compare_runs, plots, trust
from mebench.reports.scores import parts_of, title_of
from mebench.reports.timeline import MISSED, SCRIPT, STYLE, WHY, Judged, clock, plain_rows, timeline
from mebench.runs import CURVES, RunFolder, safe_name, tables_of
from mebench.table import Column, Table, as_sentence, interval_bar
from mebench.terminal import for_template

if TYPE_CHECKING:
    import matplotlib
    from matplotlib.figure import Figure
else:
    matplotlib = load_lazily("matplotlib")

LONGEST = 160
"""Most characters of a value in the audit."""
RULES = {"as_many": "as many as truths", "best_rate": "at the best rate"}


def environment(*templates: Path) -> Environment:
    """Jinja with the templates here and in other folders; all values are escaped."""
    found = Environment(
        loader=FileSystemLoader([*templates, Path(__file__).parent / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=for_template,
    )
    found.globals |= {
        "meanings": METRICS,
        "sheet": Markup(SHEET.read_text(encoding="utf-8")),
        "timeline_script": Markup(SCRIPT.read_text(encoding="utf-8")),
        "timeline_style": Markup(STYLE.read_text(encoding="utf-8")),
        "methods": {},  # those with a page, of which a page by itself has none
        "datasets": {},
    }
    found.filters |= {
        "digits": digits,
        "interval": ends,
        "clock": clock,
        "metric": lambda name: catalogue.find(name).label,
        "bar": interval_bar,
        "words": lambda name: name.replace("_", " "),
        "meaning": lambda name: catalogue.find(name).describe(),
        "page": safe_name,
        "sentence": as_sentence,
        "setting": json_output.text,
    }
    return found


WORDS = {"false_positive": "false positive: ", "miss": "miss: ", "under": "under a false positive: "}
"""The counts of mistakes in a summary that the page shows, with their labels."""
COSTS = (
    ("feature_seconds", "to compute features", seconds, " s"),
    ("fit_seconds", "to train, all folds", seconds, " s"),
    ("predict_seconds", "to predict, all folds", seconds, " s"),
    ("predict_per_minute", "to predict a minute of video", seconds, " s"),
    ("parameters", "parameters", whole, ""),
    ("peak_memory_mib", "memory, at most", whole, " MiB"),
)
"""Costs of a run with label, format and unit; the three of training are always shown."""


def facts_of(record: Record, side: Judged | None) -> dict[str, Any]:
    """Facts about a run for the templates of `run.html`; without a `side`, facts from predictions are left out."""
    summary, costs = record.summary, record.costs
    audit = [
        (
            str(v.get("name", "")),
            str(v.get("saw", "")),
            f"by fold: {_short(v['folds'])}" if v.get("folds") else _short(v.get("value")),
        )
        for v in record.audit.get("values", ())
    ]
    causes = []  # with every mistake of the first draw, the causes of false positives first
    if side is not None:
        for what, column, known in (("false_positive", "under", WHY), ("miss", "cause", MISSED)):
            for cause, some in side.mistakes[side.mistakes["mistake"] == what].groupby(column):
                words = "{video}, {kind}, frames {onset} to {offset}".format_map
                slips = [{**slip, "words": words(slip)} for slip in plain_rows(some)]
                causes.append((f"{WORDS[what]}{known.get(str(cause), f'on {cause}')}", slips))
    return {
        "record": record,
        "sections": [
            (
                ", ".join(filter(None, (section.capitalize(), name))),
                counted,
                # Show scores at a rate or a density if there are any, at a rate only for micro-expressions: pages stay
                # small.
                [
                    (metric, score)
                    for metric, score in part["scores"].items()
                    if not catalogue.find(metric).timed
                    or (score["value"] is not None and (name == "micro" or metric not in RATES))
                ],
            )
            for section, name, counted, part in parts_of(summary)
        ],
        "chance": [
            (kind, RULES.get(rule, rule), level["f1"])
            for kind, rules in summary.get("chance", {}).items()
            for rule, level in rules.items()
        ],
        "details": None if side is None else details(record, side),
        "causes": causes,
        "costs": [
            (what, f"{write(costs.get(name))}{unit}")
            for name, what, write, unit in COSTS
            if name in costs or name in ("fit_seconds", "predict_seconds", "parameters")
        ],
        "folds": {name: span([len(f[name]) for f in record.about["folds"]]) for name in ("train", "valid", "test")},
        "audit": [
            *audit,
            *(
                (name, "", _short(content))
                for name, content in record.audit.items()
                if name not in ("selection", "transductive", "sides", "values")
            ),
        ],
    }


def details(record: Record, side: Judged) -> dict[str, Any]:
    """Details of the answers of a run.

    Returns:
        `confusions`: title and counts, for annotated clips and for true positives; empty if no emotions are named.
        `mistakes`: by kind of expression and cause, None if the run spots nothing. `cures`: gain in F1 by kind without
        each cause of false positives, or without misses except near ones; None if unknown. `missed`: for each kind and
        property of its truths, the share of each third that is missed, in words. `subjects`: see there.

    Raises:
        DataError: its tables do not fit together.
    """
    mistakes = record.summary.get("mistakes", {}) if side.tables.predictions is not None else {}
    causes = dict.fromkeys(
        (what, cause) for of_kind in mistakes.values() for what in of_kind if what in WORDS for cause in of_kind[what]
    )
    return {
        "confusions": [
            (NAMED[task][0], plots.confusions(answers, record.about["classes"]))
            for task, answers in emotions_of(record, side).items()
        ],
        "mistakes": Table(
            [Column("what went wrong", main=True), *(Column(kind, text=count, right=True) for kind in mistakes)],
            [
                (f"{WORDS[what]}{cause}".replace("_", " "), *(part[what].get(cause, 0) for part in mistakes.values()))
                for what, cause in causes
            ],
        )
        if causes
        else None,
        "cures": cures(mistakes),
        "missed": [
            (f"{kind}, by {name}", shares_in_words(thirds))
            for kind, found in mistakes.items()
            for name, thirds in miss_shares(found).items()
        ],
        "subjects": subjects(side),
    }


NAMED = {
    "recognition": ("Annotated clips", "annotated clips"),
    "analysis": ("Spotted clips that are right (true positives)", "true positives"),
}
"""The titles of confusions of emotions on a page, and of their figures."""


def emotions_of(record: Record, side: Judged) -> dict[str, pd.DataFrame]:
    """The true and named emotions in each task that has some."""
    tables, answers_of = side.tables, dict[str, pd.DataFrame]()
    if tables.clips is not None:
        answers_of["recognition"] = tables.clips
    if tables.predictions is not None:
        answers_of["analysis"] = plots.true_positives(tables, named(record.convention))
    return {task: answers for task, answers in answers_of.items() if len(answers)}


def cures(mistakes: Mapping[str, Any]) -> Table | None:
    """A row for each cause, largest gain first, and a column for each kind of expression."""
    gains = {kind: part["gain"] for kind, part in mistakes.items() if part.get("gain")}
    most = {cause: max(gain.get(cause, 0.0) for gain in gains.values()) for own in gains.values() for cause in own}
    columns = [
        Column("gain in F1", main=True),
        *(Column(kind, text=lambda gain: NONE if gain is None else f"+{digits(gain)}", right=True) for kind in gains),
    ]
    # Label of the gain that does not concern false positives.
    lines = [
        (
            "all other misses found" if cause == "missed" else cause.replace("_", " "),
            *(gain.get(cause) for gain in gains.values()),
        )
        for cause in sorted(most, key=lambda cause: -most[cause])
    ]
    return Table(columns, lines) if gains else None


def subjects(side: Judged) -> Table:
    """A row for each subject: expressions, found, false positives, F1; clips, right answers."""
    tables = side.tables
    rows = pd.DataFrame(index=sorted(set(tables.videos["subject"])))
    if tables.predictions is not None:
        draws, kinds = number_of_draws(tables), list(side.kinds)
        mistakes = side.mistakes if draws == 1 else sort_mistakes(tables, kinds, side.convention)
        counts = count_mistakes(mistakes, "subject", draws).reindex(rows.index, fill_value=0)
        people = tables.videos.set_index("video")["subject"]
        truths = tables.truths[tables.truths["kind"].isin(kinds)]["video"].map(people)
        rows["expressions"] = truths.value_counts().reindex(rows.index, fill_value=0)
        rows["found"] = rows["expressions"] - counts["miss"].to_numpy(float).sum(axis=1)
        rows["false positives"] = counts["false_positive"].to_numpy(float).sum(axis=1)
        rows["F1"] = 2 * rows["found"] / rows.sum(axis=1)  # of the three columns; 0/0 is undefined
    if tables.clips is not None:
        right = (tables.clips["truth"] == tables.clips["predicted"]).fillna(False).groupby(tables.clips["subject"])
        rows["clips"] = right.size().reindex(rows.index, fill_value=0)
        rows["right"] = right.sum().reindex(rows.index, fill_value=0)
    heads = [
        Column(name, text=digits, right=True, order=float) if name == "F1" else Column(name, text=count, right=True)
        for name in map(str, rows)
    ]
    cells = rows.astype(object).where(rows.notna(), None)
    return Table([Column("subject", main=True), *heads], cells.reset_index().to_numpy().tolist())


def _short(value: Any) -> str:
    """A value as text, shortened to a readable length."""
    text = (
        ""
        if value is None
        else value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False).replace('"', "")
    )
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def looked(record: Record, side: Judged) -> list[dict[str, Any]]:
    """The most confident spotted intervals, right ones first, for each emotion in turn: the face at the peak, with the
    Grad-CAM map of each network.

    Raises:
        RunError: captum is missing, the method has no maps to explain, or the run keeps no models.
        DataError: the dataset is missing.
    """
    spotted = of_first_draw(side.tables).predictions
    if spotted is None:
        raise RunError(f"run {record.id!r} spots nothing, so it has no intervals: leave --faces out")
    wrong = side.mistakes[side.mistakes["mistake"] == "false_positive"][["video", "kind", "onset", "offset"]]
    spotted = spotted[spotted["kind"] == "micro"].merge(wrong.drop_duplicates(), how="left", indicator="wrong")
    ranked = spotted.sort_values("confidence", ascending=False, kind="stable")
    ranked = ranked.assign(
        turn=ranked.groupby([ranked["wrong"], ranked["emotion"].fillna("")], observed=True).cumcount()
    ).sort_values(["wrong", "turn"], kind="stable")  # "left_only" sorts first and marks right answers
    # Number of intervals with Grad-CAM maps on a page.
    rows = ranked.head(12).astype(object).where(ranked.notna(), None).to_dict("records")
    names = ("video", "kind", "onset", "apex", "offset", "confidence", "emotion")
    right = {(p["fold"], Prediction(**{name: p[name] for name in names})): p["wrong"] == "left_only" for p in rows}
    pictures: dict[inference.gradcam.FoldInterval, dict[str, Any]] = {}
    for found in inference.gradcam.explain_intervals(RunFolder(record.folder), list(right)):
        interval, outcome = found.spotted[1], "right" if right[found.spotted] else "wrong"
        about = {"words": f"{interval.video}, frame {interval.apex}", "emotion": interval.emotion, "outcome": outcome}
        picture = pictures.setdefault(found.spotted, {**about, "silent": []})
        picture["face"], picture[found.task] = _picture(found.face), _picture(found.face, found.heat)
        picture["silent"] += [] if found.heat.max() > 0 else [found.task]
    return list(pictures.values())


def _picture(face: NDArray[np.uint8], heat: NDArray[np.float64] | None = None) -> str:
    """A face with an overlaid heat map from 0 to 1 (blue, green, yellow, red), as a data address of a PNG."""
    image = np.repeat(face[..., None].astype(np.float64) / 255, 3, axis=2)
    if heat is not None:
        over = 0.6 * (heat[..., None] > 0)
        image = (1 - over) * image + over * matplotlib.colormaps["jet"](heat)[..., :3]
    stream = io.BytesIO()
    Image.fromarray((255 * image).astype(np.uint8)).save(stream, format="png")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


SHEET = Path(__file__).parent / "static" / "site.css"
SCORES = ["fold", "video", "frame", "kind", "score"]
TRANSFER = "method.transfer"
NO_SCORES = "keeps no scores of frames, so its timelines show only intervals"


def judged(record: Record, name: str = "") -> Judged:
    """A run's answers about its videos, from its folder; a record of the leaderboard has no frame scores.

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
    return Judged(
        name,
        tables,
        about["kinds"] if spots else (),
        scores,
        record.convention,
        about["classes"],
        folder.read_table("clips.parquet") if "recognize" in about["tasks"] else None,
    )


def timelines(sides: Sequence[Judged]) -> list[dict[str, Any]]:
    """Every video with a timeline: its place on the page, the numbers of missed and wrong intervals, and these in words
    for each run. Videos of one frame are left out.
    """
    numbers = [side.mistakes[["video", "mistake"]].value_counts().to_dict() for side in sides]
    drawn = []
    for number, video in enumerate(sides[0].tables.videos["video"].astype(str)):
        line = timeline(video, sides)
        if line.n_frames > 1 and (line.rows or any(track.curves for track in line.tracks)):
            counts = [[int(n.get((video, what), 0)) for what in ("miss", "false_positive")] for n in numbers]
            words = (
                f"{f'{side.name}: ' if side.name else ''}{lost} missed, {vain} wrong"
                for side, (lost, vain) in zip(sides, counts)
                if lost or vain
            )
            missed, wrong = (sum(column) for column in zip(*counts))
            drawn.append(
                {"id": f"v{number}", "timeline": line, "missed": missed, "wrong": wrong, "note": "; ".join(words)}
            )
    return drawn


def values_of(record: Record, most: int | None = None) -> dict[str, Any]:
    """Values for the page of a run: `facts_of`, its timelines, figures, and the cards of its features.

    Without scores of frames, as in a record, timelines show only true and spotted intervals.

    Args:
        record: of the run.
        most: largest number of answers that are shown one by one; a run with more shows only scores.
    """
    side, reason = None, ""
    try:
        if most is not None and record.answers > most:
            raise RunError(f"{record.answers:,} answers are too many for a page, which shows at most {most:,}")
        side = judged(record)
        values = facts_of(record, side)
    except (MebenchError, KeyError, ValueError) as error:
        side, reason, values = None, f"The predictions cannot be shown: {error}", facts_of(record, None)
    file = record.folder / "features.json"
    stored = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    values |= {
        "reason": reason,
        # Of each dataset, the cards of the features that the run read; a card begins with `chain NAME`.
        "cards": [
            (f"{group}: {card.split()[1]}", card)
            for group, cards in sorted(stored.get("chains", {}).items())
            for card in cards
        ],
        **_over_time([("", record)], [] if side is None else [side]),
    }
    if not values["timelines"]:
        values["causes"] = []
    scored = values["scored"] or not values["timelines"] or "spot" not in record.about["tasks"]
    return values | {"unscored": "" if scored else f"This run {NO_SCORES}."}


def _over_time(runs: Sequence[tuple[str, Record]], sides: Sequence[Judged]) -> dict[str, Any]:
    """The timelines and training curves on the page of one run or two."""
    drawn = timelines(sides) if sides else []
    return {
        "timelines": drawn,
        "places": {one["timeline"].title: one["id"] for one in drawn},
        "scored": any(len(side.frame_scores) for side in sides),
        "smoothed": any(
            c.smoothed is not None for one in drawn for t in one["timeline"].tracks for c in t.curves.values()
        ),
        "sweeps": _sweeps(runs),
        "colors": [plots.PAGE.get(color, color) for color in plots.CURVE_COLORS],
        "figures": {name: Markup(plots.inline(figure, name)) for name, figure in _trainings(runs).items()},
    }


def _sweeps(runs: Sequence[tuple[str, Record]]) -> dict[str, Mapping[str, Any]]:
    """F1 by IoU threshold of each run and kind; see `plots.iou_sweep`."""
    return {
        ", ".join(filter(None, [name, kind])): sweep
        for name, run in runs
        for kind, part in run.summary.get("spotting", {}).items()
        if (sweep := part.get("details", {}).get("f1_at_iou"))
    }


def _trainings(runs: Sequence[tuple[str, Record]]) -> dict[str, Figure]:
    """The figures of the trainings of one or several runs, `training_<stage>`."""
    folders = {name: RunFolder(run.folder) for name, run in runs}
    if len(runs) == 1 and (other_run := twin(runs[0][1], TRANSFER)) is not None:
        names = ("with transfer", "without transfer")
        own, other = names if runs[0][1].config[TRANSFER] else reversed(names)
        folders = {own: folders[runs[0][0]], other: other_run}
    return plots.figures_of_training({name: plots.history_of(folder) for name, folder in folders.items()})


def twin(record: Record, key: str) -> RunFolder | None:
    """A finished run that differs from a run in one setting, if there is one."""
    for folder in RunFolder.all(record.folder.parent) if key in record.config else ():
        if folder.path == record.folder or not folder.done:
            continue
        try:
            other = recorded_settings.without_places(folder.read_json("config.json")["config"])
        except (MebenchError, LookupError, TypeError, AttributeError):
            continue
        if {name for name in {*other, *record.config} if other.get(name) != record.config.get(name)} == {key}:
            return folder
    return None


def figures_of(folder: RunFolder, most: int | None = 3) -> dict[str, Figure]:
    """The figures of a finished run, by name.

    `recognition_confusion` for the annotated clips, `analysis_confusion` for the true positives of a method that also
    names their emotion, `iou_sweep`, `subjects`, `scores_<video>` for the videos with the most expressions, and
    `training_<stage>` for recorded trainings. Figures that do not apply are absent.

    Args:
        folder: the run.
        most: number of drawn videos; None for all.

    Raises:
        RunError: a table of the run is missing or damaged.
    """
    record = read(folder)
    return dict(_drawn_figures([("", record)], [judged(record)], most))


def _drawn_figures(
    runs: Sequence[tuple[str, Record]], sides: Sequence[Judged], most: int | None
) -> Iterator[tuple[str, Figure]]:
    for (name, record), side in zip(runs, sides):
        title, end = f"{name}: " if name else "", f"_{name.lower()}" if name else ""
        for task, answers in emotions_of(record, side).items():
            yield (
                f"{task}_confusion{end}",
                plots.confusion_matrix(answers, record.about["classes"], f"{title}{task}: {NAMED[task][1]}"),
            )
    of_subjects = {
        name: f1
        for (name, _), side in zip(runs, sides)
        if (f1 := {row["subject"]: row["F1"] for row in subjects(side).plain() if "F1" in row})
    }
    if of_subjects:
        yield "subjects", plots.subjects(of_subjects)
    if sweeps := _sweeps(runs):
        yield "iou_sweep", plots.iou_sweep(sweeps)
    yield from _trainings(runs).items()
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
    with refused_by_system(f"the figures cannot be written to {place}", "name another --figures DIR"):
        place.mkdir(parents=True, exist_ok=True)
        for name, figure in _drawn_figures([*zip(names, records)], sides, None):
            for ending in ("svg", "png", "pdf"):
                written.append(place / f"{name}.{ending}")
                figure.savefig(written[-1])
    return written


def page(
    folders: Sequence[RunFolder],
    comparison: metrics.Comparison | None = None,
    remarks: Sequence[str] = (),
    faces: bool = False,
    trusted: Mapping[str, Any] | None = None,
) -> str:
    """The report of a run, or of two compared runs, A and B.

    Args:
        folders: the run, or both.
        comparison: of both.
        remarks: for judging it.
        faces: whether to show faces with the Grad-CAM maps of a run's networks.
        trusted: the result of `trust.trust` for one run.

    Raises:
        RunError: a table of a run is missing or damaged; with `faces`, as in `looked`.
    """
    for folder in folders:
        for name in (name for name in folder.seal if "/" not in name):  # the files of folds are not shown
            folder.check(name)
    records = [read(folder) for folder in folders]
    templates = environment()
    if comparison is None:
        (record,) = records
        text = templates.get_template("report.html").render(
            root=None,
            title=title_of(record.config),
            looked=looked(record, judged(record)) if faces else [],
            trusted=trust.tables_of_trust(trusted) if trusted else [],
            **values_of(record),
        )
    else:
        runs = [*zip("AB", records)]
        sides = [judged(record, name) for name, record in runs]

        text = templates.get_template("reports.html").render(
            root=None,
            runs=[
                {"letter": name, "title": title_of(record.config), **facts_of(record, side)}
                for (name, record), side in zip(runs, sides)
            ],
            scores=[(compare_runs.in_words(path), path, row) for path, row in comparison.scores.items()],
            said=compare_runs.conclusions(comparison),
            remarks=remarks,
            unscored=" ".join(f"Run {s.name} {NO_SCORES}." for s in sides if s.kinds and not len(s.frame_scores)),
            **_over_time(runs, sides),
        )
    return "\n".join(line for line in text.splitlines() if line.strip()) + "\n"


def write(text: str, file: Path) -> None:
    """Write a page.

    Raises:
        DataError: the file cannot be written.
    """
    with refused_by_system(f"{file} cannot be written", "name another with -o FILE"), whole_file(file) as writing:
        writing.write_text(text, encoding="utf-8")


def refuse(folder: RunFolder) -> None:
    """Refuse a run without content for a report.

    Raises:
        RunError: it keeps no predictions.
    """
    if not any((folder.path / name).is_file() for name in ("predictions.parquet", "clips.parquet")):
        raise RunError(f"run {folder.id!r} keeps no predictions to report: run it again")
