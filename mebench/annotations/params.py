"""The parameters that all datasets with sheets share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SheetParams:
    """Where the dataset lies.

    Attributes:
        root: folder of the dataset as released; the sheet and the frames are looked for in it.
        annotations: file of the annotations, where it lies elsewhere or has another name; frames may then be absent.
        follow_links: follow links that lead out of the root, for example to another disk.
    """

    root: str | None = None
    annotations: str | None = None
    follow_links: bool = False
