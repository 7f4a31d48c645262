"""Trust in a run: scores by groups of people and sides of the face, calibration of emotions, and scores under other
coders.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mebench.errors import DataError, list_first, refused_by_system
from mebench.files import read_plain
from mebench.metrics.bootstrap import Resampling
from mebench.metrics.catalogue import find_metric
from mebench.metrics.comparison import MAIN, on_hardest, path_of, sections_of
from mebench.metrics.group_gaps import LEAST_PEOPLE, by_group, compare_shares
from mebench.metrics.noise import under_noise
from mebench.metrics.paired import holm
from mebench.metrics.ratios import per_unit
from mebench.metrics.uncertainty import summarize_uncertainty
from mebench.number_format import digits, span
from mebench.reports.compare_runs import Side, find_shared_tasks
from mebench.reports.timeline import JudgedRun
from mebench.runs.scoring import select_scored_clips
from mebench.table import Column, Table

MOST_BYTES = 2**24
MOST_VALUES = 4
"""An attribute of numbers with more different values, such as an age, is split at its median."""
NOISE = {"onset": 10_000.0, "apex": 10_000.0, "offset": 10_000.0, "label": 1.0}
"""The kinds of disagreement between coders, with the largest value of each."""
HALVES = [rf"(?i) *{half}[^+]*(\+ *{half}[^+]*)*" for half in "LR"]
"""All action units of the left or right half of the face, as FACS marks them: `L12+L14`, `R4`."""


def read_text_table(file: Path, *columns: str) -> pd.DataFrame:
    """The rows of a table of text with commas, cells as text.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    with refused_by_system(f"{file} cannot be read", "name a table of text with commas"):
        raw = read_plain(file, MOST_BYTES)
    try:
        rows = pd.read_csv(io.BytesIO(raw), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except ValueError as error:
        raise DataError(f"{file} is no table of text with commas ({error}): save it as CSV in UTF-8") from None
    if lacking := [column for column in columns if column not in rows]:
        raise DataError(f"{file} has no column {lacking[0]}: its first line must name {', '.join(columns)}")
    return rows


def read_noise(file: Path) -> tuple[dict[str, float], dict[str, str]]:
    """A table of how coders differ: `what` (onset, apex, offset: standard deviation in ms; label: a share), `value`,
    `source`.

    Returns:
        Values and sources, by their names.

    Raises:
        DataError: a row has no source, an unknown name or an invalid number, a name has two rows, or there is no row.
    """
    rows = read_text_table(file, "what", "value", "source")
    if rows.empty:
        raise DataError(f"{file} has no row: name one of {', '.join(NOISE)}, its value and its source")
    values = pd.to_numeric(rows["value"], errors="coerce")
    most = rows["what"].map(NOISE)
    checks = (
        (most.isna(), f"has the noise {{what!r}}, which is unknown: name one of {', '.join(NOISE)}"),
        (rows["what"].duplicated(), "names {what} twice: keep one row"),
        (
            rows["source"].str.strip() == "",
            "names no source for {what}: give the paper or the coders that its value comes from",
        ),
        (~values.between(0, most), "has the value {value!r} for {what}: give a number from 0 to {most:g}"),
    )
    for wrong, message in checks:
        if wrong.any():
            raise DataError(f"{file} {message.format(**rows.assign(most=most)[wrong].iloc[0])}")
    return dict(zip(rows["what"], values)), dict(zip(rows["what"], rows["source"]))


def read_people(file: Path, known: Sequence[str]) -> pd.DataFrame:
    """A table of people: `subject`, and a column for each attribute, empty where it is unknown.

    Args:
        file: the table.
        known: the run's people, `dataset/subject`; the dataset may be left out.

    Returns:
        A row for each person, a column for each attribute: the person's group.

    Raises:
        DataError: people are missing, or occur twice with different values, or there is no attribute.
    """
    rows = read_text_table(file, "subject").drop_duplicates().set_index("subject")
    if len(twice := rows.index[rows.index.duplicated()]):
        raise DataError(f"{file} describes {twice[0]} twice and differently: keep one row for each person")
    if not len(rows.columns):
        raise DataError(f"{file} has no attributes of the people: add a column such as sex, age or glasses")
    places = [person if person in rows.index else person.partition("/")[2] for person in known]
    if lacking := [person for person, place in zip(known, places) if place not in rows.index]:
        raise DataError(
            f"{file} lacks {len(lacking)} of the run's {len(known)} people ({list_first(lacking, 3)}): give each a "
            "row, with unknown cells empty"
        )
    return rows.loc[places].set_axis(list(known)).apply(_grouped)


def _grouped(values: pd.Series) -> pd.Series:
    """Values as groups: an attribute of many numbers is split in two at its median."""
    numbers = pd.to_numeric(values.where(values != ""), errors="coerce")
    if (numbers.isna() & (values != "")).any() or numbers.nunique() <= MOST_VALUES:
        return values
    middle = float(numbers.median())
    return (numbers < middle).map({True: f"below {middle:g}", False: f"{middle:g} or more"}).where(numbers.notna(), "")


def measure_trust(side: JudgedRun, people: Path | None = None, seed: int = 0) -> dict[str, Any]:
    """Groups, sides and certainty in a run's answers.

    Args:
        side: the run.
        people: a table of people, see `read_people`.
        seed: of draws.

    Returns:
        `sides`: found, and correctly named, micro-expressions with action units of only the left or right half, see
        `metrics.group_gaps.compare_shares`; `hardest`: for each main score the result of `metrics.comparison.on_hardest`;
        `uncertainty`, see there, if classes have scores; `groups`: for each attribute and main score the result of
        `metrics.group_gaps.by_group`, with `p_holm`.

    Raises:
        DataError: the table of people does not fit.
    """
    tables, keys, names = side.tables, ["video", "kind", "onset", "offset"], list(side.classes)
    videos = tables.ordered().videos
    persons, unit_of = videos.drop_duplicates("unit").sort_values("unit"), videos.set_index("video")["unit"]
    strata, trusted = persons["stratum"].tolist(), dict[str, Any](sides={}, groups={}, hardest={})
    micro, named, clips = (
        tables.truths[tables.truths["kind"] == "micro"],
        select_scored_clips(tables.truths),
        tables.clips,
    )
    parts: dict[str, tuple[pd.DataFrame, Any]] = {}
    if tables.predictions is not None:
        missed = side.mistakes[side.mistakes["mistake"] == "miss"]
        parts["found"] = micro, ~micro.set_index(keys).index.isin(missed.set_index(keys).index)
    if clips is not None and len(clips) == len(named):  # each clip is processed once, in this order
        parts["named rightly"] = named, (clips["truth"] == clips["predicted"]).fillna(False).to_numpy()
    for what, (truths, right) in parts.items():
        units = truths.get("action_units", pd.Series("", truths.index)).fillna("").astype(str)
        halves = [units.str.fullmatch(half).to_numpy(bool) for half in HALVES]
        unit = truths["video"].map(unit_of).to_numpy(np.int64)
        hits, counts = (
            np.stack([per_unit(unit, len(strata), (half & of) * 1.0) for half in halves]) for of in (right, True)
        )
        if counts.sum(axis=1).all():
            trusted["sides"][what] = compare_shares(hits, counts, strata, seed=seed)
    if side.answers is not None:
        answers = named.merge(side.answers.drop_duplicates(keys[:1] + keys[2:]), on=keys[:1] + keys[2:])
        answers = answers[answers["emotion"].isin(names) & (answers["probabilities"].str.len() == len(names))]
        person = pd.factorize(answers["video"].map(unit_of), sort=True)[0]
        if person.max(initial=0) > 0:
            scores = np.stack(answers["probabilities"].tolist()).astype(np.float64)
            truth = pd.Index(names).get_indexer(pd.Index(answers["emotion"]))
            trusted["uncertainty"] = summarize_uncertainty(scores, truth, person)
    sections = sections_of(tables, len(strata), side.kinds or ["micro"], names, str(side.convention))
    everybody, once = Resampling.of_subjects(strata, 1000, seed), np.ones((1, len(strata)))
    scored = [
        (path, section, name, part)
        for section, part in sections.items()
        for name in part.evaluate(once)
        if (path := path_of(section, name)) in (*MAIN, "recognition.accuracy")
    ]
    for section, part in sections.items():
        paths = {name: path for path, of, name, _ in scored if of == section}
        hard = on_hardest(sections, section, list(paths), everybody, [(np.asarray, part.basis_of)])
        trusted["hardest"] |= {path: hard.get(name, {}) for name, path in paths.items()}
    if people is not None:
        for attribute, labels in read_people(people, persons["subject"].tolist()).items():
            trusted["groups"][str(attribute)] = {
                path: by_group(part.evaluate, name, strata, labels.tolist(), part.basis_of, seed=seed)
                for path, _, name, part in scored
                if name in ("f1", "strs", "uf1", "accuracy")
            }
        tests = [*chain.from_iterable(of.values() for of in trusted["groups"].values())]
        for test, p in zip(tests, holm([test["p"] for test in tests])):
            test["p_holm"] = p
    return trusted


def tables_of_trust(trusted: Mapping[str, Any]) -> list[Table]:
    """The same as tables for a page or a terminal."""
    number = partial(Column, right=True)
    score, tables = partial(number, score=True, digits=3), []
    if hard := {path: of for path, of in trusted["hardest"].items() if of}:
        tables.append(
            Table(
                [Column("of the run", main=True), number("people"), score("score")],
                [(path, of["people"], *of["scores"]) for path, of in hard.items()],
                "the fifth of the people who are hardest for this run",
            )
        )
    if sides := trusted["sides"]:
        columns = [*map(number, ("n left", "n right")), *map(score, ("left", "right", "difference"))]
        rows = [(name, *s["n"], s["first"], s["second"], s["difference"]) for name, s in sides.items()]
        tables.append(Table([Column("micro-expressions"), *columns], rows, "left and right half of the face"))
    if sure := trusted.get("uncertainty"):
        sets, risk = sure["sets"], sure["risk"]
        tables.append(
            Table(
                [Column("of emotions", main=True), number("value", digits=3)],
                [
                    ("temperature", sure["temperature"]),
                    ("calibration error before", sure["error"]["before"]),
                    ("calibration error after", sure["error"]["after"]),
                    *(
                        (f"wrong among the surest {100 * float(kept):.0f} %", value)
                        for kept, value in risk["at"].items()
                    ),
                    ("mean risk over coverage", risk["area"]),
                    ("the least possible", risk["least_area"]),
                    (f"sets meant to hold {100 * sets['coverage']:.0f} %: mean over people", sets["mean"]),
                    ("of the person with the fewest", sets["lowest"]),
                    ("share of people who have as many", sets["people"]),
                    ("classes in a set, mean", sets["size"]),
                ],
                f"certainty over {sure['n']} clips of {sure['people']} people",
            )
        )
    for path in dict.fromkeys(chain.from_iterable(trusted["groups"].values())):
        cells: list[Any] = []
        for attribute, of in trusted["groups"].items():
            few, gap = f"<{LEAST_PEOPLE}", of[path]["gap"]
            cells += [(attribute, name, g.get("people", few), g, "") for name, g in of[path]["groups"].items()]
            if gap:
                cells.append((attribute, f"gap: {' over '.join(gap['between'])}", "", gap, digits(of[path]["p_holm"])))
        columns = [Column("attribute"), Column("group", main=True), number("people"), score(path), number("p (Holm)")]
        tables.append(Table(columns, cells, f"{path} by groups of people"))
    return tables


def score_under_noise(
    sides: Sequence[Side], noise: Mapping[str, float], paths: Sequence[str], convention: str
) -> dict[str, Any]:
    """The result of `metrics.noise.under_noise` for compared runs, in the tasks that they share."""
    tasks, kinds = find_shared_tasks(sides[0], sides[-1])
    without: dict[str, Any] = {
        name: None for name, task in (("predictions", "spot"), ("clips", "recognize")) if task not in tasks
    }
    runs = [replace(side.tables, **without) for side in sides]
    return under_noise(runs, noise, paths, kinds, sides[0].classes, convention)


def tables_of_noise(scores: Mapping[str, Any], names: Sequence[str]) -> list[Table]:
    """The same as tables, one for each score; `names` of the runs."""
    columns = [
        Column("run", main=True),
        Column("as annotated", right=True),
        Column("other coders", right=True, score=True, digits=3),
        Column("rank, 95 %", right=True),
        *(Column(f"beats {n}", right=True, digits=2) for n in range(1, len(names) + 1)),
    ]
    return [
        Table(
            columns,
            [
                *(
                    (f"{n} {name}", run["value"], run["noisy"], span(run["ranks"]), *run["beats"])
                    for n, (name, run) in enumerate(zip(names, score["runs"]), 1)
                ),
                (
                    "the truth itself",
                    float(find_metric(path).direction == "higher"),
                    score["ceiling"],
                    "",
                    *[None] * len(names),
                ),
            ],
            f"{path} if other coders had annotated",
        )
        for path, score in scores.items()
    ]
