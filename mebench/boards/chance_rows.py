"""Rows of the levels of chance, which are no methods: intervals at random frames, and answers by names alone."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from mebench.boards.row_scores import SCORING, parts_by_name, single_score
from mebench.boards.rows import BoardRow
from mebench.config import registry
from mebench.metrics.name_leak import names_chance
from mebench.metrics.score_table import ScoreTable
from mebench.output.terminal import format_count
from mebench.records.record import Record
from mebench.result_cache import cached_result
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables
from mebench.score_type import UNDEFINED, Score

OF_NAMES = (*SCORING, "boards/chance_rows.py")
"""The code of the stored scores by names."""
RANDOM_NAMES = {"as_many": "random (as many as truths)", "best_rate": "random (best rate)"}
"""The names of rows of intervals at random frames, by the rule for their number."""
BY_NAME = "not a method: answers by names of clips and videos alone, learnt on the training people; a fold hides these names from methods"
AT_RANDOM = "not a method: intervals of mean length at random places; 95 % of single draws lie in the interval"


def chance_methods() -> set[str]:
    """Ids of the methods that are levels of chance."""
    return {id_ for id_, info in registry.list_plugins("method").items() if info.config.get("chance")}


def random_rows(kind: str, metrics: Sequence[str], records: Sequence[Record]) -> list[BoardRow]:
    """The levels of chance in spotting, from the run with the lowest seed; other runs differ only by noise."""
    sources = [record for record in records if not record.doubt and kind in record.summary.get("chance", {})]
    if not sources:
        return []
    source = min(sources, key=lambda record: (record.seed, record.id))
    table = ScoreTable.read(source.summary)
    levels = table.levels_of_chance("spotting", kind)
    rows = []
    for rule in levels:
        if rule in RANDOM_NAMES:
            stored = source.summary["chance"][kind][rule]
            scores = {metric: levels[rule][metric] if metric in stored else UNDEFINED for metric in metrics}
            rate = stored.get("rate_per_minute")
            settings = "" if rate is None else f"{rate:.1f} intervals per minute"
            n = parts_by_name(table)["spotting", kind].counts.scored
            rows.append(_chance_row(source, RANDOM_NAMES[rule], settings, n, scores, AT_RANDOM))
    return rows


def names_rows(task: str, part: str, metrics: Sequence[str], records: Sequence[Record]) -> list[BoardRow]:
    """The row of name leakage, or none. It comes from the run with the lowest seed whose protocol leaves people out."""
    for source in sorted(records, key=lambda record: (record.seed, record.id)):
        by_name = cached_result(
            partial(_scores_by_name, source), OF_NAMES, "names", source.content
        )  # equal for all its tables
        answered = parts_by_name(ScoreTable.read(by_name)).get((task, part))
        if answered:
            reads = by_name["reads"].get("recognition" if task == "recognition" else "spotting", {})
            places = [f"{dataset}: {max(counts, key=counts.__getitem__)}" for dataset, counts in reads.items()]
            scores = {metric: answered.scores.get(metric, UNDEFINED) for metric in metrics}
            remark = BY_NAME + _people_without_names(source)
            return [_chance_row(source, "names", "; ".join(places), answered.counts.scored, scores, remark)]
    return []


def _scores_by_name(record: Record) -> dict[str, Any]:
    """The result of `names_chance` if each tested person has training people; else empty."""
    tables = read_tables(RunFolder(record.folder))
    trained_on = {who: [*fold["train"], *fold["valid"]] for fold in record.about["folds"] for who in fold["test"]}
    all_have_training = all(trained_on.get(subject) for subject in tables.videos["subject"])
    if record.about.get("subject_dependent") or not all_have_training:
        return {"reads": {}}
    return names_chance(tables, trained_on, record.about["classes"], record.about["kinds"], record.convention)


def _people_without_names(record: Record) -> str:
    """A remark on people who only train: no record holds their names; empty if all are tested."""
    tested: set[str] = set()
    training: set[str] = set()
    for fold in record.about["folds"]:
        tested.update(fold["test"])
        training.update(fold["train"], fold["valid"])
    n_alone = len(training - tested)
    if not n_alone:
        return ""
    return f"; {format_count(n_alone, 'person trains', 'people train')} alone, and no record holds their names"


def _chance_row(
    source: Record, name: str, settings: str, n: float, scores: Mapping[str, Score], remark: str
) -> BoardRow:
    """The row of a level of chance: from one run, without a spread over seeds.

    Args:
        source: the run.
        name: name of the level.
        settings: settings of the level, in words.
        n: number of scored items.
        scores: its scores.
        remark: explanation of the level.
    """
    return BoardRow(
        method=name,
        settings=settings,
        member="",
        provenance="chance",
        seeds=(source.seed,),
        n=n,
        scores={metric: single_score(score) for metric, score in scores.items()},
        convention=source.convention,
        selection="fixed",
        transductive="none",
        costs={},
        versions={"mebench": source.versions["mebench"]},
        runs=(),
        remark=remark,
    )
