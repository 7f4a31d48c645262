"""Usual spellings of databases and methods: each leads to one plugin, and never to another database."""

import re
from collections.abc import Collection, Iterable

SPELLINGS = {
    "casme": ("casmei", "casme1"),
    "casme2": ("casmeii", "casme2"),
    "cas_me2": ("casmesq", "casmesquared"),
    "casme3": ("casmeiii", "casme3"),
    "samm_lv": ("sammlv", "sammlong", "sammlongvideos"),
    "smic_hs": ("smichs",),
    "smic_nir": ("smicnir",),
    "smic_vis": ("smicvis",),
    "four_dme": ("4dme",),
    "me_tst": ("metst", "metst+"),
}
"""Spellings by the id of the plugin, in small letters without blanks, hyphens and underscores."""
_DIVIDED = re.compile(r"cas[\s_\-(]+me\)?|casme(?=\W*\^)")
"""The beginning of CAS(ME)² and CAS(ME)³, which papers write with brackets or a power."""
_OF_DIVIDED = {"2": "cas_me2", "ii": "cas_me2", "sq": "cas_me2", "3": "casme3", "iii": "casme3"}


def usual_id(word: str, known: Collection[str]) -> str | None:
    """The id that a word spells, or None; a known id is itself.

    >>> ids = ["casme", "casme2", "cas_me2", "samm", "samm_lv"]
    >>> [usual_id(word, ids) for word in ("casmeii", "CASME II", "cas(me)^2", "CAS(ME)²", "SAMM-LV", "Casme", "casme4", "cas_me4")]
    ['casme2', 'casme2', 'cas_me2', 'cas_me2', 'samm_lv', 'casme', None, None]
    """
    if word in known:
        return word
    plain = word.strip().casefold().replace("²", "^2").replace("³", "^3")
    if plain in known:
        return plain
    divided = _DIVIDED.match(plain)
    if divided is not None:
        number = re.sub(r"[\W_]", "", plain[divided.end() :])
        found = _OF_DIVIDED.get(number)
        return found if found in known else None
    squeezed = re.sub(r"[\s_\-.]", "", plain)
    spelled = [id_ for id_, words in SPELLINGS.items() if squeezed in words]
    alike = spelled or [id_ for id_ in known if id_.replace("_", "") == squeezed]
    return alike[0] if len(alike) == 1 and alike[0] in known else None


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
