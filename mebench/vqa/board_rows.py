"""The answers to questions that a board shows: tables with columns of their own."""

from collections.abc import Sequence

from mebench.boards.guest_tables import GuestTable
from mebench.boards.row_sources import BoardFiles, RowSource
from mebench.vqa.answer_records import AnswerRecord
from mebench.vqa.question_rows import FOLDER, build_question_tables, collect_answer_records
from mebench.vqa.question_tables import guest_table


def read_rows(files: BoardFiles) -> "AnswersToQuestions":
    """The records of answers in a board's folder."""
    return AnswersToQuestions(collect_answer_records(files.find(FOLDER), files.notify))


class AnswersToQuestions(RowSource):
    """Records of answers to questions.

    Args:
        records: the records.
    """

    def __init__(self, records: Sequence[AnswerRecord]) -> None:
        self._records = records

    @property
    def is_empty(self) -> bool:
        """Whether there is no record."""
        return not self._records

    def guest_tables(self) -> list[GuestTable]:
        """A table for each set of questions."""
        return [guest_table(table) for table in build_question_tables(self._records)]
