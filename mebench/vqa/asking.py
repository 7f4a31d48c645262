"""Questions put to a model, wherever it runs: what it is shown and told, and how its answers are kept."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError, DataError, RunError, check_known, refused_by_system
from mebench.files import whole_file
from mebench.grouping import split_into_batches
from mebench.lazy_imports import load_lazily
from mebench.limits import QUESTION_LETTERS
from mebench.vqa.constraints import CONSTRAINTS, text_of_reply
from mebench.vqa.prompts import Prompt, read_prompt
from mebench.vqa.questions import QuestionCells, id_of, read_questions, subject_of
from mebench.vqa.wording import meaning_of

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

LARGEST = 448
"""Longer side of a sent frame in pixels; larger frames are reduced. Strips, which are more than twice as wide as high, are not."""
GIVE_UP = 3
"""Number of consecutive failures after which the model is given up."""
PICTURES = "The images are frames of one video of a face, in their order."

Pictures = Sequence[NDArray[np.uint8]]


@dataclass
class AnsweringCost:
    """The cost of the answers.

    Attributes:
        asked: questions that were sent.
        kept: questions with an answer in the file already.
        refused: questions that the model refused or left empty; their answer stays empty.
        failed: questions without a usable reply of the server; they are not stored, and asked again next time.
        tokens: sum of the server's own counts; 0 if it counts none.
        seconds: time that the command took.
        cut: lines of the file that a killed command had left unfinished; they are removed, and asked again.
    """

    asked: int = 0
    kept: int = 0
    refused: int = 0
    failed: int = 0
    tokens: int = 0
    seconds: float = 0.0
    cut: int = 0


@dataclass(frozen=True)
class AskSettings:
    """How a model is asked.

    Attributes:
        prompt: the prompt.
        pictures: the pictures in words, for the prompt.
        temperature: 0 for the likeliest words.
        seed: seed of the server's random draws; None sends none.
        max_tokens: longest answer.
        retries: further tries after an error that may pass, such as a busy server.
        pause: seconds before the first further try; each next one waits twice as long.
        parallel: questions that are sent at a time.
        constraint: one of `constraints.CONSTRAINTS`.
        learnt: questions with true answers, from which examples are taken.
        examples: number of examples of other people before each question.
        largest: longer side of a sent picture in pixels.
    """

    prompt: Prompt = field(default_factory=read_prompt)
    pictures: str = PICTURES
    temperature: float = 0.0
    seed: int | None = None
    max_tokens: int = 256
    retries: int = 0
    pause: float = 1.0
    parallel: int = 1
    constraint: str = ""
    learnt: Sequence[QuestionCells] = ()
    examples: int = 0
    largest: int = LARGEST

    def __post_init__(self) -> None:
        check_known("constraint", self.constraint, CONSTRAINTS)
        if self.examples and not self.learnt:
            raise ConfigError("--examples needs --learn FILE.jsonl, questions with true answers to take them from")

    def list_facts(self) -> dict[str, Any]:
        """The settings as facts of a row."""
        drawn = {} if self.seed is None else {"seed": self.seed}
        constrained = {"constraint": self.constraint} if self.constraint else {}
        shown = {"examples": self.examples} if self.examples else {}
        return {
            "prompt": self.prompt.list_facts(),
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            **drawn,
            **constrained,
            **shown,
        }


@dataclass(frozen=True)
class Turn:
    """A message of a conversation with a model. No name of a file or a clip is in it.

    Attributes:
        role: `user` or `assistant`.
        text: its words.
        pictures: pictures shown before the text, (H, W) or (H, W, 3) RGB.
    """

    role: str
    text: str
    pictures: Pictures = ()


@dataclass(frozen=True)
class AskedQuestion:
    """A question with all that a model gets.

    Attributes:
        row: the question.
        turns: answered examples, if any, then the question.
    """

    row: QuestionCells
    turns: Sequence[Turn]


@dataclass(frozen=True)
class Reply:
    """A reply of a server.

    Attributes:
        text: the answer in one line; empty for a refusal.
        tokens: the server's count of tokens.
        fault: why there is no answer; empty if there is one.
    """

    text: str = ""
    tokens: int = 0
    fault: str = ""


class Answerer(Protocol):
    """A model that answers questions."""

    @property
    def place(self) -> str:
        """Its address or folder, for messages."""
        ...

    def answer(self, asked: Sequence[AskedQuestion]) -> Iterable[Reply]:
        """A reply to each of some questions, in their order."""
        ...


def ask_questions(
    model: Answerer,
    rows: Sequence[QuestionCells],
    pictures_of: Callable[[QuestionCells], Pictures],
    out: Path,
    settings: AskSettings,
    advance: Callable[[], object] = lambda: None,
    account: Callable[[AnsweringCost], object] = lambda cost: None,
) -> AnsweringCost:
    """Ask a model each question, and keep each answer in a file at once.

    Questions whose ids are in the file are not asked again.

    Args:
        model: the model.
        rows: questions.
        pictures_of: the pictures of a question's clip, (H, W) or (H, W, 3) RGB.
        out: the file of answers, `.jsonl`.
        settings: how the model is asked.
        advance: called for each question, also for one that is kept or fails.
        account: gets the cost so far, after the answers that it paid for are stored.

    Raises:
        RunError: the model failed several times in a row; the message gives the number of stored answers.
    """
    started = time.monotonic()
    cost = AnsweringCost(cut=_remove_half_line(out))
    has_answers = out.exists() and out.stat().st_size > 0
    kept = {id_of(row) for row in read_questions(out)} if has_answers else set[str]()
    cost.kept = sum(id_of(row) in kept for row in rows)
    for _ in range(cost.kept):
        advance()
    open_rows = [row for row in rows if id_of(row) not in kept]
    n_failed_in_a_row = 0
    with out.open("a", encoding="utf-8", newline="\n", errors="backslashreplace") as file:
        for batch in split_into_batches(open_rows, settings.parallel):
            asked = [AskedQuestion(row, _turns(row, pictures_of, settings)) for row in batch]
            reason = ""
            for row, reply in zip(batch, model.answer(asked)):
                advance()
                cost.asked += 1
                cost.tokens += reply.tokens
                n_failed_in_a_row = n_failed_in_a_row + 1 if reply.fault else 0
                if reply.fault:
                    cost.failed += 1
                    reason = reply.fault
                    continue
                cost.refused += not reply.text
                file.write(json.dumps({**row, "answer": reply.text}, ensure_ascii=False) + "\n")
                file.flush()
            cost.seconds = time.monotonic() - started
            account(cost)
            if n_failed_in_a_row >= GIVE_UP:
                done = len(kept) + cost.asked - cost.failed
                raise RunError(
                    f"{model.place} failed {n_failed_in_a_row} times in a row ({reason}); {done} answers are kept in "
                    f"{out}, and the same command continues with the others"
                ) from None
    return cost


def _remove_half_line(out: Path) -> int:
    """Remove a last line that a killed command has not finished; the number of such lines."""
    if not out.is_file():
        return 0
    with refused_by_system(f"{out} cannot be continued"):
        data = out.read_bytes()
        whole, _, last = data.rpartition(b"\n")
        if not last.strip():
            return 0
        try:
            json.loads(last)
        except ValueError:
            _replace(out, whole + b"\n" if whole else b"")
            return 1
        _replace(out, data + b"\n")
    return 0


def _replace(file: Path, content: bytes) -> None:
    """Replace a file of answers as a whole."""
    with whole_file(file) as writing:
        writing.write_bytes(content)


def _turns(row: QuestionCells, pictures_of: Callable[[QuestionCells], Pictures], settings: AskSettings) -> list[Turn]:
    """The turns of a conversation: examples of other people with their answers, then the question."""
    turns: list[Turn] = []
    if settings.examples:
        for example in choose_examples(row, settings.learnt, settings.examples):
            turns.append(_ask(example, pictures_of, settings))
            turns.append(Turn("assistant", example["answer"]))
    return [*turns, _ask(row, pictures_of, settings)]


def _ask(row: QuestionCells, pictures_of: Callable[[QuestionCells], Pictures], settings: AskSettings) -> Turn:
    """The turn that asks one question."""
    pictures = [reduce_picture(picture, settings.largest) for picture in pictures_of(row)]
    return Turn("user", settings.prompt.write(row["question"], settings.pictures), pictures)


def reduce_picture(picture: NDArray[np.uint8], largest: int) -> NDArray[np.uint8]:
    """A picture whose longer side has at most so many pixels; a strip, more than twice as wide as high, stays as it is.

    >>> reduce_picture(np.zeros((600, 900, 3), np.uint8), 300).shape, reduce_picture(np.zeros((9, 27), np.uint8), 5).shape
    ((200, 300, 3), (9, 27))
    """
    height, width = picture.shape[:2]
    is_strip = width > 2 * height
    scale = largest / max(height, width)
    if is_strip or scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def choose_examples(row: QuestionCells, learnt: Sequence[QuestionCells], n: int) -> list[QuestionCells]:
    """Questions of the same kind about other people, with true answers: as many different answers as there are, then in order.

    The person of the question is never among them.
    """
    kind = meaning_of(row["question"]).kind
    person = subject_of(row)
    candidates = [
        one
        for one in learnt
        if meaning_of(one["question"]).kind == kind and subject_of(one) != person and one.get("answer", "").strip()
    ]
    first_of = {one["answer"].lower(): one for one in reversed(candidates)}
    distinct = [one for one in candidates if one in first_of.values()]
    others = [one for one in candidates if one not in distinct]
    chosen = [*distinct, *others][:n]
    if len(chosen) < n:
        raise DataError(f"--examples {n}: only {len(chosen)} questions of the kind {kind!r} are about other people")
    return chosen


def reply_of_choice(choice: Mapping[str, Any], tokens: int, settings: AskSettings, question: str) -> Reply:
    """The reply in a choice, in the form of OpenAI's interface.

    Args:
        choice: the choice.
        tokens: number of tokens of question and answer.
        settings: how the model was asked.
        question: the question.

    Raises:
        TypeError: its content is no text.
        KeyError: likelihoods are missing.
        ValueError: it does not keep to the schema.
    """
    text = text_of_reply(choice, settings.constraint, question) or ""
    if not isinstance(text, str):
        raise TypeError(f"its answer is {type(text).__name__}, not text")
    return Reply(" ".join(text.split())[:QUESTION_LETTERS], tokens)
