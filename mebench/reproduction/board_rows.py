"""The rows that a board shows of public answers. What papers say of their own selection stands here, too."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mebench.boards.build import table_name
from mebench.boards.published_tables import part_of
from mebench.boards.row_scores import metrics_of, mistakes_over_seeds, single_score
from mebench.boards.row_sources import BoardFiles, RowSource
from mebench.boards.rows import BoardTable, Part, Rescored
from mebench.boards.selection_gains import SELECTED_SCORES, Gain, PrintedProgram
from mebench.errors import ConfigError, DataError
from mebench.metrics.epoch_choices import LEAKING, RULES
from mebench.metrics.score_table import ScoredPart, ScoreTable
from mebench.output.number_format import NONE
from mebench.output.terminal import format_count
from mebench.records.published import COUNTS, PublishedValue
from mebench.records.recorded_settings import scheme_in_words
from mebench.reproduction.papers import Paper, paper_cells, read_paper
from mebench.reproduction.rescore import (
    RESCORED_FOLDER,
    AnswerSet as Answers,
    RescoredSource,
    list_sources,
    read_source,
)
from mebench.score_type import Score

PAPERS = "papers"
"""The folder of a leaderboard with the papers whose tables can be run again."""
ScoredSource = tuple[RescoredSource, Mapping[str, Any]]
"""A source and its outcome."""


def read_rows(files: BoardFiles) -> "AnswersAndPapers":
    """The rescored sources and the papers in a board's folder."""
    rescored = collect_rescored(files.find(RESCORED_FOLDER), files.notify)
    folder = files.find(PAPERS)
    papers = [read_paper(folder, name) for name in list_sources(folder)]
    return AnswersAndPapers(rescored, papers, files.published)


class AnswersAndPapers(RowSource):
    """Public answers that were scored again, and papers whose own programs select on tested people.

    Args:
        rescored: the sources with their scores.
        papers: the papers.
        published: results printed by others.
    """

    def __init__(
        self, rescored: Sequence[ScoredSource], papers: Sequence[Paper], published: Sequence[PublishedValue]
    ) -> None:
        self._rescored = rescored
        self._papers = papers
        self._published = published

    @property
    def in_words(self) -> str:
        """The number of rescored sources; empty without one."""
        return f"{format_count(len(self._rescored), 'source')} rescored" if self._rescored else ""

    @property
    def is_empty(self) -> bool:
        """Whether there are no answers; a paper alone makes no row."""
        return not self._rescored

    def scored_tables(self) -> list[BoardTable]:
        """Each result as a row in its table."""
        return list(rescored_tables(self._rescored, self._published))

    def gains(self) -> list[Gain]:
        """The gains between two rules of choice on the same answers."""
        gains: list[Gain] = []
        for source, outcome in self._rescored:
            gains += _gains_of_answers(source, outcome, self._published)
        return gains

    def printed_programs(self) -> dict[str, PrintedProgram]:
        """How the programs of papers select, beside the UF1 that they print."""
        return printed_programs(self._papers, self._published)


def printed_programs(papers: Iterable[Paper], published: Sequence[PublishedValue]) -> dict[str, PrintedProgram]:
    """The UF1 over all clips that papers print, by method. The methods are those here whose program is known."""
    printed: dict[str, PrintedProgram] = {}
    for paper in papers:
        for table in paper.tables:
            for cell in paper_cells(paper, table, published):
                is_uf1_of_all = (cell.published.metric, cell.published.member) == ("uf1", "")
                if is_uf1_of_all and cell.row.program and cell.published.dataset in paper.datasets:
                    printed[cell.row.plugin] = PrintedProgram(cell.published, cell.row.program)
    return printed


def collect_rescored(folder: Path, notify: Callable[[str], object]) -> list[ScoredSource]:
    """The scored sources of a folder, sorted by name; `notify` gets one sentence for each that is left out."""
    known = []
    for name in list_sources(folder):
        again = f"mebench rescore {name} --root CLONE --write"
        try:
            source = read_source(folder, name)
            file = folder / f"{name}.json"
            outcome: Any = json.loads(file.read_text(encoding="utf-8"))
            if outcome["key"] != source.key:
                notify(f"{name} is left out: it was scored before {name}.yaml changed; score it again by {again}")
                continue
            list(rescored_tables([(source, outcome)], []))  # a damaged outcome fails here, not when all are shown
        except FileNotFoundError:
            notify(f"{name} is left out: it was not scored yet, {again}")
        except (ConfigError, DataError) as error:
            notify(f"{name} is left out: {error}")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            notify(
                f"{name} is left out: {file} is damaged ({type(error).__name__}: {error}); write it again by {again}"
            )
        else:
            known.append((source, outcome))
    return known


def rescored_tables(known: Sequence[ScoredSource], published: Sequence[PublishedValue]) -> Iterator[BoardTable]:
    """Each scored result of each source as a row. It is alone in the part of the table where it belongs."""
    for source, outcome in known:
        for answers, scored in zip(source.sets, outcome["sets"], strict=True):
            printed = [row for row in source.printed_values(answers, published) if row.metric not in COUNTS]
            for result in scored["results"]:
                comparable = printed if _is_as_in_paper(source, answers, result) else []
                for scored_part in ScoreTable.read(result["summary"]).parts():
                    task = scored_part.task
                    part = scored_part.part
                    if task == "recognition":
                        part = "members" if scored_part.member else "all clips"
                    values = _printed_values(comparable, task, part, scored_part.member)
                    row = _rescored_row(source, result, scored_part, values)
                    own_part = Part(part, metrics_of(task, part), (), rescored=(row,))
                    yield _table_of_answers(answers, task, own_part)


def _is_as_in_paper(source: RescoredSource, answers: Answers, result: Mapping[str, Any]) -> bool:
    """Whether the paper should print the score of a result: its own rules, intervals and choice."""
    is_first_choice = answers.choice is None or result.get("choice") == answers.choice.rules[0]
    return result["convention"] == source.convention and not result["later"] and is_first_choice


def _table_of_answers(answers: Answers, task: str, part: Part) -> BoardTable:
    """The table of the leaderboard in which scored answers stand."""
    scheme = answers.scheme if task != "spotting" else ""
    ids = answers.dataset, answers.protocol, scheme_in_words({"scheme": scheme})
    return BoardTable(table_name(task, *ids), task, *ids, scheme, (part,))


def _printed_values(values: Sequence[PublishedValue], task: str, part: str, member: str) -> dict[str, str]:
    """The values that a paper prints for a part, by metric; those with caveats are marked by †."""
    printed = {}
    for value in values:
        if (value.task, part_of(value), value.member) == (task, part, member):
            mark = "†" if value.caveats else ""
            printed[value.metric] = f"{value.value:.{value.digits}f}{mark}"
    return printed


def _rescored_row(
    source: RescoredSource,
    result: Mapping[str, Any],
    part: ScoredPart,
    printed: dict[str, str],
) -> Rescored:
    """One part of a result as a row.

    Args:
        source: the source.
        result: the scores, with their rules.
        part: scores of the part.
        printed: the values that the paper prints for it, by metric.
    """
    summary = result["summary"]
    return Rescored(
        method=f"{source.method} ({source.variant})" if source.variant else source.method,
        reading=_reading_in_words(source, result),
        convention=result["convention"],
        member=part.member,
        n=part.counts.scored,
        scores={metric: single_score(score) for metric, score in part.scores.items()},
        printed=printed,
        source=source.id,
        repository=source.repository,
        commit=source.commit,
        note="; ".join(source.remarks),
        curve=summary.get("curves", {}).get(part.name, ()),
        **mistakes_over_seeds([summary.get("mistakes", {}).get(part.name, {})], part.name),  # of a single seed
    )


def _reading_in_words(source: RescoredSource, result: Mapping[str, Any]) -> str:
    """The rules by which answers were read and scored, in words."""
    rule = result["convention"]
    later = result["later"]
    choice = result.get("choice")
    words = [f"{rule}, the authors' rules" if rule == source.convention else rule]
    if later:
        words.append(f"intervals {later} frames (k'/2) later")
    if choice:
        words.append(RULES[choice])
    if source.selection:
        words.append("answers sent in")
    if choice in LEAKING:
        words.append("test_selected")
    if choice is None:
        words += source.caveats
    return "; ".join(filter(None, words))


def _gains_of_answers(
    source: RescoredSource, outcome: Mapping[str, Any], known: Sequence[PublishedValue]
) -> list[Gain]:
    """The gains of public answers, one for each pair of leaking and honest rule."""
    gains = []
    for answers, scored in zip(source.sets, outcome["sets"], strict=True):
        for pair in scored.get("selection", ()):
            printed = _printed_f1(source.printed_values(answers, known), pair["part"])
            year = ""
            published = NONE
            if printed is not None:
                year = str(printed.year)
                published = f"{printed.value:.{printed.digits}f}"
            f1 = pair["f1"]
            gains.append(
                Gain(
                    method_id=source.method,
                    method=f"{source.method} ({RULES[pair['leaking']]}; honest: {RULES[pair['honest']]})",
                    settings="",
                    place=(answers.dataset, answers.protocol),
                    dataset=answers.dataset,
                    measure=SELECTED_SCORES[f"spotting.{pair['part']}.f1"],
                    year=year,
                    published=published,
                    leaking=f1["first"]["value"],
                    honest=f1["second"]["value"],
                    score=Score.from_plain(f1["difference"]),
                    candidates=f"{pair['looks']:,}",
                    seeds=NONE,
                    program=f"keeps {source.keeps}",
                )
            )
    return gains


def _printed_f1(printed: Iterable[PublishedValue], kind: str) -> PublishedValue | None:
    """The first printed F1 in spotting of a kind; None if the paper prints none."""
    for value in printed:
        if (value.task, value.kind, value.metric) == ("spotting", kind, "f1"):
            return value
    return None
