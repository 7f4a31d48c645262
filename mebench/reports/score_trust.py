"""Trust in a run's scores.

Scores by groups of people and by halves of the face, calibration of emotions, and scores under other coders.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.errors import DataError, list_first, refused_by_system
from mebench.files import read_plain
from mebench.limits import PEOPLE_TABLE_BYTES, TEXT_TABLE_COLUMNS
from mebench.metrics.bootstrap import Resampling, SectionScores
from mebench.metrics.catalogue import find_metric
from mebench.metrics.compared_tables import LEVEL, MAIN, on_hardest, path_of, sections_of
from mebench.metrics.group_gaps import LEAST_PEOPLE, by_group, compare_shares
from mebench.metrics.noise import under_noise
from mebench.metrics.paired import holm
from mebench.metrics.ratios import per_unit
from mebench.metrics.tables import people_of_videos
from mebench.metrics.uncertainty import summarize_uncertainty
from mebench.output.number_format import format_score, format_span, format_table_number
from mebench.output.table import Column, Table, as_sentence
from mebench.output.terminal import format_count
from mebench.reports.compare_runs import Side, find_shared_tasks, score_path_in_words
from mebench.reports.timeline import JudgedRun
from mebench.runs.scoring import select_scored_clips
from mebench.score_type import Score

MOST_VALUES = 4
"""An attribute of numbers with more different values, such as an age, is split at its median."""
NOISE = {"onset": 10_000.0, "apex": 10_000.0, "offset": 10_000.0, "label": 1.0}
"""The kinds of disagreement between coders, with the largest value of each."""
INTERVAL = ["video", "kind", "onset", "offset"]
"""Columns that identify an interval."""
HALVES = [rf"(?i) *{half}[^+]*(\+ *{half}[^+]*)*" for half in "LR"]
"""All action units of the left or right half of the face, as FACS marks them: `L12+L14`, `R4`."""


def read_text_table(file: Path, *columns: str) -> pd.DataFrame:
    """The rows of a table of text with commas, cells as text.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    with refused_by_system(f"{file} cannot be read", "name a table of text with commas"):
        raw = read_plain(file, PEOPLE_TABLE_BYTES)
    widest = max((line.count(b",") for line in raw.splitlines()), default=0) + 1
    if widest > TEXT_TABLE_COLUMNS:
        raise DataError(f"{file} has {widest:,} columns, expected at most {TEXT_TABLE_COLUMNS:,}")
    try:
        rows = pd.read_csv(io.BytesIO(raw), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except ValueError as error:
        raise DataError(f"{file} is not a table of text with commas ({error}): save it as CSV in UTF-8") from None
    lacking = [column for column in columns if column not in rows]
    if lacking:
        raise DataError(f"{file} has no column {lacking[0]}: its first line must name {', '.join(columns)}")
    return rows


def read_noise(file: Path) -> tuple[dict[str, float], dict[str, str]]:
    """A table of how coders differ.

    Its columns are `what` (onset, apex, offset: standard deviation in ms; label: a share), `value`, `source`.

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
    twice = rows.index[rows.index.duplicated()]
    if len(twice):
        raise DataError(f"{file} describes {twice[0]} twice and differently: keep one row for each person")
    if not len(rows.columns):
        raise DataError(f"{file} has no attributes of the people: add a column such as sex, age or glasses")
    places: list[str] = []
    for person in known:
        _, _, without_dataset = person.partition("/")
        places.append(person if person in rows.index else without_dataset)
    lacking = [person for person, place in zip(known, places) if place not in rows.index]
    if lacking:
        raise DataError(
            f"{file} lacks {len(lacking)} of the run's {len(known)} people ({list_first(lacking)}): give each a "
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


GROUPED = ("f1", "strs", "uf1", "accuracy")
"""Scores that are compared between groups of people."""
N_DRAWS = 1000
"""Number of draws of people for the hardest ones."""


@dataclass(frozen=True)
class _People:
    """The people of a run, in the order of the numbers that tables give them.

    Attributes:
        names: `dataset/subject` of each.
        strata: stratum of each.
        unit_of: number of the person in each video, by the video's key.
    """

    names: list[str]
    strata: list[Any]
    unit_of: pd.Series


@dataclass(frozen=True)
class _MainScore:
    """A main score of a run, and the counts that give it.

    Attributes:
        path: dotted name.
        section: section of the summary.
        name: name within the section.
        counts: counts of the section by person.
    """

    path: str
    section: str
    name: str
    counts: Any


def measure_trust(side: JudgedRun, people: Path | None = None, seed: int = 0) -> dict[str, Any]:
    """Groups, sides and certainty in a run's answers.

    Args:
        side: the run.
        people: a table of people, see `read_people`.
        seed: seed of the draws.

    Returns:
        `sides`: found, and correctly named, micro-expressions with action units of only the left or right half, see
        `metrics.group_gaps.compare_shares`; `hardest`: for each main score the result of `metrics.compared_tables.on_hardest`;
        `uncertainty`, see there, if classes have scores; `groups`: for each attribute and main score the result of
        `metrics.group_gaps.by_group`, with `p_holm`.

    Raises:
        DataError: the table of people does not fit.
    """
    persons = _people_of(side)
    trusted: dict[str, Any] = {"sides": _compare_halves_of_face(side, persons, seed), "groups": {}, "hardest": {}}
    certainty = _certainty(side, persons)
    if certainty is not None:
        trusted["uncertainty"] = certainty
    sections = sections_of(
        side.tables, len(persons.strata), side.kinds or ["micro"], list(side.classes), str(side.convention)
    )
    scores = _main_scores(sections, len(persons.strata))
    trusted["hardest"] = _scores_of_hardest(sections, scores, persons, seed)
    if people is not None:
        trusted["groups"] = _compare_groups(scores, read_people(people, persons.names), persons, seed)
    return trusted


def _people_of(side: JudgedRun) -> _People:
    """The people of a run."""
    videos = side.tables.put_in_order().videos
    rows = people_of_videos(videos)
    return _People(rows["subject"].tolist(), rows["stratum"].tolist(), videos.set_index("video")["unit"])


def _compare_halves_of_face(side: JudgedRun, persons: _People, seed: int) -> dict[str, Any]:
    """Shares of found and of correctly named expressions of each half of the face."""
    compared = {}
    for what, (truths, right) in _judged_truths(side).items():
        units = truths.get("action_units", pd.Series("", truths.index)).fillna("").astype(str)
        unit: NDArray[np.int64] = truths["video"].map(persons.unit_of).to_numpy(np.int64)
        hits = []
        counts = []
        for half in HALVES:
            of_half = units.str.fullmatch(half).to_numpy(bool)
            hits.append(per_unit(unit, len(persons.strata), (of_half & right).astype(np.float64)))
            counts.append(per_unit(unit, len(persons.strata), of_half.astype(np.float64)))
        if all(of_half.sum() for of_half in counts):
            compared[what] = compare_shares(np.stack(hits), np.stack(counts), persons.strata, seed=seed)
    return compared


def _judged_truths(side: JudgedRun) -> dict[str, tuple[pd.DataFrame, NDArray[np.bool_]]]:
    """Annotated expressions, and whether each is found or named rightly."""
    truths = side.tables.truths
    clips = side.tables.clips
    judged = {}
    if side.tables.predictions is not None:
        micro = truths[truths["kind"] == "micro"]
        missed = side.mistakes[side.mistakes["mistake"] == "miss"]
        is_missed = micro.set_index(INTERVAL).index.isin(missed.set_index(INTERVAL).index)
        judged["found"] = micro, ~is_missed
    named = select_scored_clips(truths)
    if clips is not None and len(clips) == len(named):  # each clip is processed once, in this order
        judged["named rightly"] = named, (clips["truth"] == clips["predicted"]).fillna(False).to_numpy()
    return judged


def _certainty(side: JudgedRun, persons: _People) -> dict[str, Any] | None:
    """The certainty of emotions; None without scores of classes for two people."""
    if side.answers is None:
        return None
    classes = list(side.classes)
    clip = ["video", "onset", "offset"]
    answers = select_scored_clips(side.tables.truths).merge(side.answers.drop_duplicates(clip), on=clip)
    has_all_scores = answers["probabilities"].str.len() == len(classes)
    answers = answers[answers["emotion"].isin(classes) & has_all_scores]
    person = pd.factorize(answers["video"].map(persons.unit_of), sort=True)[0]
    if person.max(initial=0) == 0:
        return None
    scores = np.stack(answers["probabilities"].tolist()).astype(np.float64)
    truth = pd.Index(classes).get_indexer(pd.Index(answers["emotion"]))
    return summarize_uncertainty(scores, truth, person)


def _main_scores(sections: Mapping[str, Any], n_people: int) -> list[_MainScore]:
    """The main scores of a run."""
    once = np.ones((1, n_people))
    scores = []
    for section, counts in sections.items():
        for name in counts.evaluate(once):
            path = path_of(section, name)
            if path in (*MAIN, "recognition.accuracy"):
                scores.append(_MainScore(path, section, name, counts))
    return scores


def _scores_of_hardest(
    sections: dict[str, SectionScores], scores: Sequence[_MainScore], persons: _People, seed: int
) -> dict[str, Any]:
    """Each main score on the people who are hardest for the run, by path; empty where there are too few."""
    everybody = Resampling.of_subjects(persons.strata, N_DRAWS, seed)
    hardest: dict[str, Any] = {}
    for section, counts in sections.items():
        path_of_name = {score.name: score.path for score in scores if score.section == section}
        # A run alone is its own pool, so the weights of its people stay as they are.
        the_run = (np.asarray, counts.basis_of)
        scores_by_name = on_hardest(sections, section, list(path_of_name), everybody, [the_run])
        hardest |= {path: scores_by_name.get(name, {}) for name, path in path_of_name.items()}
    return hardest


def _compare_groups(
    scores: Sequence[_MainScore], attributes: pd.DataFrame, persons: _People, seed: int
) -> dict[str, dict[str, Any]]:
    """The scores of the groups of each attribute, p values adjusted for all of them."""
    groups: dict[str, dict[str, Any]] = {}
    for attribute, labels in attributes.items():
        of_attribute = {}
        for score in scores:
            if score.name in GROUPED:
                counts = score.counts
                of_attribute[score.path] = by_group(
                    counts.evaluate, score.name, persons.strata, labels.tolist(), counts.basis_of, seed=seed
                )
        groups[str(attribute)] = of_attribute
    tests = [test for of_attribute in groups.values() for test in of_attribute.values()]
    for test, p in zip(tests, holm([test["p"] for test in tests])):
        test["p_holm"] = p
    return groups


_number = partial(Column, right=True)
_score = partial(Column, right=True, score=True, digits=3)


def describe_trust(trusted: Mapping[str, Any]) -> list[str]:
    """What the scores of hardest people and of groups show, in sentences.

    A gap is claimed where its p value, adjusted for all tests, is below 5 %.
    """
    sentences = []
    for path, found in trusted["hardest"].items():
        if found:
            (score,) = found["scores"]
            people = format_count(found["people"], "person", "people")
            sentences.append(
                f"On the {people} hardest for it, {score_path_in_words(path)} is {format_score(Score.from_plain(score), 3)}."
            )
            break
    tested = [
        (attribute, path, test)
        for attribute, of_attribute in trusted["groups"].items()
        for path, test in of_attribute.items()
        if test["gap"]
    ]
    gaps = [(attribute, path, test) for attribute, path, test in tested if test["p_holm"] < LEVEL]
    for attribute, path, test in gaps:
        higher, lower = test["gap"]["between"]
        gap = format_score(Score.from_plain(test["gap"]), 3)
        sentences.append(
            f"{as_sentence(score_path_in_words(path)).rstrip('.')} of {attribute} {higher} is {gap} "
            f"above that of {lower} (p {format_table_number(test['p_holm'], 4)})."
        )
    if tested and not gaps:
        least = min(test["p_holm"] for _, _, test in tested)
        sentences.append(
            f"No gap between groups of people is shown: of {format_count(len(tested), 'test')} the least p is "
            f"{format_table_number(least, 4)}."
        )
    return sentences


def tables_of_trust(trusted: Mapping[str, Any]) -> list[Table]:
    """The same as tables for a page or a terminal."""
    tables = [
        _table_of_hardest(trusted["hardest"]),
        _table_of_halves(trusted["sides"]),
        _table_of_certainty(trusted.get("uncertainty")),
        *_tables_of_groups(trusted["groups"]),
    ]
    return [table for table in tables if table is not None]


def _table_of_hardest(hardest: Mapping[str, Any]) -> Table | None:
    """A row for each score on the hardest people."""
    rows = [
        (path, found["people"], *map(Score.from_plain, found["scores"])) for path, found in hardest.items() if found
    ]
    if not rows:
        return None
    columns = [Column("of the run", main=True), _number("people"), _score("score")]
    return Table(columns, rows, "the fifth of the people who are hardest for this run")


def _table_of_halves(sides: Mapping[str, Any]) -> Table | None:
    """A row for found, and one for correctly named expressions of the two halves."""
    if not sides:
        return None
    columns = [*map(_number, ("n left", "n right")), *map(_score, ("left", "right", "difference"))]
    rows = [
        (name, *side["n"], *(Score.from_plain(side[one]) for one in ("first", "second", "difference")))
        for name, side in sides.items()
    ]
    return Table([Column("micro-expressions"), *columns], rows, "left and right half of the face")


def _table_of_certainty(certainty: Mapping[str, Any] | None) -> Table | None:
    """A row for each value about the certainty of emotions."""
    if not certainty:
        return None
    sets, risk = certainty["sets"], certainty["risk"]
    surest = [(f"wrong among the surest {100 * float(kept):.0f} %", value) for kept, value in risk["at"].items()]
    return Table(
        [Column("of emotions", main=True), _number("value", digits=3)],
        [
            ("temperature", certainty["temperature"]),
            ("calibration error before", certainty["error"]["before"]),
            ("calibration error after", certainty["error"]["after"]),
            *surest,
            ("mean risk over coverage", risk["area"]),
            ("the least possible", risk["least_area"]),
            (f"sets meant to hold {100 * sets['coverage']:.0f} %: mean over people", sets["mean"]),
            ("of the person with the fewest", sets["lowest"]),
            ("share of people who have as many", sets["people"]),
            ("classes in a set, mean", sets["size"]),
        ],
        f"certainty over {certainty['n']} clips of {certainty['people']} people",
    )


def _tables_of_groups(groups: Mapping[str, Mapping[str, Any]]) -> Iterator[Table]:
    """A table for each score: its values in each group, and the gap between groups of each attribute."""
    for path in dict.fromkeys(chain.from_iterable(groups.values())):
        rows: list[Any] = []
        for attribute, of_attribute in groups.items():
            found = of_attribute[path]
            for name, group in found["groups"].items():
                rows.append((attribute, name, group.get("people", f"<{LEAST_PEOPLE}"), Score.from_plain(group), ""))
            gap = found["gap"]
            if gap:
                p_holm = format_table_number(found["p_holm"])
                rows.append((attribute, f"gap: {' over '.join(gap['between'])}", "", Score.from_plain(gap), p_holm))
        columns = [Column("attribute"), Column("group", main=True), _number("people"), _score(path)]
        yield Table([*columns, _number("p (Holm)")], rows, f"{path} by groups of people")


def score_under_noise(
    sides: Sequence[Side], noise: Mapping[str, float], paths: Sequence[str], convention: str
) -> dict[str, Any]:
    """The result of `metrics.noise.under_noise` for compared runs, in the tasks that they share."""
    tasks, kinds = find_shared_tasks(sides[0], sides[-1])
    without: dict[str, Any] = {}
    if "spot" not in tasks:
        without["predictions"] = None
    if "recognize" not in tasks:
        without["clips"] = None
    runs = [replace(side.tables, **without) for side in sides]
    return under_noise(runs, noise, paths, kinds, sides[0].classes, convention)


def tables_of_noise(scores: Mapping[str, Any], names: Sequence[str]) -> list[Table]:
    """The same as tables, one for each score.

    Args:
        scores: result of `score_under_noise`.
        names: names of the runs.
    """
    columns = [
        Column("run", main=True),
        Column("as annotated", right=True),
        Column("other coders", right=True, score=True, digits=3),
        Column("rank, 95 %", right=True),
        *(Column(f"beats {n}", right=True, digits=2) for n in range(1, len(names) + 1)),
    ]
    tables = []
    for path, score in scores.items():
        rows: list[tuple[Any, ...]] = []
        for n, (name, run) in enumerate(zip(names, score["runs"]), 1):
            rows.append(
                (f"{n} {name}", run["value"], Score.from_plain(run["noisy"]), format_span(run["ranks"]), *run["beats"])
            )
        best_value = float(find_metric(path).direction == "higher")
        rows.append(("the truth itself", best_value, Score.from_plain(score["ceiling"]), "", *[None] * len(names)))
        tables.append(Table(columns, rows, f"{path} if other coders had annotated"))
    return tables
