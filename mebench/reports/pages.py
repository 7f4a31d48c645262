"""What pages are made of: the environment of their templates, and what the page of a run shows of it."""

import base64
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from mebench import heavy, inference
from mebench.errors import RunError
from mebench.format import NONE, count, digits, ends, seconds, whole
from mebench.metrics import named
from mebench.metrics.catalogue import METRICS, find
from mebench.metrics.mistakes import count_mistakes, miss_shares, number_of_draws, sort_mistakes
from mebench.records import rows
from mebench.records.record import Record
from mebench.reports.plots import confusions, true_positives
from mebench.reports.scores import parts_of
from mebench.reports.timeline import MISSED, SCRIPT, STYLE, WHY, Judged, clock, first_draw
from mebench.runs.folder import RunFolder, safe_name
from mebench.table import Column, Table, bar

HERE = Path(__file__).parent
LONGEST = 160
"""Characters of a value of the audit."""
RULES = {"as_many": "as many as truths", "best_rate": "at the best rate"}


def environment(*templates: Path) -> Environment:
    """Jinja with the templates that lie here and in other folders; whatever they are given is escaped."""
    found = Environment(
        loader=FileSystemLoader([*templates, HERE / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {
        "meanings": METRICS,
        "marks": rows.MARKS,
        "timeline_script": Markup(SCRIPT.read_text(encoding="utf-8")),
        "timeline_style": Markup(STYLE.read_text(encoding="utf-8")),
    }
    found.filters |= {
        "digits": digits,
        "interval": ends,
        "clock": clock,
        "metric": lambda name: find(name).label,
        "bar": bar,
        "words": lambda name: name.replace("_", " "),
        "meaning": lambda name: METRICS[name].describe(),
        "page": safe_name,
        "sentence": lambda text: text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else "."),
        "setting": lambda value: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
    }
    return found


WORDS = {"false_positive": "false positive: ", "miss": "miss: ", "under": "under a false positive: "}
"""What the page shows of the mistakes in a summary, which are counts, and how it says so."""
CURED = {"missed": "all other misses found"}
"""What the page calls a cure that is not of a false positive."""
COSTS = (
    ("feature_seconds", "to compute features", seconds, " s"),
    ("fit_seconds", "to train, all folds", seconds, " s"),
    ("predict_seconds", "to predict, all folds", seconds, " s"),
    ("predict_per_minute", "to predict a minute of video", seconds, " s"),
    ("parameters", "parameters", whole, ""),
    ("peak_memory_mib", "memory, at most", whole, " MiB"),
)
"""Costs of a run, what the page calls them, how they are written, and their unit; the three of training are always shown."""


@dataclass(frozen=True)
class Slip:
    """A mistake that a page leads to: its video, first and last frame, and what is told of it."""

    video: str
    onset: int
    offset: int
    words: str


def values_of(record: Record, side: Judged | None) -> dict[str, Any]:
    """What the templates of `run.html` say of a run; without a `side`, what its predictions would tell is left out."""
    summary, costs, ways = record.summary, record.costs, {}
    for name in ("train", "valid", "test"):
        numbers = [len(fold[name]) for fold in record.about["folds"]]
        low, high = min(numbers, default=0), max(numbers, default=0)
        ways[name] = str(low) if low == high else f"{low} to {high}"
    audit = [
        (
            str(v.get("name", "")),
            str(v.get("saw", "")),
            f"by fold: {_short(v['folds'])}" if v.get("folds") else _short(v.get("value")),
        )
        for v in record.audit.get("values", ())
    ]
    rest = {"selection", "transductive", "sides", "values"}
    return {
        "record": record,
        "sections": list(_sections(summary)),
        "chance": [
            (kind, RULES.get(rule, rule), level["f1"])
            for kind, rules in summary.get("chance", {}).items()
            for rule, level in rules.items()
        ],
        "details": None if side is None else details(record, side),
        "causes": [] if side is None else list(_causes(side)),
        "costs": [
            (what, f"{write(costs.get(name))}{unit}")
            for name, what, write, unit in COSTS
            if name in costs or name in ("fit_seconds", "predict_seconds", "parameters")
        ],
        "folds": ways,
        "audit": audit + [(name, "", _short(content)) for name, content in record.audit.items() if name not in rest],
    }


def details(record: Record, side: Judged) -> dict[str, Any]:
    """What is known about the answers of a run.

    Returns:
        `confusions`: title and counts, of annotated clips and of true positives; none where nothing was named. `mistakes`: by kind of
        expression and cause, None where nothing was spotted. `cures`: gain in F1 by kind if what lies under false positives, or all
        misses but near ones, were cured, None where nobody says. `missed`: for each kind and property of its truths the share of each
        third that is missed, in words. `subjects`: see there.

    Raises:
        DataError: its tables do not fit together.
    """
    tables, classes, named_so = side.tables, record.about["classes"], []
    if tables.clips is not None and len(tables.clips):
        named_so.append(("Annotated clips", confusions(tables.clips, classes)))
    if tables.predictions is not None and len(found := true_positives(tables, named(record.convention))):
        named_so.append(("Spotted clips that are right (true positives)", confusions(found, classes)))
    mistakes = record.summary.get("mistakes", {}) if tables.predictions is not None else {}
    causes = dict.fromkeys(
        (what, cause) for of_kind in mistakes.values() for what in of_kind if what in WORDS for cause in of_kind[what]
    )
    columns = [Column("what went wrong", main=True), *(Column(kind, text=count, right=True) for kind in mistakes)]
    wrong = [
        (f"{WORDS[what]}{cause}".replace("_", " "), *(part[what].get(cause, 0) for part in mistakes.values()))
        for what, cause in causes
    ]
    return {
        "confusions": named_so,
        "mistakes": Table(columns, wrong) if causes else None,
        "cures": cures(mistakes),
        "missed": [
            (f"{kind}, by {name}", rows.shares(thirds))
            for kind, found in mistakes.items()
            for name, thirds in miss_shares(found).items()
        ],
        "subjects": subjects(side),
    }


def cures(mistakes: Mapping[str, Any]) -> Table | None:
    """A row for each cause, the most gainful first, a column for each kind of expression."""
    gains = {kind: found["gain"] for kind, found in mistakes.items() if found.get("gain")}
    most = {cause: max(gain.get(cause, 0.0) for gain in gains.values()) for own in gains.values() for cause in own}
    columns = [
        Column(kind, text=lambda gain: NONE if gain is None else f"+{digits(gain)}", right=True) for kind in gains
    ]
    lines = [
        (CURED.get(cause, cause.replace("_", " ")), *(gain.get(cause) for gain in gains.values()))
        for cause in sorted(most, key=lambda cause: -most[cause])
    ]
    return Table([Column("gain in F1", main=True), *columns], lines) if gains else None


def _causes(side: Judged) -> Iterator[tuple[str, list[Slip]]]:
    """Every mistake of the first draw under its cause, the causes of false positives first."""
    for what, column, known in (("false_positive", "under", WHY), ("miss", "cause", MISSED)):
        for cause, some in side.mistakes[side.mistakes["mistake"] == what].groupby(column):
            slips = [
                Slip(m["video"], m["onset"], m["offset"], "{video}, {kind}, frames {onset} to {offset}".format_map(m))
                for m in some.to_dict("records")
            ]
            yield f"{WORDS[what]}{known.get(str(cause), f'on {cause}')}", slips


def subjects(side: Judged) -> Table:
    """A row for each subject: expressions, found, false positives, F1; clips, right answers."""
    tables = side.tables
    names = sorted(set(tables.videos["subject"]))
    columns: dict[str, list[float | None]] = {}
    if tables.predictions is not None:
        draws, kinds = number_of_draws(tables), list(side.kinds)
        mistakes = side.mistakes if draws == 1 else sort_mistakes(tables, kinds, side.convention)
        counts = count_mistakes(mistakes, "subject", draws).reindex(names, fill_value=0)
        of_video = tables.videos.set_index("video")["subject"]
        truths = tables.truths[tables.truths["kind"].isin(kinds)]["video"].map(of_video).value_counts()
        n = truths.reindex(names, fill_value=0).to_numpy(float)
        hits = n - counts["miss"].to_numpy(float).sum(axis=1)
        wrong = counts["false_positive"].to_numpy(float).sum(axis=1)
        columns = {"expressions": [*n], "found": [*hits], "false positives": [*wrong]}
        columns["F1"] = [float(2 * hit / total) if total else None for hit, total in zip(hits, n + hits + wrong)]
    if tables.clips is not None:
        right = (tables.clips["truth"] == tables.clips["predicted"]).fillna(False).groupby(tables.clips["subject"])
        columns["clips"] = [*right.size().reindex(names, fill_value=0).to_numpy(float)]
        columns["right"] = [*right.sum().reindex(names, fill_value=0).to_numpy(float)]
    heads = [
        Column(name, text=digits, right=True, order=lambda f1: -1 if f1 is None else f1)
        if name == "F1"
        else Column(name, text=count, right=True)
        for name in columns
    ]
    return Table([Column("subject", main=True), *heads], [*zip(names, *columns.values())])


def _sections(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, list[tuple[str, Any]]]]:
    """Title, what is scored and scores of each part of a summary."""
    for section, name, counted, part in parts_of(summary):
        yield f"{section.capitalize()}, {name}", counted, list(part["scores"].items())
    if recognition := summary.get("recognition"):
        yield "Recognition", f"{recognition['n']} annotated clips", list(recognition["scores"].items())
        for member, part in recognition.get("members", {}).items():
            yield f"Recognition, {member}", f"{part['n']} annotated clips", list(part["scores"].items())


def _short(value: Any) -> str:
    """A value as text, cut where nobody would read on."""
    text = (
        ""
        if value is None
        else value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False).replace('"', "")
    )
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


MOST_FACES = 12
"""Intervals of which a page shows where the networks looked."""


def looked(record: Record, side: Judged) -> list[dict[str, Any]]:
    """The surest spotted intervals, those that are right first, of each emotion in turn: the face at the peak, where each network looked.

    Raises:
        RunError: captum is missing, the method has no maps to explain, or the run keeps no models.
        DataError: the dataset is not there.
    """
    if side.tables.predictions is None:
        raise RunError(f"run {record.id!r} spots nothing, so there is no interval to look at: leave --faces out")
    wrong = side.mistakes[side.mistakes["mistake"] == "false_positive"][["video", "kind", "onset", "offset"]]
    spotted = first_draw(side.tables.predictions)
    spotted = spotted[spotted["kind"] == "micro"].merge(wrong.drop_duplicates(), how="left", indicator="wrong")
    ranked = spotted.sort_values("confidence", ascending=False, kind="stable")
    in_turn = ranked.groupby([ranked["wrong"], ranked["emotion"].fillna("")], observed=True).cumcount()
    ranked = ranked.assign(turn=in_turn).sort_values(
        ["wrong", "turn"], kind="stable"
    )  # "left_only" comes first: it is right
    rows = ranked.head(MOST_FACES).to_dict("records")
    intervals = {
        inference.gradcam.SpottedInterval(
            p["fold"], p["video"], p["onset"], p["apex"], p["offset"], None if pd.isna(p["emotion"]) else p["emotion"]
        ): p
        for p in rows
    }
    shown: dict[inference.gradcam.SpottedInterval, dict[str, Any]] = {}
    for found in inference.gradcam.explanations(RunFolder(record.folder), list(intervals)):
        words = f"{found.interval.video}, frame {found.interval.apex}"
        judged_so = "right" if intervals[found.interval]["wrong"] == "left_only" else "wrong"
        own = shown.setdefault(
            found.interval, {"words": words, "emotion": found.interval.emotion, "outcome": judged_so, "silent": []}
        )
        own["face"], own[found.task] = _picture(found.face), _picture(found.face, found.heat)
        own["silent"] += [] if found.heat.max() > 0 else [found.task]
    return list(shown.values())


def _picture(face: NDArray[np.uint8], heat: NDArray[np.float64] | None = None) -> str:
    """A face, and over it a heat from 0 to 1, blue over green and yellow to red, as the address of a PNG that holds all of it."""
    shown = np.repeat(face[..., None].astype(np.float64) / 255, 3, axis=2)
    if heat is not None:
        over = 0.6 * (heat[..., None] > 0)
        shown = (1 - over) * shown + over * heavy.matplotlib.colormaps["jet"](heat)[..., :3]
    stream = io.BytesIO()
    Image.fromarray((255 * shown).astype(np.uint8)).save(stream, format="png")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
