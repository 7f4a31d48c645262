"""The list of the expressions, whichever of the public ones it is, and what its videos are called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mebench.annotations import Annotation, Cleaning, Header, Log, begin, need_table, read_row, read_sheets
from mebench.errors import DataError

FORM = Header(
    required=("video", "onset", "offset"),
    names={"n_frames": ("frame num", "n frames", "frame count", "num frames", "total frames")},
)

Name = tuple[str, str]
"""Subject and id of a video."""
_NAMED = {"samm_lv": r"(\d+)_(\d+)", "cas_me2": r"(\d+)_(\d{4})", "casme3": r"(\d+)[/_]([a-z]+)\b"}


def name_of(text: str, of: str) -> Name | None:
    """Subject and id of a video, from its name in a list or file; None for other names.

    >>> [name_of(text, "samm_lv") for text in ("samm_006_1", "./SAMM_longvideos/006_1", "006_1_2", "6_1_0256")]
    [('006', '006_1'), ('006', '006_1'), ('006', '006_1'), ('006', '006_1')]
    >>> name_of("longVideoFaceCropped/s15/15_0101disgustingteeth", "cas_me2"), name_of("casme_015_0401", "cas_me2")
    (('s15', '15_0101'), ('s15', '15_0401'))
    >>> name_of("spNO.1/a", "casme3"), name_of("new_data_full_reduce/001/a", "casme3"), name_of("readme", "samm_lv")
    (('spNO.1', 'a'), ('spNO.1', 'a'), None)
    """
    found = re.findall(_NAMED[of], text if of == "casme3" else text.rpartition("/")[2])
    if not found:
        return None
    person, video = int(found[-1 if of == "casme3" else 0][0]), found[-1 if of == "casme3" else 0][1]
    if of == "samm_lv":
        return f"{person:03d}", f"{person:03d}_{int(video)}"
    return (f"s{person}", f"{person}_{video}") if of == "cas_me2" else (f"spNO.{person}", video)


def natural(name: Name) -> tuple[int, int | str]:
    """Sort key of folders that orders numbers by value."""
    number = re.sub(r"\D", "", name[0])
    last = name[1].rpartition("_")[2]
    return int(number), int(last) if last.isdigit() else last


@dataclass
class Truth:
    """The content of a list.

    Attributes:
        where: its file and sheet.
        rows: expressions of each video, in numbers of the list.
        n_frames: frames of a video, if the list gives them.
    """

    where: str
    rows: dict[Name, list[Annotation]] = field(default_factory=dict)
    n_frames: dict[Name, int] = field(default_factory=dict)


def read_truth(path: Path, of: str, log: Log) -> Truth:
    """The expressions of a list.

    Raises:
        DataError: it cannot be read, has no such columns, or names no video of these recordings.
    """
    if not path.is_file():
        raise DataError(
            f"dataset.truth={path} is not a file: expected a list of expressions, such as samm_annotation.csv"
        )
    table = need_table(read_sheets(path), FORM, file=path)
    begin(table, log)
    truth, nameless = Truth(table.sheet.where), ""
    for row in table.rows:
        named = row.get("video")
        name = name_of(named, of) or name_of(f"{row.get('subject')}/{named}", of)
        read = read_row(row, table, Cleaning(units_to_objective=False), log, subject="?", video="?")
        if read is None or name is None:
            nameless = nameless or ("" if read is None else named)
            continue
        truth.rows.setdefault(name, []).append(replace(read, subject=name[0], video=name[1]))
        if (count := row.get("n_frames")).isdigit():
            truth.n_frames[name] = int(count)
    if nameless or not truth.rows:
        example = {"samm_lv": "006_1", "cas_me2": "15_0101", "casme3": "001/a"}[of]
        raise DataError(
            f"{truth.where} names a video {nameless!r}, which is not in dataset.of={of}: expected names such as {example}. Give the "
            "list of these recordings, or another dataset.of"
        )
    return truth


def of_labels(labels: Mapping[str, list[int]]) -> list[tuple[int, int | None, int]]:
    """Onset, apex and offset of the expressions of one kind, from the frames that are labelled so; the k-th of each
    belong together.

    Raises:
        ValueError: there are more of one than of another, so two begin or end at one frame.

    >>> of_labels({"start": [3, 20], "apex": [5, 21], "end": [9, 30]})
    [(3, 5, 9), (20, 21, 30)]
    """
    starts, apexes, ends = (labels[name] for name in ("start", "apex", "end"))
    if len(starts) != len(ends):
        raise ValueError(f"{len(starts)} onsets and {len(ends)} offsets")
    known = apexes if len(apexes) == len(starts) else [None] * len(starts)
    return [(a, p if p is not None and a <= p <= b else None, b) for a, p, b in zip(starts, known, ends) if a <= b]
