"""The facts about a file of answers, in a file beside it: who answered, what was seen, the prompt, and the costs."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mebench.atomic import replace_file
from mebench.errors import ConfigError, DataError, refused_by_system
from mebench.files import file_hash, read_plain
from mebench.limits import ANSWER_FACTS_BYTES

COSTS = ("asked", "refused", "failed", "tokens", "seconds")
"""Facts that add up when an interrupted command continues; all others must stay the same."""
KINDS = {"see": list, "pictures": int, "windows": int, "size": int, "apex": str, "floor": str, "card": dict}
"""Facts that say what was seen, and the kinds of their values."""
OF_MODEL = frozenset({".json", ".safetensors", ".jinja", ".model", ".txt", ".tiktoken", ".gguf"})
"""The endings of files in a model's folder that decide its answers: weights, settings, tokenizer and template."""


def facts_file(answers: Path) -> Path:
    """The file of facts beside a file of answers.

    >>> facts_file(Path("a/answers.jsonl")).as_posix()
    'a/answers.about.json'
    """
    return answers.with_name(f"{answers.stem}.about.json")


def read_facts(answers: Path) -> dict[str, Any]:
    """The facts beside a file of answers; empty without such a file.

    Raises:
        DataError: the file is damaged.
    """
    file = facts_file(answers)
    if not file.exists():
        return {}
    with refused_by_system(f"cannot read {file}"):
        data = read_plain(file, ANSWER_FACTS_BYTES)
    try:
        facts = json.loads(data)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or _has_other_kinds(facts):
        raise DataError(f"{file} is damaged: remove it, or answer the questions again into another file")
    return facts


def _has_other_kinds(facts: Mapping[str, Any]) -> bool:
    """Whether a fact about what was seen is no value of its kind."""
    return any(name in facts and not isinstance(facts[name], kind) for name, kind in KINDS.items())


def write_facts(answers: Path, facts: Mapping[str, Any]) -> None:
    """Write the facts beside a file of answers.

    Raises:
        DataError: the file cannot be written.
    """
    file = facts_file(answers)
    with refused_by_system(f"{file} cannot be written"):
        replace_file(file, json.dumps(facts, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def continue_facts(answers: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a file of answers that a command begins or continues.

    Raises:
        ConfigError: the file was begun in another way, so that its answers would be mixed.
    """
    former = read_facts(answers)
    has_answers = answers.exists() and answers.stat().st_size > 0
    if not former or not has_answers:
        return {**dict.fromkeys(COSTS, 0), **facts}
    for name, value in json.loads(json.dumps(dict(facts))).items():
        if former.get(name) != value:
            raise ConfigError(
                f"{answers} was begun with another {name.replace('_', ' ')} ({former.get(name)!r}, now {value!r}), so answers would "
                "be mixed: choose another file with -o"
            )
    return former


def add_costs(former: Mapping[str, Any], paid: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with the costs of a command added to those before it.

    >>> add_costs({"model": "m", "tokens": 5, "seconds": 1.0}, {"tokens": 2, "seconds": 0.25, "kept": 3})
    {'model': 'm', 'tokens': 7, 'seconds': 1.25}
    """
    added = {name: round(former.get(name, 0) + paid[name], 3) for name in COSTS if name in paid}
    return {**former, **added}


def hash_of_weights(place: Path) -> str:
    """SHA-256 of a model's file or folder.

    A folder's is that of the names and hashes of the files that decide the model's answers.

    Raises:
        DataError: it cannot be read.
    """
    with refused_by_system(f"cannot read {place}"):
        if not place.is_dir():
            return file_hash(place)
        files = sorted(file for file in place.iterdir() if file.is_file() and file.suffix in OF_MODEL)
        listed = [f"{file.name} {file_hash(file)}\n" for file in files]
        return hashlib.sha256("".join(listed).encode()).hexdigest()


def holds_keys(url: str) -> bool:
    """Whether an address has a part in which a key may stand: a user, a query or a fragment.

    >>> holds_keys("https://me:secret@host/v1"), holds_keys("https://host/v1?key=x"), holds_keys("http://[::1]:8000/v1")
    (True, True, False)
    """
    parts = urlsplit(url)
    return "@" in parts.netloc or bool(parts.query or parts.fragment)


def address_without_keys(url: str) -> str:
    """An address without user, password, query and fragment, where keys may stand.

    >>> address_without_keys("https://me:secret@host:8000/v1?key=x#y")
    'https://host:8000/v1'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
