"""Find the wanted columns of a foreign table, whatever their names."""

import difflib
from collections.abc import Iterator, Mapping, Sequence

from mebench.annotations.names import ALIASES, ALONE, OWNERS, plain_name, words_of


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
        aliases = [
            *(owner + alias for owner in OWNERS[role] for alias in ALIASES[name]),
            *(ALONE[role] if name == alone else ()),
            *ALIASES[name],
        ]
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
        for owner in (*OWNERS[role], ""):
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
