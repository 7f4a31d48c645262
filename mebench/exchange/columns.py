"""Which column of a table of others is which, whatever it is called."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

STARTS = ("tstart", "starttime", "onsettime", "onsetseconds", "onsetsec", "startseconds", "startsec")
STOPS = ("tend", "endtime", "offsettime", "offsetseconds", "offsetsec", "endseconds", "endsec")
"""Names of columns that hold seconds."""

# Of several known names in one file the earlier wins: the one that mebench uses, but before it one that says frame, since the
# sheet of CASME has `OnsetF` in frames and `Onset` in ms. `vid`, `pred_onset`, `pred_offset` and `type` are those of the MEGC 2022
# and 2023 submission files.
ALIASES: dict[str, tuple[str, ...]] = {
    "dataset": ("dataset", "database", "db", "corpus", "member"),
    "subject": ("subject", "subjectid", "subjectno", "subj", "sub", "participant", "participantid", "person"),
    "video": ("video", "videoid", "vid", "videoname", "videocode", "filename", "file", "clip", "clipname", "sequence"),
    "onset": ("onsetframe", "onsetf", "onset", "start", "startframe", "begin", *STARTS),
    "apex": ("apexframe", "apexf", "apex", "peak", "peakframe"),
    "offset": ("offsetframe", "offsetf", "offset", "end", "endframe", "stop", *STOPS),
    "kind": ("kind", "type", "expressiontype", "exptype", "motype"),
    "emotion": ("emotion", "estimatedemotion", "emotionlabel", "emotionclass", "emo", "label", "class"),
    "confidence": ("confidence", "conf", "score", "probability", "prob"),
    "fps": ("fps", "framerate", "framespersecond"),
    "n_frames": ("nframes", "framecount", "numframes", "numberofframes", "totalframes", "frames", "videolength"),
    "frame": ("frame", "frameindex", "frameid", "framenumber", "frameno"),
    "score": ("score", "framescore", "confidence", "conf", "value", "prediction"),
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


def plain(header: str) -> str:
    """A column name without case, blanks, and signs.

    >>> plain(" Onset_Frame "), plain("N-frames"), plain("onset (frame)")
    ('onsetframe', 'nframes', 'onsetframe')
    """
    return re.sub(r"[\W_]", "", header.casefold())


def recognise(headers: Sequence[str], wanted: Sequence[str], role: str, alone: str | None = None) -> dict[str, int]:
    """Where the wanted columns are.

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
    where = {plain(header): position for position, header in reversed(list(enumerate(headers)))}
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
            if plain(headers[taken]) in names:
                yield from (
                    (name, place)
                    for place, header in enumerate(headers)
                    if plain(header) in names and place not in found.values()
                )


def likely(headers: Sequence[str], name: str) -> str | None:
    """The header that is most like a column's names, if any is like one of them.

    >>> likely(["sbuject", "video"], "subject"), likely(["video", "notes"], "subject")
    ('sbuject', None)
    """
    written = {plain(header): header for header in reversed(headers)}
    names = [plain(header) for header in headers]
    near = (found for alias in ALIASES[name] for found in difflib.get_close_matches(alias, names, n=1, cutoff=0.75))
    return next((written[found] for found in near), None)


BLANK = frozenset({"", "nan", "na", "n/a", "<na>", "null", "none", "-", "/", "?"})
"""How programs and annotators write that there is nothing (`/` is an unmarked apex in the sheets of CASME II)."""

KINDS = ("micro", "macro")
_KINDS = {"me": "micro", "mie": "micro", "mi": "micro", "mae": "macro", "ma": "macro"}


def kind_of(cell: str) -> str | None:
    """`micro` or `macro` as written in the field's files, or None.

    >>> [kind_of(cell) for cell in ("Micro - 1/2", "macro-expression", "MaE", "me", "mirco")]
    ['micro', 'macro', 'macro', 'micro', None]
    """
    word = re.sub(r"[^a-z]", "", cell.casefold())
    return next((kind for kind in KINDS if word.startswith(kind)), _KINDS.get(word))
