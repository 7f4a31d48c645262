"""Answers of a model behind an OpenAI-compatible address.

Such a server is vLLM or Ollama on the user's machine.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError, RunError
from mebench.lazy_imports import load_lazily
from mebench.vqa.questions import LONGEST, Row, id_of, read_questions

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

INSTRUCTION = (
    "The images are frames of one video of a face, in their order. Answer the question about the facial expression. "
    "Answer with the words that the question asks for and nothing else."
)
LARGEST = 448
"""Longer side of a sent frame in pixels; larger frames are reduced."""
GIVE_UP = 3
"""Number of consecutive failures after which the server is given up."""
MOST_BYTES = 4_000_000
"""Longer replies are refused."""


@dataclass
class AnsweringCost:
    """The cost of the answers.

    Attributes:
        asked: questions that were sent.
        kept: questions with an answer in the file already.
        refused: questions that the model refused or left empty; their answer stays empty.
        failed: questions without a usable reply of the server; they are not stored, and asked again next time.
        tokens: sum of the server's own counts; 0 if it counts none.
    """

    asked: int = 0
    kept: int = 0
    refused: int = 0
    failed: int = 0
    tokens: int = 0


def spread_positions(first: int, last: int, n: int) -> list[int]:
    """Positions of `n` frames, evenly spaced from the first to the last, both included; fewer if there are fewer
    frames.

    >>> spread_positions(10, 20, 3), spread_positions(4, 5, 8)
    ([10, 15, 20], [4, 5])
    """
    return sorted({round(float(x)) for x in np.linspace(first, last, max(n, 1))})


def query_model(
    url: str,
    model: str,
    rows: Sequence[Row],
    frames_of: Callable[[Row], Sequence[NDArray[np.uint8]]],
    out: Path,
    timeout: float = 120,
    key: str = "",
    advance: Callable[[], object] = lambda: None,
) -> AnsweringCost:
    """Ask a model each question, and keep each answer in a file at once.

    Questions whose ids are in the file are not asked again. Requests go to `<url>/chat/completions` with
    temperature 0; an answer that is longer than can be read is cut.

    Args:
        url: such as `http://localhost:8000/v1`.
        model: its name on the server.
        rows: questions.
        frames_of: the frames of a question's clip, (H, W) or (H, W, 3) RGB.
        out: the file of answers, `.jsonl`.
        timeout: seconds that one answer may take.
        key: sent as bearer token, if any.
        advance: called for each question, also for one that is kept or fails.

    Raises:
        ConfigError: the address is not valid.
        RunError: the server failed several times in a row; the message gives the number of stored answers.
    """
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"--endpoint must be an address such as http://localhost:8000/v1, not {url!r}")
    has_answers = out.exists() and out.stat().st_size > 0
    kept = {id_of(row) for row in read_questions(out)} if has_answers else set[str]()
    cost = AnsweringCost(kept=sum(id_of(row) in kept for row in rows))
    n_failed_in_a_row = 0
    server = Server(url, model, key, timeout)
    with out.open("a", encoding="utf-8", newline="\n", errors="backslashreplace") as file:
        for row in rows:
            advance()
            if id_of(row) in kept:
                continue
            images = [f"data:image/jpeg;base64,{_jpeg(frame)}" for frame in frames_of(row)]
            cost.asked += 1
            try:
                reply = server.ask(row["question"], images)
                text = reply["choices"][0]["message"].get("content") or ""
                cost.tokens += int((reply.get("usage") or {}).get("total_tokens") or 0)
                if not isinstance(text, str):
                    raise TypeError(f"its answer is {type(text).__name__}, not text")
            except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
                cost.failed += 1
                n_failed_in_a_row += 1
                if n_failed_in_a_row == GIVE_UP:
                    done = len(kept) + cost.asked - cost.failed
                    raise RunError(
                        f"{url} failed {GIVE_UP} times in a row ({_reason(error)}); {done} answers are kept in "
                        f"{out}, and the same command continues with the others"
                    ) from None
                continue
            n_failed_in_a_row = 0
            if not text.strip():
                cost.refused += 1
            text = " ".join(text.split())[:LONGEST]
            file.write(json.dumps({**row, "answer": text}, ensure_ascii=False) + "\n")
            file.flush()
    return cost


@dataclass(frozen=True)
class Server:
    """A model behind an address.

    Attributes:
        url: address of the interface, such as `http://localhost:8000/v1`.
        model: its name on the server.
        key: bearer token; empty for none.
        timeout: seconds that one answer may take.
    """

    url: str
    model: str
    key: str
    timeout: float

    def ask(self, question: str, images: Sequence[str]) -> Any:
        """The server's reply to a question about images, given as data URLs. Only its length is checked."""
        pictures = [{"type": "image_url", "image_url": {"url": image}} for image in images]
        content = [*pictures, {"type": "text", "text": f"{INSTRUCTION}\n{question}"}]
        messages = [{"role": "user", "content": content}]
        body = {"model": self.model, "temperature": 0, "max_tokens": 256, "messages": messages}
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = Request(f"{self.url.rstrip('/')}/chat/completions", json.dumps(body).encode(), headers)
        with urlopen(request, timeout=self.timeout) as response:
            data = response.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ValueError(f"its reply is longer than {MOST_BYTES:,} bytes")
        return json.loads(data)


def _jpeg(frame: NDArray[np.uint8]) -> str:
    scale = min(1.0, LARGEST / max(frame.shape[:2]))
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame
    _, data = cv2.imencode(".jpg", small[..., ::-1] if small.ndim == 3 else small)
    return base64.b64encode(data.tobytes()).decode()


def _reason(error: Exception) -> str:
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
