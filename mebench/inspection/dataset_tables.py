"""The videos and expressions of a dataset as tables, with a description in Croissant."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mebench.config import registry
from mebench.core.dataset import Dataset
from mebench.exchange.croissant import (
    REAL,
    TEXT,
    WHOLE,
    DescribedColumn,
    DescribedFile,
    DescribedTable,
    Description,
)
from mebench.files import file_hash, write_text

DESCRIPTION = "croissant.json"
VIDEO_COLUMNS = (
    DescribedColumn("video", TEXT, "dataset, subject and video, joined by slashes"),
    DescribedColumn("subject", TEXT, "the person within the dataset"),
    DescribedColumn("fps", REAL, "frames per second; empty where the dataset publishes no frames"),
    DescribedColumn("n_frames", WHOLE, "number of frames; empty where it is unknown"),
)
EXPRESSION_COLUMNS = (
    DescribedColumn("video", TEXT, "the video, as in the table of videos"),
    DescribedColumn("kind", TEXT, "micro or macro"),
    DescribedColumn("onset", WHOLE, "first frame of the movement, counted from 0"),
    DescribedColumn("apex", WHOLE, "frame of the strongest movement; empty if not annotated"),
    DescribedColumn("offset", WHOLE, "last frame of the movement, inclusive"),
    DescribedColumn("emotion", TEXT, "native label of the dataset; empty without one"),
    DescribedColumn("action_units", TEXT, "action units as annotated, joined by +"),
)


def write_described_tables(id_: str, dataset: Dataset, folder: Path) -> list[Path]:
    """Write `videos.csv`, `expressions.csv` and their description; the paths of all three.

    They hold what the adapter makes of a copy: positions of frames, with the repairs of the annotations, and no image.

    Args:
        id_: id of the dataset.
        dataset: the dataset.
        folder: the folder to write into.
    """
    videos = dataset.videos()
    video_rows = [(video.key, video.subject, video.fps, video.n_frames) for video in videos]
    expression_rows = [
        (video.key, one.kind, one.onset, one.apex, one.offset, one.emotion, "+".join(one.action_units))
        for video in videos
        for one in video.expressions
    ]
    folder.mkdir(parents=True, exist_ok=True)
    tables = [
        _write_table(folder, "videos", "a recording", VIDEO_COLUMNS, video_rows),
        _write_table(folder, "expressions", "an annotated expression", EXPRESSION_COLUMNS, expression_rows),
    ]
    info = registry.list_plugins("dataset")[id_]
    description = Description(
        name=f"{id_}_annotations",
        text=f"{info.title or id_}: {info.config.get('summary', '')}. Annotations as mebench reads them, no images.",
        url=page_of_paper(str(info.config.get("paper") or "")),
        licence=f"that of {info.title or id_}; mebench info {id_} says how to ask for the data, and who may have them",
        version=f"revision {dataset.revision}",
        citation=str(info.config.get("paper") or ""),
        files=[_describe_file(folder, table.file) for table in tables],
        tables=tables,
    )
    write_text(folder / DESCRIPTION, json.dumps(description.to_json_ld(), ensure_ascii=False, indent=1) + "\n")
    return [*(folder / table.file for table in tables), folder / DESCRIPTION]


def page_of_paper(paper: str) -> str:
    """The address of a paper by its doi or number on arXiv; empty without one.

    >>> page_of_paper("Yan et al., PLoS ONE 2014, doi 10.1371/journal.pone.0086041"), page_of_paper("He, arXiv 2106.06489")
    ('https://doi.org/10.1371/journal.pone.0086041', 'https://arxiv.org/abs/2106.06489')
    """
    if found := re.search(r"doi (10\.\S+[^\s.,;])", paper):
        return f"https://doi.org/{found[1]}"
    found = re.search(r"arXiv (\d{4}\.\d{4,5})", paper)
    return f"https://arxiv.org/abs/{found[1]}" if found else ""


def _write_table(
    folder: Path, name: str, row_is: str, columns: Sequence[DescribedColumn], rows: Iterable[Sequence[Any]]
) -> DescribedTable:
    """Write a table as CSV; its description."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows(rows)
    write_text(folder / f"{name}.csv", text.getvalue())
    return DescribedTable(name, f"each row is {row_is}", f"{name}.csv", columns)


def _describe_file(folder: Path, name: str) -> DescribedFile:
    """Name, hash and size of a file."""
    path = folder / name
    return DescribedFile(name, file_hash(path), path.stat().st_size)
