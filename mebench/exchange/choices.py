"""What a user decides of the columns of files: which one holds what, and which rows count."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

from mebench.annotations.names import ALIASES, plain_name
from mebench.errors import ConfigError, unknown

Side = Literal["predictions", "truth"]
SIDES: tuple[Side, ...] = ("predictions", "truth")
Words = Mapping[str, object] | Sequence[str]
"""`{"emotion": "predict"}`, or the words of the command line, `["emotion=predict"]`."""


@dataclass(frozen=True)
class Choice:
    """One decision.

    Attributes:
        name: content of the column; or the column that chooses rows.
        value: the name of the column; or the cell that chosen rows have.
        side: the file that it is about; empty for every file that has the column.
    """

    name: str
    value: str
    side: str = ""

    def is_about(self, role: str) -> bool:
        """Whether it may be about a file of this role; frame scores are predictions."""
        side = "truth" if role == "truth" else "predictions"
        return self.side in ("", side)


@dataclass(frozen=True)
class Choices:
    """The decisions about the files of one command.

    Attributes:
        columns: names of columns by their content, as `--column emotion=predict` says.
        where: rows that count, as `--where seed=0` says.
    """

    columns: tuple[Choice, ...] = field(default=())
    where: tuple[Choice, ...] = field(default=())

    @classmethod
    def of(cls, columns: Words = (), where: Words = ()) -> Self:
        """The decisions of a user.

        Args:
            columns: a column of the predictions by what it holds; `truth.emotion` is about the truth.
            where: the cell of a column that the rows have which count, in every file with this column.

        Raises:
            ConfigError: a word is no pair, or names nothing that a column can hold.
        """
        chosen = []
        for choice in _pairs("--column", columns):
            if choice.name not in ALIASES:
                raise ConfigError(f"--column: {unknown('content of a column', choice.name, ALIASES)}")
            chosen.append(Choice(choice.name, choice.value, choice.side or "predictions"))
        return cls(tuple(chosen), tuple(_pairs("--where", where)))

    @property
    def decide_truth(self) -> bool:
        """Whether one of them is about the truth alone."""
        return any(choice.side == "truth" for choice in (*self.columns, *self.where))

    @property
    def decide_answers(self) -> bool:
        """Whether one of them is about the predictions."""
        return any(choice.side != "truth" for choice in (*self.columns, *self.where))

    def column_of(self, name: str, role: str) -> str | None:
        """The column that the user names for a content; None if there is none."""
        named = [choice.value for choice in self.columns if choice.name == name and choice.is_about(role)]
        return named[-1] if named else None


NO_CHOICES = Choices()


def find_header(headers: Sequence[str], name: str) -> int | None:
    """The position of the column that a user names: as it is written, else without case and signs; None if there is none.

    >>> find_header(["video", "Pred Class"], "pred_class"), find_header(["video"], "seed")
    (1, None)
    """
    if name in headers:
        return headers.index(name)
    plain = [plain_name(header) for header in headers]
    return plain.index(plain_name(name)) if plain_name(name) and plain_name(name) in plain else None


def same_cell(cell: str, value: str) -> bool:
    """Whether a cell is the one that a user names: as text, or as a number.

    >>> same_cell("0.50", "0.5"), same_cell("Anna ", "anna"), same_cell("01", "1"), same_cell("a", "b")
    (True, True, True, False)
    """
    if cell.strip().casefold() == value.strip().casefold():
        return True
    try:
        return float(cell) == float(value)
    except ValueError:
        return False


def _pairs(option: str, words: Words) -> Iterable[Choice]:
    """The pairs of an option.

    Raises:
        ConfigError: a word is none.
    """
    given = [f"{name}={value}" for name, value in words.items()] if isinstance(words, Mapping) else [*words]
    for word in given:
        name, sign, value = word.partition("=")
        side = next((side for side in SIDES if name.startswith(f"{side}.")), "")
        plain = name.removeprefix(f"{side}.") if side else name
        if not sign or not plain.strip() or not value.strip():
            raise ConfigError(f"{option} needs NAME=VALUE, such as {_EXAMPLES[option]}, not {word!r}")
        yield Choice(plain.strip(), value.strip(), side)


_EXAMPLES = {"--column": "emotion=predict", "--where": "seed=0"}
