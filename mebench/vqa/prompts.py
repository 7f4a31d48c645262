"""Prompts as files: a name, a version and a text around each question."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mebench.errors import ConfigError, check_known
from mebench.files import read_yaml
from mebench.limits import PROMPT_LETTERS

FOLDER = Path(__file__).with_name("prompts")
DEFAULT = "plain"
PICTURES = "{pictures}"
QUESTION = "{question}"


@dataclass(frozen=True)
class Prompt:
    """A prompt.

    Attributes:
        name: its name.
        version: its version.
        text: the instruction. `{pictures}` becomes a description of the pictures, `{question}` the question, which otherwise follows.
    """

    name: str
    version: str
    text: str

    @property
    def sha256(self) -> str:
        """SHA-256 of its text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def list_facts(self) -> dict[str, str]:
        """Name, version and hash, as facts of a row."""
        return {"name": self.name, "version": self.version, "sha256": self.sha256}

    def write(self, question: str, pictures: str) -> str:
        r"""The text for a question.

        >>> Prompt("p", "1", "{pictures} Answer.").write("Who?", "One face.")
        'One face. Answer.\nWho?'
        >>> Prompt("p", "1", "{question} Be brief.").write("Who?", "One face.")
        'Who? Be brief.'
        """
        text = self.text.replace(PICTURES, pictures).strip()
        return text.replace(QUESTION, question) if QUESTION in text else f"{text}\n{question}"


def included_prompts() -> list[str]:
    """The names of the included prompts."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def read_prompt(name: str = DEFAULT) -> Prompt:
    """An included prompt by its name, or that of a file.

    Raises:
        ConfigError: there is none, or it has another form.
    """
    file = Path(name).expanduser()
    if not file.suffix:
        check_known("prompt", name, included_prompts(), "Your own is a file: --prompt FILE.yaml")
        file = FOLDER / f"{name}.yaml"
    form = "expected name, version and text, such as: {name: mine, version: 1, text: Answer briefly.}"
    try:
        content: Any = read_yaml(file)
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file} cannot be read ({type(error).__name__}: {error}): {form}") from None
    if not isinstance(content, dict) or set(content) != {"name", "version", "text"}:
        raise ConfigError(f"{file} is no prompt: {form}")
    prompt = Prompt(*(str(content[key]).strip() for key in ("name", "version", "text")))
    if not prompt.name or not prompt.text or len(prompt.text) > PROMPT_LETTERS:
        raise ConfigError(f"{file}: a prompt has a name, and a text of 1 to {PROMPT_LETTERS:,} characters")
    return prompt
