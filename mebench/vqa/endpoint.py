"""Answers of a model behind an OpenAI-compatible address.

Such a server is vLLM, llama.cpp or Ollama on the user's machine.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError
from mebench.lazy_imports import load_lazily
from mebench.limits import REPLY_BYTES
from mebench.vqa.answer_facts import address_without_keys, holds_keys
from mebench.vqa.asking import (
    AnsweringCost,
    AskedQuestion,
    AskSettings,
    Pictures,
    Reply,
    Turn,
    ask_questions,
    reply_of_choice,
)
from mebench.vqa.constraints import request_fields
from mebench.vqa.questions import QuestionCells

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""The HTTP errors after which a request is tried again."""
LONGEST_PAUSE = 60.0
KEY = "[key]"
"""Stands for the key where a server repeats it."""


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect, which would take the key and the question to another address."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """No further request."""
        return


_OPENER = build_opener(_NoRedirect)


def query_model(
    url: str,
    model: str,
    rows: Sequence[QuestionCells],
    frames_of: Callable[[QuestionCells], Pictures],
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
    with ThreadPoolExecutor(asked_by.parallel) as pool:
        server = Server(url, model, key, timeout, asked_by, pool)
        return ask_questions(server, rows, frames_of, out, asked_by, advance, account)


@dataclass(frozen=True)
class Server:
    """A model behind an address.

    Attributes:
        url: address of the interface, such as `http://localhost:8000/v1`.
        model: its name on the server.
        key: bearer token; empty for none.
        timeout: seconds that one answer may take.
        settings: how it is asked.
        pool: threads, one for each question that is sent at a time.
    """

    url: str
    model: str
    key: str
    timeout: float
    settings: AskSettings
    pool: ThreadPoolExecutor

    @property
    def place(self) -> str:
        """Its address."""
        return self.url

    def answer(self, asked: Sequence[AskedQuestion]) -> Iterator[Reply]:
        """A reply to each of some questions, which are sent together."""
        requests = [(one.row, [_message(turn) for turn in one.turns]) for one in asked]
        return self.pool.map(lambda request: self.try_ask(*request), requests)

    def try_ask(self, row: QuestionCells, messages: Sequence[dict[str, Any]]) -> Reply:
        """The reply to a question, after as many tries as the settings allow; without the key, if the server repeats it."""
        reply = self._try(row, messages)
        if not self.key:
            return reply
        return replace(reply, text=reply.text.replace(self.key, KEY), fault=reply.fault.replace(self.key, KEY))

    def _try(self, row: QuestionCells, messages: Sequence[dict[str, Any]]) -> Reply:
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

    def _read(self, reply: Any, row: QuestionCells) -> Reply:
        """The text and the tokens of a reply."""
        tokens = int((reply.get("usage") or {}).get("total_tokens") or 0)
        return reply_of_choice(reply["choices"][0], tokens, self.settings, row["question"])

    def ask(self, row: QuestionCells, messages: Sequence[dict[str, Any]]) -> Any:
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
        with closing(_OPENER.open(request, timeout=self.timeout)) as response:
            for part in iter(partial(response.read1, 1 << 16), b""):
                parts.append(part)
                size += len(part)
                if size > REPLY_BYTES:
                    raise ValueError(f"its reply is longer than {REPLY_BYTES:,} bytes")
                if time.monotonic() > deadline:
                    raise TimeoutError
        return b"".join(parts)


def _message(turn: Turn) -> dict[str, Any]:
    """A turn of a conversation in the form of the interface."""
    if turn.role != "user":
        return {"role": turn.role, "content": turn.text}
    images = [
        {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{_jpeg(picture)}"}}
        for picture in turn.pictures
    ]
    return {"role": turn.role, "content": [*images, {"type": "text", "text": turn.text}]}


def _jpeg(picture: NDArray[np.uint8]) -> str:
    """A picture as JPEG in base64."""
    _, data = cv2.imencode(".jpg", picture[..., ::-1] if picture.ndim == 3 else picture)
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
