"""A few expressions of a dataset as one picture; matplotlib is imported on use."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mebench.inspection.tiles import Face, Strip, Tile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 4
TILE_INCHES = 2.1
DPI = 110
CROP, LANDMARKS, REGIONS = "#00a3ff", "#ffd400", "#ff4d00"
"""Blue, yellow and orange stay apart on skin, and for colour-blind readers."""
AROUND = 0.35
"""Share of the crop's width and height that the close pictures show on each side of it."""


def contact_sheet(strips: Sequence[Strip], title: str) -> bytes:
    """The picture as the bytes of a PNG file.

    One row for each expression: its video's first frame as a whole, then onset, apex and offset from near. All crops of a
    video go by its first face, so box, landmarks and regions are the same in the whole row.
    """
    from matplotlib.figure import Figure

    tall = TILE_INCHES + 0.45
    figure = Figure(figsize=(COLUMNS * TILE_INCHES, len(strips) * tall + 0.7), dpi=DPI)
    figure.suptitle(title, x=0.02, y=1 - 0.1 / figure.get_figheight(), ha="left", va="top", fontsize=10, weight="bold")
    height = figure.get_figheight()
    for row, strip in enumerate(strips):
        top = height - 0.4 - row * tall
        figure.text(0.02, top / height, caption(strip), ha="left", va="top", fontsize=8)
        for column, tile in enumerate(strip.tiles):
            left = column / COLUMNS + 0.01
            axes = figure.add_axes(
                (left, (top - 0.33 - TILE_INCHES) / height, 1 / COLUMNS - 0.02, TILE_INCHES / height)
            )
            _draw(axes, tile, strip, near=column > 0)
    figure.text(0.02, 0.1 / height, _legend(strips), ha="left", va="bottom", fontsize=7)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI)
    return out.getvalue()


def caption(strip: Strip) -> str:
    """One line about an expression: video, kind, emotion, action units, duration."""
    video, e = strip.chosen
    words = [f"{video.key}: {e.kind}", e.emotion or "no emotion given"]
    if e.action_units:
        words.append(f"AU {'+'.join(e.action_units)}")
    words.append(f"frames {e.onset} to {e.offset}")
    if video.fps:
        words.append(f"{1000 * e.length / video.fps:.0f} ms")
    if "cut" in e.flags:
        words.append("cut at the end of the video")
    return ", ".join(words)


def _draw(axes: Axes, tile: Tile, strip: Strip, near: bool) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(tile.title, fontsize=7, pad=2)
    if tile.image is None:
        axes.set_facecolor("0.9")
        _write(axes, "no frame", "0.3")
        return
    axes.imshow(tile.image, interpolation="bilinear")
    axes.set_anchor("N")
    if strip.face is None:
        _write(axes, strip.problem or "no face found", "white")
        return
    _mark(axes, strip.face)
    if near:
        x0, y0, x1, y1 = strip.face.box
        dx, dy = AROUND * (x1 - x0), AROUND * (y1 - y0)
        high, wide = tile.image.shape[:2]
        axes.set_xlim(max(x0 - dx, 0) - 0.5, min(x1 + dx, wide) - 0.5)
        axes.set_ylim(min(y1 + dy, high) - 0.5, max(y0 - dy, 0) - 0.5)


def _mark(axes: Axes, face: Face) -> None:
    """Box, landmarks and regions. Pixel centres are whole numbers, so edges lie half a pixel before them."""
    from matplotlib.patches import Polygon, Rectangle

    x0, y0, x1, y1 = face.box
    axes.add_patch(Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor=CROP, linewidth=1.2))
    for corners in face.regions:
        axes.add_patch(Polygon(np.asarray(corners), closed=True, fill=False, edgecolor=REGIONS, linewidth=0.9))
    if face.landmarks is not None:
        points: Any = np.asarray(face.landmarks)
        axes.plot(points[:, 0], points[:, 1], ".", color=LANDMARKS, markersize=1.6)


def _write(axes: Axes, text: str, color: str) -> None:
    box = {"facecolor": "0.2", "edgecolor": "none", "alpha": 0.8} if color == "white" else None
    short = text if len(text) <= 90 else f"{text[:87]}…"
    place: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "va": "center", "fontsize": 7, "wrap": True}
    axes.text(0.5, 0.5, short, color=color, bbox=box, **place)


def _legend(strips: Sequence[Strip]) -> str:
    landmarks = any(strip.face is not None and strip.face.landmarks is not None for strip in strips)
    dots = "yellow: 68 landmarks" if landmarks else "no landmarks: regions at fixed places of the crop"
    return f"blue: face crop; orange: eyes with brows, and mouth; {dots}"
