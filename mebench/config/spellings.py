"""Usual spellings of databases and methods: each leads to one plugin, and never to another database."""

import re
from collections.abc import Collection, Iterable, Mapping


def usual_id(word: str, spellings: Mapping[str, Collection[str]]) -> str | None:
    """The id that a word spells, or None; a known id is itself.

    Args:
        word: name as a user writes it; capitals, blanks, hyphens and full stops do not count.
        spellings: by each known id, its further spellings as its `config.yaml` has them, in small letters.

    >>> known = {"casme": (), "casme2": ("casmeii",), "cas_me2": ("cas(me)^2",), "samm": (), "samm_lv": ()}
    >>> [usual_id(word, known) for word in ("casmeii", "CASME II", "CAS(ME)²", "CAS-ME2", "SAMM-LV", "Casme-2", "casme4")]
    ['casme2', 'casme2', 'cas_me2', 'cas_me2', 'samm_lv', 'casme2', None]
    """
    if word in spellings:
        return word
    plain = word.strip().casefold().replace("²", "^2").replace("³", "^3")
    parted = re.sub(r"[\s_\-.]+", "_", plain)
    if parted in spellings:
        return parted
    squeezed = parted.replace("_", "")
    if squeezed in spellings:
        return squeezed
    spelled = [id_ for id_, words in spellings.items() if parted in words or squeezed in words]
    alike = spelled or [id_ for id_ in spellings if id_.replace("_", "") == squeezed]
    return alike[0] if len(alike) == 1 else None


def usual_name(word: str, names: Iterable[str]) -> str | None:
    """The name that a word spells, as `usual_id` reads it; names may have hyphens. None if it spells none, or several.

    >>> [usual_name(word, ["megc2019", "megc2019-transfer"]) for word in ("MEGC 2019", "megc-2019 transfer", "megc2018")]
    ['megc2019', 'megc2019-transfer', None]
    """
    plain = {name.replace("-", "_"): name for name in names}
    id_ = usual_id(word, dict.fromkeys(plain, ()))
    return None if id_ is None else plain[id_]


def without_other_numbers(word: str, known: Iterable[str]) -> list[str]:
    """The known names without those of the word's family: what differs in the number is another database.

    A number that the word's number holds is a slip of the finger.

    >>> without_other_numbers("casme4", ["casme2", "casme2_lbp_top", "samm"]), without_other_numbers("sam", ["samm"])
    (['samm'], ['samm'])
    >>> without_other_numbers("casme22", ["casme", "casme2", "casme3"])
    ['casme2']
    """
    names = list(known)
    letters, number = _letters(word), _number(word)
    if letters not in map(_letters, names):
        return names
    slips = {name for name in names if _number(name) and _number(name) in number}
    return [name for name in names if letters not in _letters(name) or name in slips]


def _letters(name: str) -> str:
    """The letters of a name, without a number, arabic or roman, at its end."""
    return re.sub(r"(\d+|i{1,3}|iv)$", "", re.sub(r"[\W_]", "", name.casefold()))


def _number(name: str) -> str:
    """The arabic number at the end of a name."""
    return re.sub(r"^.*?(\d*)$", r"\1", name)
