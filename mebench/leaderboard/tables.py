"""From records to tables: one for each task, dataset and protocol, one row for all seeds of a method."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from mebench.leaderboard import settings
from mebench.leaderboard.collect import Record

Score = Mapping[str, float | None]

TASKS = ("spotting", "analysis", "recognition")
METRICS = {
    "spotting": ("f1", "precision", "recall", "ap50", "ap", "asr", "apex_mae_ms", "fp_per_minute"),
    "analysis": ("strs", "f1", "precision", "recall", "accuracy", "uf1", "uar"),
    "recognition": ("uf1", "uar", "accuracy", "wf1"),
}
"""Columns of each task, the main metric first: rows are sorted by it."""
OTHER_CODE = "another row has these settings and this seed: the plugins' code differs"
BLIND = "not a method: intervals of mean length at random places; 95 % of single draws lie in the interval"
CHANCE = {"as_many": "random (as many as truths)", "best_rate": "random (best rate)"}


@dataclass(frozen=True)
class Row:
    """One line: a method with its settings, over all its seeds.

    Attributes:
        method: id of the method, or what was placed at random.
        settings: what is not default, in words.
        member: the member of a composite dataset, or empty.
        provenance: `measured`, or `chance` for intervals placed at random.
        seeds: of the runs.
        n: what is scored: truths (spotting), true positives or videos (analysis), clips (recognition); mean over seeds.
        scores: for each metric `value`, the mean over seeds, with `min` and `max` over seeds, and `low` and `high`, the
            lowest and highest end of the runs' intervals. With one seed that is the run's own interval. All None where
            a run's value is undefined.
        convention: of the scorer.
        selection: `inner` if the method chooses something on inner validation subjects, else `fixed`.
        transductive: `video` if a test video's own unlabelled statistics enter its predictions, else `none`.
        costs: `fit_seconds` and `predict_seconds`, summed over folds, and `parameters`; mean over seeds.
        version: of mebench.
        runs: ids of the runs.
        remark: what a reader must know to compare.
    """

    method: str
    settings: str
    member: str
    provenance: str
    seeds: tuple[int, ...]
    n: float
    scores: dict[str, Score]
    convention: str
    selection: str
    transductive: str
    costs: dict[str, float]
    version: str
    runs: tuple[str, ...]
    remark: str

    def value(self, metric: str) -> float:
        """The score to sort by; an undefined one comes last."""
        value = self.scores[metric]["value"]
        return float("-inf") if value is None else value


@dataclass(frozen=True)
class Part:
    """Rows that may be compared: one kind of expressions, one choice of clips.

    Attributes:
        name: for example `micro`, `true positives`, `members`.
        metrics: its columns; the first sorts.
        rows: best first; by member, then best first, where there are members.
    """

    name: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """The results of one task on one dataset under one protocol.

    Attributes:
        name: of its files, without ending.
        task: `spotting`, `analysis` or `recognition`.
        dataset: id of the dataset.
        protocol: name of the protocol.
        variant: what of the dataset is not default, in words; other data make another table.
        parts: at least one.
    """

    name: str
    task: str
    dataset: str
    protocol: str
    variant: str
    parts: tuple[Part, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def build(records: Iterable[Record]) -> list[Table]:
    """All tables, by task, dataset, protocol and variant. The same records give the same tables in whatever order."""
    ordered = sorted(records, key=lambda r: (r.identity, r.seed, r.id))
    tables = []
    for task in TASKS:
        places = sorted({_place(task, r) for r in ordered if task in r.summary})
        for place in places:
            group = [r for r in ordered if task in r.summary and _place(task, r) == place]
            dataset, protocol, variant = place
            tables.append(Table(_name(task, *place), task, dataset, protocol, variant, _parts(task, group)))
    return tables


def _place(task: str, record: Record) -> tuple[str, str, str]:
    """Dataset, protocol and variant. Emotion schemes make no difference to spotting."""
    scheme = settings.of_scheme(record.config) if task != "spotting" else ""
    return record.config["dataset"], record.config["protocol"], "; ".join(filter(None, [record.data, scheme]))


def _name(task: str, dataset: str, protocol: str, variant: str) -> str:
    words = [task, dataset, protocol]
    if variant:
        slug = re.sub(r"[^\w.]+", "_", variant).strip("_")
        plain = len(slug) <= 40 and not re.search(r"[^\w.:;,= -]", variant)
        words.append(slug if plain else f"{slug[:32]}_{hashlib.sha256(variant.encode()).hexdigest()[:8]}")
    return "-".join(words)


def _parts(task: str, records: Sequence[Record]) -> tuple[Part, ...]:
    if task == "spotting":
        found = [kind for kind in ("micro", "macro", "overall") if any(kind in r.summary[task] for r in records)]
        return tuple(_part(task, kind, [(r, r.summary[task].get(kind)) for r in records]) for kind in found)
    if task == "analysis":
        short = [(r, r.summary[task].get("all_intervals")) for r in records]
        first = _part(task, "true positives", [(r, _with_strs(r.summary[task])) for r in records])
        return (first, _part(task, "all intervals", short)) if any(part for _, part in short) else (first,)
    sections = [(r, r.summary[task]) for r in records]
    members = sorted({name for _, section in sections for name in section.get("members", {})})
    rows = [
        row
        for member in members
        for row in _part(task, member, [(r, s.get("members", {}).get(member)) for r, s in sections], member).rows
    ]
    whole = _part(task, "all clips", sections)
    return (whole, Part("members", METRICS[task], tuple(rows))) if rows else (whole,)


def _with_strs(analysis: Mapping[str, Any]) -> dict[str, Any]:
    found = analysis["true_positives"]
    return {"n": found["n"], "scores": {"strs": analysis["strs"], **found["scores"]}}


def _part(task: str, name: str, sections: Sequence[tuple[Record, Any]], member: str = "") -> Part:
    """One row for each identity among the records that have this section; `sections` come sorted by identity."""
    metrics = METRICS[task] if name != "all intervals" else METRICS[task][1:]
    present = [(record, section) for record, section in sections if section]
    common = Counter(_annotations(task, record) for record, _ in present).most_common()
    several = len(common) > 1
    rows = []
    for _, same in groupby(present, key=lambda pair: pair[0].identity):
        group = list(same)
        if len({record.seed for record, _ in group}) < len(group):
            # Two runs of one seed that are not one: the plugin's code changed, so nothing here is a spread over seeds.
            rows += [_row(task, metrics, [one], member, several, OTHER_CODE) for one in group]
        else:
            rows.append(_row(task, metrics, group, member, several))
    if task == "spotting":
        rows += _chance(name, metrics, [record for record, _ in present])
    rows.sort(key=lambda r: (-r.value(metrics[0]), r.method, r.settings, r.seeds, r.runs))
    return Part(name, metrics, tuple(rows))


def _row(
    task: str,
    metrics: Sequence[str],
    group: Sequence[tuple[Record, Any]],
    member: str,
    several: bool,
    remark: str = "",
) -> Row:
    records, sections = [record for record, _ in group], [section for _, section in group]
    first = records[0]
    remarks = [first.about["remark"], remark]
    if several:
        remarks.append(f"annotations {_annotations(task, first)}: not the same as in every other row")
    return Row(
        method=first.config["method"],
        # A value that somebody spelled out though it is the default makes no other row, only a longer text.
        settings=min((record.settings for record in records), key=lambda text: (len(text), text)),
        member=member,
        provenance="measured",
        seeds=tuple(record.seed for record in records),
        n=_mean([_n(section) for section in sections]),
        scores={metric: _over_seeds([section["scores"][metric] for section in sections]) for metric in metrics},
        convention=first.summary["convention"],
        selection="inner" if first.about["selects"] else "fixed",
        transductive=first.about["transductive"],
        costs={name: round(_mean([record.costs[name] for record in records]), 3) for name in first.costs},
        version=first.versions["mebench"],
        runs=tuple(record.id for record in records),
        remark="; ".join(filter(None, remarks)),
    )


def _n(section: Mapping[str, Any]) -> float:
    return float(section["n"] if "n" in section else section["tp"] + section["fn"])


def _over_seeds(scores: Sequence[Score]) -> Score:
    values = [score["value"] for score in scores]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return dict.fromkeys(("value", "low", "high", "min", "max"))
    lows, highs = ([s[end] for s in scores if s[end] is not None] for end in ("low", "high"))
    return {
        "value": _mean(known),
        "low": min(lows, default=None),  # type: ignore[type-var]
        "high": max(highs, default=None),  # type: ignore[type-var]
        "min": min(known),
        "max": max(known),
    }


def _mean(values: Sequence[float]) -> float:
    return values[0] if len(set(values)) == 1 else sum(values) / len(values)


def _chance(kind: str, metrics: Sequence[str], records: Sequence[Record]) -> list[Row]:
    """The level of chance, from the run of the lowest seed: between methods it differs by noise alone."""
    able = sorted((r for r in records if kind in r.summary.get("chance", {})), key=lambda r: (r.seed, r.id))
    if not able:
        return []
    source = able[0]
    nothing: Score = dict.fromkeys(("value", "low", "high", "min", "max"))
    rows = []
    for rule, name in CHANCE.items():
        level = source.summary["chance"][kind][rule]
        rate = level.get("rate_per_minute")
        rows.append(
            Row(
                method=name,
                settings="" if rate is None else f"{rate:.1f} intervals per minute",
                member="",
                provenance="chance",
                seeds=(source.seed,),
                n=_n(source.summary["spotting"][kind]),
                scores={metric: _over_seeds([level[metric]]) if metric in level else nothing for metric in metrics},
                convention=source.summary["convention"],
                selection="fixed",
                transductive="none",
                costs={},
                version=source.versions["mebench"],
                runs=(),
                remark=BLIND,
            )
        )
    return rows


def _annotations(task: str, record: Record) -> str:
    """Spotting does not see emotions."""
    return record.annotations[0 if task == "spotting" else 1]
