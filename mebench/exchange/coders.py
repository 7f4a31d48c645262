"""Read coders' marks in ELAN as a table of intervals in frames."""

import re
from collections.abc import Sequence
from pathlib import Path

from mebench.annotations.sheets import Sheet, made
from mebench.console import plural
from mebench.errors import DataError, unknown
from mebench.exchange import EMOTION, Document, Remarks, read_eaf

MILLISECONDS = 1000.0
"""Frames per second if no rate is known: each millisecond counts as a frame."""
_NUMBER = re.compile(r"\s*[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE](-\d+|\+?\d{1,2}))?\s*")
_CODER = re.compile(r"(.+):([^:/]+)")


def eaf_of(path: Path) -> tuple[Path, str | None] | None:
    """The `.eaf` file, or the folder of such files, that a word names, and the coder: `clip.eaf:anna`. None for other
    words.

    >>> eaf_of(Path("clip.eaf:anna")), eaf_of(Path("mine.csv"))
    ((PosixPath('clip.eaf'), 'anna'), None)
    """
    word = None if path.exists() else _CODER.fullmatch(str(path))
    file, coder = (Path(word[1]), word[2]) if word else (path, None)
    there = file.suffix.lower() == ".eaf" or (file.is_dir() and any(_inside(file)))
    return (file, coder) if there else None


def _inside(folder: Path) -> list[Path]:
    """The `.eaf` files of a folder, by name, without hidden ones."""
    return sorted(file for file in folder.glob("[!.]*") if file.suffix.lower() == ".eaf")


def documents(path: Path) -> list[Document]:
    """The contents of one `.eaf` file, or of each in a folder, by name.

    Raises:
        DataError: as in `read_eaf`.
    """
    return [read_eaf(file) for file in (_inside(path) if path.is_dir() else [path])]


def common_rate(files: Sequence[object], fps: float | None) -> float | None:
    """Frames per second that turn the times of `.eaf` files into frames, so that all files count alike.

    Args:
        files: the files that are read together; anything but a path counts frames.
        fps: the user's value, which comes first.

    Returns:
        The user's value; else the rate in the files; else milliseconds, if all files count time. None if the files have
        different rates (each then uses its own), or if none is an `.eaf` file.

    Raises:
        DataError: one file counts time without a frame rate, and another one counts frames.
    """
    timed = [found[0] for file in files if isinstance(file, Path) and (found := eaf_of(file)) is not None]
    if fps is not None or not timed:
        return fps
    said = {(document.fps, document.place) for path in timed for document in documents(path)}
    rates = {rate for rate, _ in said if rate is not None}
    silent = sorted(place for rate, place in said if rate is None)
    if silent and len(rates) == 1:
        return rates.pop()
    if silent and (rates or len(timed) < len(files)):
        raise DataError(
            f"{silent[0]} counts time and states no frame rate, but frames are compared: give the rate with --fps N"
        )
    return MILLISECONDS if silent else rates.pop() if len(rates) == 1 else None


def sheet_of(path: Path, coder: str | None, fps: float | None, role: str, remarks: Remarks) -> Sheet:
    """The intervals of an `.eaf` file, or of all such files in a folder, as a sheet.

    An interval's emotion is the mark on the tier of emotions that covers most of it. A file without marks becomes a row
    without an interval.

    Args:
        path: the file or folder.
        coder: the coder whose marks are read; None for the only one.
        fps: frames per second; None for the rate in each file.
        role: what the file holds; in `predictions`, numbers on the tiers of kinds are confidences.
        remarks: gets the marks and tiers that are left out.

    Raises:
        DataError: a file cannot be read, has no tier of a kind or no frame rate, or has several coders and none is
            named.
    """
    rows: list[tuple[str, str, str, str, str, str, str]] = []
    seen: dict[str, str] = {}
    for document in documents(path):
        rate = fps or document.fps
        if rate is None:
            raise DataError(f"{document.place} states no frame rate: give it with --fps N")
        tiers = [tier for tier in document.tiers if tier.what is not None and coder in (None, tier.coder)]
        if all(tier.what in (None, EMOTION) for tier in document.tiers):
            names = ", ".join(tier.name for tier in document.tiers) or "none"
            raise DataError(
                f"{document.place} has no tier of intervals (its tiers: {names}): they are read from tiers called micro and macro, "
                "emotions from one called emotion"
            )
        for reason, n in document.left_out.items():
            remarks.warn(f"{role}: {plural(n, 'mark')} of {document.video} {reason}, left out")
        if others := [tier.name for tier in document.tiers if tier.what is None and tier.marks]:
            remarks.repair(f"{role}: {plural(len(others), 'tier')} of {document.video} not read: {', '.join(others)}")
        coders = [name for name in document.coders if name]
        if coder is not None and coder not in document.coders:
            raise DataError(unknown(f"coder of {document.place}", coder, coders))
        if coder is None and len(document.coders) > 1:
            words = " or ".join(f"{document.place}:{name}" for name in coders)
            raise DataError(f"{document.place} has marks of {len(document.coders)} coders: name one, as in {words}")
        if (other := seen.setdefault(document.video, document.place)) != document.place:
            raise DataError(f"{other} and {document.place} are both about the video {document.video}: name one of them")
        for tier in tiers:
            if tier.what == EMOTION:
                continue
            video = "_".join(filter(None, [document.video, tier.participant]))
            named = [
                mark
                for other in tiers
                if other.what == EMOTION and other.participant == tier.participant
                for mark in other.marks
            ]
            kind = str(tier.what)
            for mark in tier.marks:
                onset = round(mark.begin * rate / 1000)
                offset = max(round(mark.end * rate / 1000) - 1, onset)
                sure = mark.value if role == "predictions" and _NUMBER.fullmatch(mark.value) else ""
                most = max(named, key=lambda n: min(n.end, mark.end) - max(n.begin, mark.begin), default=mark)
                emotion = most.value if most is not mark and most.begin < mark.end and mark.begin < most.end else ""
                rows.append((video, kind, str(onset), str(offset), emotion, sure, f"{rate:.10g}"))
            if not tier.marks:
                rows.append((video, kind, "", "", "", "", f"{rate:.10g}"))
    columns = ("video", "kind", "onset", "offset", "emotion", "confidence", "fps")
    kept = [n for n, name in enumerate(columns) if name not in ("emotion", "confidence") or any(row[n] for row in rows)]
    return made(str(path), [columns[n] for n in kept], ([row[n] for n in kept] for row in rows))
