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
    of_parts = [id_ for id_, words in spellings.items() if parted in words]
    if len(of_parts) == 1:  # before the blanks are left out: CAS ME 2 is not CASME 2
        return of_parts[0]
    squeezed = parted.replace("_", "")
    if squeezed in spellings:
        return squeezed
    with_century = re.sub(r"(?<!\d)(\d\d)(?!\d)", r"20\1", parted)
    if with_century in spellings:
        return with_century
    spelled = [id_ for id_, words in spellings.items() if squeezed in words]
    alike = spelled or [id_ for id_ in spellings if id_.replace("_", "") == squeezed]
    return alike[0] if len(alike) == 1 else None


def usual_name(word: str, names: Iterable[str]) -> str | None:
    """The name that a word spells, as `usual_id` reads it; names may have hyphens. None if it spells none, or several.

    >>> [usual_name(word, ["megc2019", "megc2019-transfer"]) for word in ("MEGC 2019", "megc-2019 transfer", "MEGC19", "megc2018")]
    ['megc2019', 'megc2019-transfer', 'megc2019', None]
    """
    plain = {name.replace("-", "_"): name for name in names}
    id_ = usual_id(word, dict.fromkeys(plain, ()))
    return None if id_ is None else plain[id_]


def meant_names(word: str, known: Iterable[str]) -> list[str]:
    """The known names that a mistyped word may mean.

    What differs in the number is another database, and so is a name of other letters. Where the word's letters are those of a
    known name, only a slip of the finger in its number is left: a digit too many, or two digits in the other order.

    >>> meant_names("casme4", ["casme2", "samm"]), meant_names("samm2", ["casme2", "samm"]), meant_names("sam", ["samm"])
    ([], [], ['samm'])
    >>> meant_names("casme22", ["casme", "casme2", "casme3"]), meant_names("megc2091", ["megc2018", "megc2019"])
    (['casme2'], ['megc2019'])
    """
    names = list(known)
    letters, number = _letters(word), _number(word)
    family = [name for name in names if _letters(name) == letters]
    if not family:
        return names
    return [
        name
        for name in family
        if _number(name) and (_number(name) in number or sorted(_number(name)) == sorted(number))
    ]


def _letters(name: str) -> str:
    """The letters of a name, without a number, arabic or roman, at its end."""
    return re.sub(r"(\d+|i{1,3}|iv)$", "", re.sub(r"[\W_]", "", name.casefold()))


def _number(name: str) -> str:
    """The arabic number at the end of a name."""
    return re.sub(r"^.*?(\d*)$", r"\1", name)
