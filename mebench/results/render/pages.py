"""What pages are made of: the environment of their templates, and what the page of a run shows of it."""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from mebench.errors import RunError
from mebench.format import count, digits, ends, seconds, whole
from mebench.metrics import Tables, named
from mebench.metrics.catalogue import METRICS, find
from mebench.metrics.mistakes import count_mistakes, number_of_draws, sort_mistakes, told_misses
from mebench.results import rows
from mebench.results.record import Record
from mebench.results.render.plots import confusions, true_positives
from mebench.results.render.scores import parts_of
from mebench.results.render.timeline import MISSED, SCRIPT, STYLE, WHY, Judged, clock, first_draw
from mebench.runner.folder import RunFolder, safe_name

HERE = Path(__file__).parent
LONGEST = 160
"""Characters of a value of the audit."""
_COUNTS = {"n": "what is scored"}
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
        "nothing": rows.NOTHING,
        "timeline_script": Markup(SCRIPT.read_text(encoding="utf-8")),
        "timeline_style": Markup(STYLE.read_text(encoding="utf-8")),
    }
    found.filters |= {
        "digits": digits,
        "interval": ends,
        "spread": rows.spread,
        "count": count,
        "seconds": seconds,
        "shares": rows.shares,
        "whole": whole,
        "clock": clock,
        "metric": lambda name: find(name).label,
        "bar": _bar,
        "words": rows.words,
        "meaning": lambda name: METRICS[name].describe() if name in METRICS else _COUNTS.get(name, ""),
        "page": safe_name,
        "sentence": lambda text: text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else "."),
        "setting": lambda value: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
    }
    return found


def _bar(score: Mapping[str, float | None], metric: str) -> Markup:
    """The interval of a share, from 0 to 1, drawn by the style sheet; the numbers stand beside it. Nothing for what is none."""
    if score["low"] is None or find(metric).scale != "share":
        return Markup()
    low, high, value = (f"{score[end]:.3f}" for end in ("low", "high", "value"))
    return Markup('<i class="bar" style="--low:{};--high:{};--value:{}"></i>').format(low, high, value)


@dataclass(frozen=True)
class Confusion:
    """Counts of true against predicted classes.

    Attributes:
        title: what was named.
        columns: the named classes; `no class` for what is none of the scheme's.
        rows: true class, its total, and for each column the count and its share of the total.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, int, tuple[tuple[int, float], ...]], ...]


@dataclass(frozen=True)
class Counts:
    """A small table of numbers: a name and a number for each column in every row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]


@dataclass(frozen=True)
class Details:
    """What is known about the answers of a run.

    Attributes:
        confusions: of annotated clips and of true positives; none where nothing was named.
        mistakes: by kind of expression and cause; None where nothing was spotted.
        cures: gain in F1 by kind if what lies under false positives, or all misses but near ones, were cured; None where nobody says.
        missed: for each kind and property of its truths the share of each third that is missed, in words.
        subjects: for each tested subject its expressions, what was found, clips and right answers.
    """

    confusions: tuple[Confusion, ...]
    mistakes: Counts | None
    cures: Counts | None
    missed: tuple[tuple[str, str], ...]
    subjects: Counts


def values_of(record: Record, side: Judged | None) -> dict[str, Any]:
    """What the templates of `run.html` say of a run; without a `side`, what its predictions would tell is left out."""
    folds = record.about["folds"]
    return {
        "record": record,
        "sections": list(_sections(record.summary)),
        "chance": list(_chance(record.summary)),
        "details": None if side is None else details(record, side),
        "causes": [] if side is None else list(_causes(side)),
        "costs": list(_costs(record.costs)),
        "folds": {name: _from_to([len(fold[name]) for fold in folds]) for name in ("train", "valid", "test")},
        "audit": list(_audit(record.audit)),
    }


def details(record: Record, side: Judged) -> Details:
    """The details of a run.

    Raises:
        DataError: its tables do not fit together.
    """
    tables, classes = side.tables, record.about["classes"]
    named_so = []
    if tables.clips is not None and len(tables.clips):
        named_so.append(_confusion("Annotated clips", tables.clips, classes))
    told = record.summary.get("mistakes", {}) if tables.predictions is not None else {}
    if tables.predictions is not None:
        found = true_positives(tables, named(record.convention))
        if len(found):
            named_so.append(_confusion("Spotted clips that are right (true positives)", found, classes))
    return Details(tuple(named_so), _mistakes(told), _cures(told), tuple(_missed(told)), _subjects(tables, side))


def _confusion(title: str, answers: pd.DataFrame, classes: Sequence[str]) -> Confusion:
    table = confusions(answers, classes)
    rows = (
        (name, sum(counts), tuple((n, n / max(sum(counts), 1)) for n in counts))
        for name, counts in zip(table.index, table.to_numpy().tolist())
    )
    return Confusion(title, tuple(table.columns), tuple(rows))


WORDS = {"false_positive": "false positive: ", "miss": "miss: ", "under": "under a false positive: "}
"""What the page shows of the mistakes in a summary, which are counts, and how it says so."""
CURED = {"missed": "all other misses found"}
"""What the page calls a cure that is not of a false positive."""


def _mistakes(mistakes: Mapping[str, Any]) -> Counts | None:
    """A row for each kind of false positive and miss, a column for each kind of expression."""
    causes = [
        (what, cause) for kind in mistakes.values() for what, found in kind.items() if what in WORDS for cause in found
    ]
    rows = (
        (f"{WORDS[what]}{cause}".replace("_", " "), tuple(part[what].get(cause, 0) for part in mistakes.values()))
        for what, cause in dict.fromkeys(causes)
    )
    return Counts(tuple(mistakes), tuple(rows)) if causes else None


def _cures(mistakes: Mapping[str, Any]) -> Counts | None:
    """A row for each cause, the most gainful first, a column for each kind of expression."""
    gains = {kind: found["gain"] for kind, found in mistakes.items() if found.get("gain")}
    causes = {cause: max(gain.get(cause, 0.0) for gain in gains.values()) for own in gains.values() for cause in own}
    lines = (
        (CURED.get(cause, cause.replace("_", " ")), tuple(gain.get(cause) for gain in gains.values()))
        for cause in sorted(causes, key=lambda cause: -causes[cause])
    )
    return Counts(tuple(gains), tuple(lines)) if gains else None


def _missed(mistakes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, found in mistakes.items():
        for name, thirds in told_misses(found).items():
            yield f"{kind}, by {name}", rows.shares(thirds)


@dataclass(frozen=True)
class Slip:
    """A mistake that a page leads to: its video, first and last frame, and what is told of it."""

    video: str
    onset: int
    offset: int
    words: str


def _causes(side: Judged) -> Iterator[tuple[str, list[Slip]]]:
    """Every mistake of the first draw under its cause, the causes of false positives first."""
    for what, column in (("false_positive", "under"), ("miss", "cause")):
        own = side.mistakes[side.mistakes["mistake"] == what]
        known = {"false_positive": WHY, "miss": MISSED}[what]
        for cause, some in own.groupby(column):
            slips = [
                Slip(m["video"], m["onset"], m["offset"], "{video}, {kind}, frames {onset} to {offset}".format_map(m))
                for m in some.to_dict("records")
            ]
            yield f"{WORDS[what]}{known.get(str(cause), f'on {cause}')}", slips


def _subjects(tables: Tables, side: Judged) -> Counts:
    """A row for each subject: expressions, found, false positives, F1; clips, right answers."""
    subjects = sorted(set(tables.videos["subject"]))
    of_video = tables.videos.set_index("video")["subject"]
    columns: dict[str, list[float | None]] = {}
    if tables.predictions is not None:
        draws, kinds = number_of_draws(tables), list(side.kinds)
        mistakes = side.mistakes if draws == 1 else sort_mistakes(tables, kinds, side.convention)
        counts = count_mistakes(mistakes, "subject", draws).reindex(subjects, fill_value=0)
        truths = tables.truths[tables.truths["kind"].isin(kinds)]["video"].map(of_video).value_counts()
        n = truths.reindex(subjects, fill_value=0).to_numpy(float)
        missed = counts["miss"].to_numpy(float).sum(axis=1)
        wrong = counts["false_positive"].to_numpy(float).sum(axis=1)
        columns = {"expressions": [*n], "found": [*(n - missed)], "false positives": [*wrong]}
        below = 2 * (n - missed) + wrong + missed
        columns["F1"] = [
            None if not total else float(2 * hit / total) for hit, total in zip(n - missed, below, strict=True)
        ]
    if tables.clips is not None:
        right = (tables.clips["truth"] == tables.clips["predicted"]).fillna(False).groupby(tables.clips["subject"])
        columns["clips"] = [*right.size().reindex(subjects, fill_value=0).to_numpy(float)]
        columns["right"] = [*right.sum().reindex(subjects, fill_value=0).to_numpy(float)]
    rows = tuple((subject, tuple(column[i] for column in columns.values())) for i, subject in enumerate(subjects))
    return Counts(tuple(columns), rows)


def _sections(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, list[tuple[str, Any]]]]:
    """Title, what is scored and scores of each part of a summary."""
    for section, name, counted, part in parts_of(summary):
        yield f"{section.capitalize()}, {name}", counted, list(part["scores"].items())
    if recognition := summary.get("recognition"):
        yield "Recognition", f"{recognition['n']} annotated clips", list(recognition["scores"].items())
        for member, part in recognition.get("members", {}).items():
            yield f"Recognition, {member}", f"{part['n']} annotated clips", list(part["scores"].items())


def _chance(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for kind, rules in summary.get("chance", {}).items():
        for rule, level in rules.items():
            yield kind, RULES.get(rule, rule), level["f1"]


def _costs(costs: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    for name, what, words, unit in (
        ("feature_seconds", "to compute features", seconds, " s"),
        ("fit_seconds", "to train, all folds", seconds, " s"),
        ("predict_seconds", "to predict, all folds", seconds, " s"),
        ("predict_per_minute", "to predict a minute of video", seconds, " s"),
        ("parameters", "parameters", whole, ""),
        ("peak_memory_mib", "memory, at most", whole, " MiB"),
    ):
        if name in costs or name in ("fit_seconds", "predict_seconds", "parameters"):
            yield what, f"{words(costs.get(name))}{unit}"


def _audit(audit: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each value that shapes predictions, whom it saw, and the value in short; then what else the run wrote down."""
    for value in audit.get("values", ()):
        per_fold = value.get("folds")
        what = f"by fold: {_short(per_fold)}" if per_fold else _short(value.get("value"))
        yield str(value.get("name", "")), str(value.get("saw", "")), what
    said = {"selection", "transductive", "sides", "values"}
    yield from ((name, "", _short(content)) for name, content in audit.items() if name not in said)


def _short(value: Any) -> str:
    """A value as text, cut where nobody would read on."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False).replace('"', "")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _from_to(numbers: Sequence[int]) -> str:
    """`9`, or `8 to 10`."""
    low, high = min(numbers, default=0), max(numbers, default=0)
    return str(low) if low == high else f"{low} to {high}"


MOST_FACES = 12
"""Intervals of which a page shows where the networks looked."""


def looked(record: Record, side: Judged) -> list[dict[str, Any]]:
    """The surest spotted intervals, those that are right first, of each emotion in turn: the face at the peak, where each network looked.

    Raises:
        RunError: captum is missing, the method has no maps to explain, or the run keeps no models.
        DataError: the dataset is not there.
    """
    from mebench.runner.looking import Asked, looks

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
    asked = {
        Asked(
            p["fold"], p["video"], p["onset"], p["apex"], p["offset"], None if pd.isna(p["emotion"]) else p["emotion"]
        ): p
        for p in rows
    }
    shown: dict[Asked, dict[str, Any]] = {}
    for look in looks(RunFolder(record.folder), list(asked)):
        words = f"{look.asked.video}, frame {look.asked.apex}"
        judged_so = "right" if asked[look.asked]["wrong"] == "left_only" else "wrong"
        own = shown.setdefault(
            look.asked, {"words": words, "emotion": look.asked.emotion, "outcome": judged_so, "silent": []}
        )
        own["face"], own[look.task] = _picture(look.face), _picture(look.face, look.heat)
        own["silent"] += [] if look.heat.max() > 0 else [look.task]
    return list(shown.values())


def _picture(face: NDArray[np.uint8], heat: NDArray[np.float64] | None = None) -> str:
    """A face, and over it a heat from 0 to 1, blue over green and yellow to red, as the address of a PNG that holds all of it."""
    from matplotlib import colormaps
    from PIL import Image

    shown = np.repeat(face[..., None].astype(np.float64) / 255, 3, axis=2)
    if heat is not None:
        over = 0.6 * (heat[..., None] > 0)
        shown = (1 - over) * shown + over * colormaps["jet"](heat)[..., :3]
    stream = io.BytesIO()
    Image.fromarray((255 * shown).astype(np.uint8)).save(stream, format="png")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
