"""Answers of a model behind an OpenAI-compatible address.

Such a server is vLLM, llama.cpp or Ollama on the user's machine.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError, DataError, RunError, check_known, refused_by_system
from mebench.lazy_imports import load_lazily
from mebench.vqa.answer_facts import address_without_keys, holds_keys
from mebench.vqa.constraints import CONSTRAINTS, request_fields, text_of_reply
from mebench.vqa.prompts import Prompt, read_prompt
from mebench.vqa.questions import LONGEST, Row, id_of, read_questions, subject_of
from mebench.vqa.wording import meaning_of

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

LARGEST = 448
"""Longer side of a sent frame in pixels; larger frames are reduced. Strips, which are more than twice as wide as high, are not."""
GIVE_UP = 3
"""Number of consecutive failures after which the server is given up."""
MOST_BYTES = 4_000_000
"""Longer replies are refused."""
PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""The HTTP errors after which a request is tried again."""
LONGEST_PAUSE = 60.0
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
    learnt: Sequence[Row] = ()
    examples: int = 0
    largest: int = LARGEST

    def __post_init__(self) -> None:
        check_known("constraint", self.constraint, CONSTRAINTS)
        if self.examples and not self.learnt:
            raise ConfigError("--examples needs --learn FILE.jsonl, questions with true answers to take them from")

    def facts(self) -> dict[str, Any]:
        """The settings as facts of a row."""
        drawn = {} if self.seed is None else {"seed": self.seed}
        constrained = {"constraint": self.constraint} if self.constraint else {}
        shown = {"examples": self.examples} if self.examples else {}
        return {
            "prompt": self.prompt.facts(),
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            **drawn,
            **constrained,
            **shown,
        }


def query_model(
    url: str,
    model: str,
    rows: Sequence[Row],
    frames_of: Callable[[Row], Pictures],
    out: Path,
    timeout: float = 120,
    key: str = "",
    advance: Callable[[], object] = lambda: None,
    settings: AskSettings | None = None,
    account: Callable[[AnsweringCost], object] = lambda cost: None,
) -> AnsweringCost:
    """Ask a model each question, and keep each answer in a file at once.

    Questions whose ids are in the file are not asked again. Requests go to `<url>/chat/completions`; an answer that is longer than
    can be read is cut.

    Args:
        url: such as `http://localhost:8000/v1`.
        model: its name on the server.
        rows: questions.
        frames_of: the pictures of a question's clip, (H, W) or (H, W, 3) RGB.
        out: the file of answers, `.jsonl`.
        timeout: seconds that one answer may take.
        key: sent as bearer token, if any.
        advance: called for each question, also for one that is kept or fails.
        settings: how the model is asked; by default with the included prompt.
        account: gets the cost so far, after the answers that it paid for are stored.

    Raises:
        ConfigError: the address is not valid.
        RunError: the server failed several times in a row; the message gives the number of stored answers.
    """
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"--endpoint must be an address such as http://localhost:8000/v1, not {url!r}")
    if holds_keys(url):
        raise ConfigError(
            f"the address {address_without_keys(url)} holds a user, a query or a fragment, where a key may stand: put a key into "
            "$MEBENCH_ENDPOINT_KEY, and nothing of it into the address"
        )
    asked_by = settings or AskSettings()
    started = time.monotonic()
    cost = AnsweringCost(cut=_remove_half_line(out))
    has_answers = out.exists() and out.stat().st_size > 0
    kept = {id_of(row) for row in read_questions(out)} if has_answers else set[str]()
    cost.kept = sum(id_of(row) in kept for row in rows)
    for _ in range(cost.kept):
        advance()
    open_rows = [row for row in rows if id_of(row) not in kept]
    server = Server(url, model, key, timeout, asked_by)
    n_failed_in_a_row = 0
    with (
        out.open("a", encoding="utf-8", newline="\n", errors="backslashreplace") as file,
        ThreadPoolExecutor(asked_by.parallel) as pool,
    ):
        for batch in _batches(open_rows, asked_by.parallel):
            requests = [(row, _messages(row, frames_of, asked_by)) for row in batch]
            reason = ""
            for row, reply in zip(batch, pool.map(lambda request: server.try_ask(*request), requests)):
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
                    f"{url} failed {n_failed_in_a_row} times in a row ({reason}); {done} answers are kept in "
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
            out.write_bytes(whole + b"\n" if whole else b"")
            return 1
        out.write_bytes(data + b"\n")
    return 0


def _batches(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """The rows, so many at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def choose_examples(row: Row, learnt: Sequence[Row], n: int) -> list[Row]:
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


def _messages(row: Row, frames_of: Callable[[Row], Pictures], settings: AskSettings) -> list[dict[str, Any]]:
    """The messages of a request: examples of other people with their answers, then the question."""
    messages: list[dict[str, Any]] = []
    if settings.examples:
        for example in choose_examples(row, settings.learnt, settings.examples):
            messages.append({"role": "user", "content": _content(example, frames_of(example), settings)})
            messages.append({"role": "assistant", "content": example["answer"]})
    return [*messages, {"role": "user", "content": _content(row, frames_of(row), settings)}]


def _content(row: Row, pictures: Pictures, settings: AskSettings) -> list[dict[str, Any]]:
    """Pictures and text of one question. No name of a file or a clip is among them."""
    images = [
        {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{_jpeg(one, settings.largest)}"}}
        for one in pictures
    ]
    return [*images, {"type": "text", "text": settings.prompt.write(row["question"], settings.pictures)}]


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


@dataclass(frozen=True)
class Server:
    """A model behind an address.

    Attributes:
        url: address of the interface, such as `http://localhost:8000/v1`.
        model: its name on the server.
        key: bearer token; empty for none.
        timeout: seconds that one answer may take.
        settings: how it is asked.
    """

    url: str
    model: str
    key: str
    timeout: float
    settings: AskSettings

    def try_ask(self, row: Row, messages: Sequence[dict[str, Any]]) -> Reply:
        """The reply to a question, after as many tries as the settings allow."""
        reply = Reply()
        pause = self.settings.pause
        for n_tried in range(self.settings.retries + 1):
            if n_tried:
                time.sleep(min(pause, LONGEST_PAUSE))
                pause *= 2
            try:
                return self._read(self.ask(row, messages), row)
            except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
                reply = Reply(fault=_reason(error))
                if isinstance(error, HTTPError) and error.code not in PASSING:
                    break
        return reply

    def _read(self, reply: Any, row: Row) -> Reply:
        """The text and the tokens of a reply."""
        text = text_of_reply(reply["choices"][0], self.settings.constraint, row["question"]) or ""
        if not isinstance(text, str):
            raise TypeError(f"its answer is {type(text).__name__}, not text")
        tokens = int((reply.get("usage") or {}).get("total_tokens") or 0)
        return Reply(" ".join(text.split())[:LONGEST], tokens)

    def ask(self, row: Row, messages: Sequence[dict[str, Any]]) -> Any:
        """The server's reply to messages. Only its length and its time are checked."""
        settings = self.settings
        body = {
            "model": self.model,
            "temperature": settings.temperature,
            "max_tokens": settings.max_tokens,
            "messages": messages,
            **({} if settings.seed is None else {"seed": settings.seed}),
            **request_fields(settings.constraint, row["question"]),
        }
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = Request(f"{self.url.rstrip('/')}/chat/completions", json.dumps(body).encode(), headers)
        return json.loads(self._receive(request))

    def _receive(self, request: Request) -> bytes:
        """The body of a response, within the time for one answer, however slowly it comes."""
        deadline = time.monotonic() + self.timeout
        parts: list[bytes] = []
        size = 0
        with closing(urlopen(request, timeout=self.timeout)) as response:
            for part in iter(partial(response.read1, 1 << 16), b""):
                parts.append(part)
                size += len(part)
                if size > MOST_BYTES:
                    raise ValueError(f"its reply is longer than {MOST_BYTES:,} bytes")
                if time.monotonic() > deadline:
                    raise TimeoutError
        return b"".join(parts)


def _jpeg(frame: NDArray[np.uint8], largest: int) -> str:
    """A picture as JPEG in base64. Large ones are reduced, except strips."""
    height, width = frame.shape[:2]
    is_strip = width > 2 * height
    scale = 1.0 if is_strip else min(1.0, largest / max(height, width))
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame
    _, data = cv2.imencode(".jpg", small[..., ::-1] if small.ndim == 3 else small)
    return base64.b64encode(data.tobytes()).decode()


def _reason(error: Exception) -> str:
    """Why a request failed, for the user."""
    if isinstance(error, HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, TimeoutError) or (isinstance(error, URLError) and isinstance(error.reason, TimeoutError)):
        return "no answer in time"
    if isinstance(error, URLError):
        return str(error.reason)
    return (
        f"its reply is not a chat completion: {error}"
        if isinstance(error, KeyError | IndexError | ValueError)
        else str(error)
    )
