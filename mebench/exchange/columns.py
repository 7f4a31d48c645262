"""Find the wanted columns of a foreign table, whatever their names."""

import difflib
from collections.abc import Iterator, Mapping, Sequence

from mebench.annotations.names import NAMES, plain_name, words_of

STARTS = ("tstart", "starttime", "onsettime", "onsetseconds", "onsetsec", "startseconds", "startsec")
STOPS = ("tend", "endtime", "offsettime", "offsetseconds", "offsetsec", "endseconds", "endsec")
"""Names of columns that hold seconds."""
OWN = {"emotion": ("class",), "onset": STARTS, "offset": STOPS}
"""Names that a table of answers may have, and a sheet has for something else."""
ALIASES: dict[str, tuple[str, ...]] = {
    name: (*map(plain_name, names), *OWN.get(name, ())) for name, names in NAMES.items()
}
# Whose number it is may be said in front of the name.
_OWNERS = {
    "predictions": ("pred", "predicted", "prediction", "spotted", "detected"),
    "truth": ("gt", "true", "truth", "groundtruth", "annotated"),
    "frame scores": ("pred", "predicted"),
}
_ALONE = {"predictions": ("predicted", "prediction", "pred", "ypred"), "truth": ("true", "truth", "gt", "ytrue")}
KNOWN = frozenset(
    owner + alias
    for aliases in ALIASES.values()
    for alias in aliases
    for owner in ("", *(owner for owners in _OWNERS.values() for owner in owners))
).union(*_ALONE.values())
"""All names that some column may have."""


def recognise(headers: Sequence[str], wanted: Sequence[str], role: str, alone: str | None = None) -> dict[str, int]:
    """The positions of the wanted columns.

    Args:
        headers: as the file names them.
        wanted: names of `ALIASES`.
        role: `predictions`, `truth` or `frame scores`.
        alone: the wanted column that may be called after its owner alone.

    Returns:
        Position of each wanted column that is there. A name in front of which the file says whose it is (`gt_onset`), or
        that is its owner's alone (`predicted`), is taken before the bare one, so that one table may hold both.

    >>> recognise(["", "vid", "Pred_Onset", "pred_offset", "gt_onset"], ["video", "onset", "offset"], "predictions")
    {'video': 1, 'onset': 2, 'offset': 3}
    """
    where = {plain_name(header): position for position, header in reversed(list(enumerate(headers)))}
    found: dict[str, int] = {}
    for name in wanted:
        aliases = [owner + alias for owner in _OWNERS[role] for alias in ALIASES[name]]
        aliases += [*(_ALONE[role] if name == alone else ()), *ALIASES[name]]
        free = [where[alias] for alias in aliases if alias in where and where[alias] not in found.values()]
        if free:
            found[name] = free[0]
    return found


def rivals(headers: Sequence[str], found: Mapping[str, int], role: str) -> Iterator[tuple[str, int]]:
    """Columns that might as well be what another was taken for.

    Args:
        headers: as the file names them.
        found: from `recognise`.
        role: as there.

    Yields:
        A wanted column, and the position of a column that nothing was taken from, with another of its names; if the file says
        whose number the one is, then whose the other is.

    >>> list(rivals(["video", "OnsetF", "Onset", "end"], {"video": 0, "onset": 1, "offset": 3}, "truth"))
    [('onset', 2)]
    """
    for name, taken in found.items():
        for owner in (*_OWNERS[role], ""):
            names = {owner + alias for alias in ALIASES[name]}
            if plain_name(headers[taken]) in names:
                yield from (
                    (name, place)
                    for place, header in enumerate(headers)
                    if plain_name(header) in names and place not in found.values()
                )


def likely(headers: Sequence[str], name: str) -> str | None:
    """The header that is most like a column's names, if any is like one of them.

    >>> likely(["sbuject", "video"], "subject"), likely(["video", "notes"], "subject")
    ('sbuject', None)
    """
    written = {plain_name(header): header for header in reversed(headers)}
    names = [plain_name(header) for header in headers]
    near = (found for alias in ALIASES[name] for found in difflib.get_close_matches(alias, names, n=1, cutoff=0.75))
    return next((written[found] for found in near), None)


def holding(headers: Sequence[str], name: str) -> str | None:
    """The first header that has a column's name among its words.

    >>> holding(["video", "onset_s"], "onset"), holding(["offset"], "onset")
    ('onset_s', None)
    """
    found = (header for header in headers for word in words_of(header) if len(word) > 2 and word in ALIASES[name])
    return next(found, None)


BLANK = frozenset({"", "nan", "na", "n/a", "<na>", "null", "none", "-", "/", "?"})
"""How programs and annotators write that there is nothing (`/` is an unmarked apex in the sheets of CASME II)."""
