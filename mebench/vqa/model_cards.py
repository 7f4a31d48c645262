"""What a model's card says of its training data: which public questions and clips of faces the model saw.

A card is the README.md beside a model's weights, with `datasets` and `base_model` before its text, as on Hugging Face.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mebench.errors import DataError, refused_by_system
from mebench.files import load_yaml, read_plain
from mebench.limits import MODEL_CARD_BYTES

CARD = "README.md"
MOST_SENTENCES, LONGEST_SENTENCE = 20, 300
UNKNOWN = "unknown"
"""Training data of which nobody says what it is."""
NAMES: Mapping[str, tuple[str, ...]] = {
    r"me[_-]vqa[_-]samm\w*|\bME-?VQA\b|\bMEGC[\s-]?(?:20)?2[56]\b": ("casme2", "samm", "smic"),
    r"me[_-]lvqa[_-]samm[_-]casme3\w*|\bME-?LVQA\b": ("samm_lv", "casme3"),
    r"\bCASME[\s_-]?(?:II|2)(?![a-z\d])": ("casme2",),
    r"\bCAS\s?\(ME\)\s?\^?\s?(?:2|²)|\bCAS[\s_-]ME[\s_-]?2\b": ("cas_me2",),
    r"\bCAS\s?\(ME\)\s?\^?\s?(?:3|³)|\bCAS[\s_-]ME[\s_-]?3\b|\bCASME[\s_-]?(?:III|3)(?![a-z\d])": ("casme3",),
    r"\bSAMM[\s_-]?(?:LV|Long)": ("samm_lv",),
    r"\bSAMM(?![a-z\d])(?![\s_-]?(?:LV|Long))": ("samm",),
    r"\bSMIC(?![a-z\d])": ("smic",),
    r"\bMMEW(?![a-z\d])": ("mmew",),
    r"\bDFME(?![a-z\d])": ("dfme",),
    r"\b4DME(?![a-z\d])": ("four_dme",),
    r"\bMEVIEW(?![a-z\d])": ("meview",),
}
"""The clips behind each name of a dataset of micro-expressions, and of a public file of questions."""
_TRAINED = re.compile(
    r"\b(?:pre-?|post-?|fine-?)?(?:train(?:ed|ing)?|tun(?:ed|ing))\b|\blearn(?:ed|t)\b|\binstruction data\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|never|no|without|none|neither|nor|exclud\w+|held[\s-]out|unseen|zero-?shot|evaluat\w+|benchmark\w*|test(?:ed|ing)?|compar\w+)\b|n't\b",
    re.IGNORECASE,
)
"""Words after which a name in a sentence on training may be what was not trained on."""


@dataclass(frozen=True)
class ModelCard:
    """A model's card.

    Attributes:
        sha256: SHA-256 of its file.
        datasets: training data that it lists before its text.
        bases: models from which the model was made, whose own training data stand on their cards.
        saw: datasets of this field whose clips or questions it names as training data, by id.
        sentences: sentences that name a dataset of this field, whether as training data or not.
    """

    sha256: str
    datasets: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    saw: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()

    def list_facts(self) -> dict[str, Any]:
        """The card as facts of a row."""
        known = {
            "datasets": list(self.datasets),
            "bases": list(self.bases),
            "saw": list(self.saw),
            "sentences": list(self.sentences),
        }
        return {"sha256": self.sha256, **{name: value for name, value in known.items() if value}}


def read_model_card(file: Path) -> ModelCard:
    """A model's card.

    Raises:
        DataError: it cannot be read, or what stands before its text is no YAML.
    """
    with refused_by_system(f"cannot read the model's card {file}"):
        data = read_plain(file, MODEL_CARD_BYTES)
    try:
        front, text = split_front_matter(data.decode("utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(
            f"{file} is no model's card ({type(error).__name__}): expected Markdown in UTF-8, with YAML between two lines --- before "
            "the text, if any"
        ) from None
    listed = _names_in(front.get("datasets"))
    bases = _names_in(front.get("base_model"))
    found = list(_sentences_with_names(text))
    said = [sentence for sentence, is_of_training in found if is_of_training]
    saw = {one for words in (*listed, *said) for one in clips_named_in(words)}
    return ModelCard(
        hashlib.sha256(data).hexdigest(),
        listed,
        bases,
        tuple(sorted(saw)),
        tuple(sentence[:LONGEST_SENTENCE] for sentence, _ in found[:MOST_SENTENCES]),
    )


def split_front_matter(text: str) -> tuple[Mapping[str, Any], str]:
    r"""The fields before a card's text, and the text.

    Raises:
        yaml.YAMLError: they are no YAML.

    >>> split_front_matter("---\ndatasets: [a/b]\n---\n# Model\n")
    ({'datasets': ['a/b']}, '# Model\n')
    """
    parts = re.split(r"^---[ \t]*$\n?", text.lstrip("\ufeff").replace("\r\n", "\n"), maxsplit=2, flags=re.MULTILINE)
    if len(parts) < 3 or parts[0].strip():
        return {}, text
    front = load_yaml(parts[1])
    return (front if isinstance(front, dict) else {}), parts[2]


def _names_in(value: Any) -> tuple[str, ...]:
    """The names in a field, which may hold one or a list."""
    listed = value if isinstance(value, list) else [value]
    names = [" ".join(str(name).split())[:LONGEST_SENTENCE] for name in listed if isinstance(name, str | int)]
    return tuple(name.replace(",", " ") for name in names if name)[:MOST_SENTENCES]


def clips_named_in(words: str) -> list[str]:
    """The datasets of micro-expressions that words name, by id.

    >>> clips_named_in("CASME II and CAS(ME)^2, SAMM-LV"), clips_named_in("me_vqa_samm_casme2_smic_v2.jsonl")
    (['casme2', 'cas_me2', 'samm_lv'], ['casme2', 'samm', 'smic'])
    """
    found = [clips for pattern, clips in NAMES.items() if re.search(pattern, words, re.IGNORECASE)]
    return list(dict.fromkeys(clip for clips in found for clip in clips))


def _sentences_with_names(text: str) -> Iterator[tuple[str, bool]]:
    """The sentences that name a dataset of this field, and whether as training data."""
    heading = ""
    for line in text.splitlines():
        plain = re.sub(r"[*`>|]|<[^>]{0,200}>", " ", line).strip()
        if plain.startswith("#"):
            heading = plain.lstrip("# ")
        for sentence in re.split(r"(?<=[.!?;])\s+", " ".join(plain.split())):
            if clips_named_in(sentence):
                stands_under_training = bool(_TRAINED.search(heading)) and not _DENIED.search(heading)
                speaks_of_training = bool(_TRAINED.search(sentence)) or stands_under_training
                yield sentence, speaks_of_training and not _DENIED.search(sentence)


def trained_on_by_card(card: Any) -> str:
    """The training data that a card's facts name, separated by commas; with `unknown` where they do not tell all.

    A card without a list tells nothing; one that names another model as its base leaves that one's data open.

    >>> trained_on_by_card({"datasets": ["a/b"]}), trained_on_by_card({"datasets": ["a/b"], "bases": ["c/d"]})
    ('a/b', 'a/b, unknown')
    >>> trained_on_by_card(None), trained_on_by_card({"saw": ["samm"]})
    ('unknown', 'samm, unknown')
    """
    listed = names_in_card(card, "datasets")
    saw = names_in_card(card, "saw")
    is_open = not listed or bool(names_in_card(card, "bases"))
    return ", ".join([*dict.fromkeys([*saw, *listed]), *([UNKNOWN] if is_open else [])])


def names_in_card(card: Any, field: str) -> list[str]:
    """The names in a field of a card's facts, which may be a stranger's; empty without them."""
    names = card.get(field) if isinstance(card, Mapping) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def card_in_words(card: Any) -> str:
    """What a model's card says of its training data, in words; empty without a card.

    >>> card_in_words({"sha256": "0", "saw": ["casme2"], "bases": ["a/b"]})
    'its card names casme2 as training data, lists no data, and leaves open what a/b saw'
    """
    if not isinstance(card, Mapping) or not card:
        return ""
    saw, listed, bases = (names_in_card(card, field) for field in ("saw", "datasets", "bases"))
    parts = [
        f"names {', '.join(saw) or 'no micro-expressions'} as training data",
        f"lists {', '.join(listed) or 'no data'}",
        *([f"leaves open what {', '.join(bases)} saw"] if bases else []),
    ]
    return f"its card {', '.join(parts[:-1])}{',' if len(parts) > 2 else ''} and {parts[-1]}"
