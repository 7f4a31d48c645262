"""Reports on a dataset: its content, the faults of this copy, and a picture of a few expressions."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mebench._installation import VERSION
from mebench.annotations.annotation import LISTED, repair_lines
from mebench.core import KINDS
from mebench.grouping import group_by
from mebench.inspection import Verification
from mebench.inspection.dataset_summary import Summary
from mebench.inspection.soundness import TITLES
from mebench.inspection.tiles import Strip
from mebench.output.table import Column, Table, load_template
from mebench.output.terminal import for_figure, format_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEADERS = ("what", "which", "number", "more")
SummaryRow = tuple[str, str, str, str]


def summary_rows(summary: Summary) -> list[SummaryRow]:
    """The lines of a summary: property, value, number, and remarks."""
    units = ", ".join(f"{unit.removeprefix('AU')} ({n})" for unit, n in summary["action_units"].items())
    return [
        ("subjects", "", f"{summary['subjects']}", ""),
        *_rows_of_videos(summary),
        *_rows_of_expressions(summary),
        *_rows_of_labels(summary),
        ("action units", "", f"{summary['expressions_with_action_units']}", units),
        ("ground truth", "SHA-256", "", summary["hash"]),
    ]


def _rows_of_videos(summary: Summary) -> Iterator[SummaryRow]:
    """The numbers of videos, of those with frames, and the frame rates."""
    idle = summary["videos_without_expressions"]
    yield "videos", "", f"{summary['videos']}", f"and {idle} without expressions" if idle else ""
    if summary["videos_with_frames"] is not None:
        remark = f"of {summary['videos']}"
        if summary["folder_of_frames"]:
            remark += f" in {summary['folder_of_frames']}"
            unread = summary["other_folders_of_frames"]
            remark += f"; not read: {', '.join(unread)}" if unread else ""
        yield "videos", "with frames", f"{summary['videos_with_frames']}", remark
        n_without = summary["videos"] - summary["videos_with_frames"]
        if n_without and summary.get("first_without_frames"):
            yield "videos", "without frames", f"{n_without}", f"the first: {summary['first_without_frames']}"
    yield "fps", "", ", ".join(f"{rate:g}" for rate in summary["fps"]) or "unknown", ""


def _rows_of_expressions(summary: Summary) -> Iterator[SummaryRow]:
    """Expressions of each kind with their durations, and those without an interval."""
    for kind in KINDS:
        ms = summary["durations_ms"].get(kind)
        durations = "{min:.0f} to {max:.0f} ms, median {median:.0f}, mean {mean:.0f}".format(**ms) if ms else ""
        yield "expressions", kind, f"{summary['expressions'][kind]}", durations
    lost = summary["expressions_without_interval"]
    if lost:
        yield "expressions", "no interval", f"{lost}", "counted above, never scored"


def _rows_of_labels(summary: Summary) -> Iterator[SummaryRow]:
    """Native labels with their kinds, classes of schemes, and labels that no scheme maps."""
    for label, n in summary["emotions"].items():
        of_kinds = {kind: labels[label] for kind, labels in summary["emotions_by_kind"].items() if label in labels}
        yield "emotion", label, f"{n}", _names_with_counts(of_kinds)
    for name, scheme in summary["schemes"].items():
        left_out = f"; left out: {_names_with_counts(scheme['left_out'])}" if scheme["left_out"] else ""
        yield "scheme", name, f"{sum(scheme['classes'].values())}", f"{_names_with_counts(scheme['classes'])}{left_out}"
    unmapped = summary["unmapped_labels"]
    if unmapped:
        yield "in no scheme", "", f"{sum(unmapped.values())}", _names_with_counts(unmapped)


def total_rows(whole: Mapping[str, Any]) -> list[SummaryRow]:
    """The sums over the members of a composite, from `inspection.summarise_members`."""
    members: Mapping[str, Summary] = whole["members"]
    numbers: dict[tuple[str, str], dict[str, int]] = {
        ("subjects", ""): {id_: summary["subjects"] for id_, summary in members.items()},
        ("videos", ""): {id_: summary["videos"] for id_, summary in members.items()},
        **{("expressions", kind): {id_: s["expressions"][kind] for id_, s in members.items()} for kind in KINDS},
    }
    rows = [
        (what, which, f"{sum(counts.values())}", _names_with_counts(counts))
        for (what, which), counts in numbers.items()
    ]
    if whole["people"] < whole["subjects"]:
        rows.insert(1, ("people", "", f"{whole['people']}", "people in several of them count once"))
    return rows


def finding_lines(seen: Verification) -> dict[str, list[str]]:
    """Findings by the title of their check, without empty checks; many of one kind are combined into one line."""
    lines: dict[str, list[str]] = {}
    for alike in group_by(seen.findings, lambda finding: (finding.topic, finding.severity)).values():
        first = alike[0]
        of_check = lines.setdefault(TITLES[first.topic], [])
        if len(alike) <= LISTED:
            of_check += [f"{finding.severity}: {finding}" for finding in alike]
        else:
            videos = format_count(len({finding.where for finding in alike}), "video")
            of_check.append(f"{first.severity}: {len(alike)} in {videos}, such as {first}")
    return lines


def verdict_in_words(errors: int, warnings: int, sound: bool) -> str:
    """Sound or not, and why.

    >>> verdict_in_words(1, 0, False), verdict_in_words(0, 2, True)
    ('problems found: 1 error, no warnings', 'sound: no errors, 2 warnings')
    """
    verdict = "sound" if sound else "problems found"
    return f"{verdict}: {count_in_words(errors, 'error')}, {count_in_words(warnings, 'warning')}"


def depth_in_words(deep: bool) -> str:
    """How the frames were examined."""
    return "decoded" if deep else "checked without decoding them"


def count_in_words(n: int, what: str) -> str:
    """A number and its noun.

    >>> count_in_words(0, "error"), count_in_words(1, "error"), count_in_words(2, "error")
    ('no errors', '1 error', '2 errors')
    """
    return format_count(n, what) if n else f"no {what}s"


def _names_with_counts(counts: Mapping[str, int]) -> str:
    """Names with their counts."""
    return ", ".join(f"{name} {n}" for name, n in counts.items())


def verification_markdown(members: Mapping[str, Verification], strict: bool = False) -> str:
    """The whole report: for each member the verdict, findings by check, counts, summary and repairs."""
    page = load_template(Path(__file__).with_name("verification.md")).render(
        members=members,
        strict=strict,
        version=VERSION,
        titles=lambda seen: [TITLES[finding.topic] for finding in seen.findings],
        summary=lambda summary: Table([*map(Column, HEADERS)], summary_rows(summary)),
        **{made.__name__: made for made in (verdict_in_words, depth_in_words, finding_lines, repair_lines)},
    )
    return page.rstrip() + "\n"


COLUMNS = 4
TILE_INCHES = 2.1
DPI = 110
CROP, LANDMARKS, REGIONS = "#00a3ff", "#ffd400", "#ff4d00"
"""Blue, yellow and orange are distinguishable on skin and for colour-blind readers."""
AROUND = 0.35
"""Margin of the close-up pictures on each side, as a share of the crop's width and height."""


def contact_sheet(strips: Sequence[Strip], title: str) -> bytes:
    """A PNG file, as bytes, that shows how the faces of some expressions are cropped.

    It has a row for each expression: the whole first frame of its video, then close-ups of onset, apex and offset. The first
    face defines all crops of a video, so box, landmarks and regions are equal within a row.
    """
    from matplotlib.figure import Figure  # matplotlib takes .3 s, and most programs draw nothing

    row_inches = TILE_INCHES + 0.45  # a tile below its caption and its name
    figure = Figure(figsize=(COLUMNS * TILE_INCHES, len(strips) * row_inches + 0.7), dpi=DPI)
    sheet_inches = figure.get_figheight()
    figure.suptitle(
        for_figure(title), x=0.02, y=1 - 0.1 / sheet_inches, ha="left", va="top", fontsize=10, weight="bold"
    )
    for row, strip in enumerate(strips):
        top = sheet_inches - 0.4 - row * row_inches
        caption = for_figure(expression_caption(strip))
        figure.text(0.02, top / sheet_inches, caption, ha="left", va="top", fontsize=8)
        for column, (name, image) in enumerate(strip.tiles.items()):
            left = column / COLUMNS + 0.01
            bottom = (top - 0.33 - TILE_INCHES) / sheet_inches
            axes = figure.add_axes((left, bottom, 1 / COLUMNS - 0.02, TILE_INCHES / sheet_inches))
            axes.set_title(name, fontsize=7, pad=2)
            draw_tile(axes, image, strip, near=column > 0)
    has_landmarks = any(strip.face is not None and strip.face.landmarks is not None for strip in strips)
    dots = "yellow: 68 landmarks" if has_landmarks else "no landmarks: regions at fixed places of the crop"
    legend = f"blue: face crop; orange: eyes with brows, and mouth; {dots}"
    figure.text(0.02, 0.1 / sheet_inches, legend, ha="left", va="bottom", fontsize=7)
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=DPI)
    return png.getvalue()


def expression_caption(strip: Strip) -> str:
    """One line about an expression: video, kind, emotion, action units, duration."""
    video, e = strip.chosen
    words = (
        f"{video.key}: {e.kind}",
        e.emotion or "no emotion given",
        f"AU {'+'.join(e.action_units)}" if e.action_units else "",
        f"frames {e.onset} to {e.offset}",
        f"{1000 * e.length / video.fps:.0f} ms" if video.fps else "",
        "cut at the end of the video" if "cut" in e.flags else "",
    )
    return ", ".join(filter(None, words))


def draw_tile(axes: Axes, image: NDArray[np.uint8] | None, strip: Strip, near: bool) -> None:
    """Draw a picture with its face, or the reason for its absence."""
    from matplotlib.patches import Polygon, Rectangle

    axes.set(xticks=[], yticks=[])
    if image is None:
        axes.set_facecolor("0.9")
        _write_in_middle(axes, "no frame", color="0.3")
        return
    axes.imshow(image, interpolation="bilinear")
    axes.set_anchor("N")
    if strip.face is None:
        box = {"facecolor": "0.2", "edgecolor": "none", "alpha": 0.8}
        _write_in_middle(axes, strip.problem or "no face found", color="white", bbox=box)
        return
    # Pixel centres are whole numbers, so edges are half a pixel before them.
    x0, y0, x1, y1 = strip.face.box
    axes.add_patch(Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor=CROP, linewidth=1.2))
    for corners in strip.face.regions:
        axes.add_patch(Polygon(np.asarray(corners), closed=True, fill=False, edgecolor=REGIONS, linewidth=0.9))
    if strip.face.landmarks is not None:
        points: Any = np.asarray(strip.face.landmarks)
        axes.plot(points[:, 0], points[:, 1], ".", color=LANDMARKS, markersize=1.6)
    if near:
        dx, dy = AROUND * (x1 - x0), AROUND * (y1 - y0)
        high, wide = image.shape[:2]
        axes.set_xlim(max(x0 - dx, 0) - 0.5, min(x1 + dx, wide) - 0.5)
        axes.set_ylim(min(y1 + dy, high) - 0.5, max(y0 - dy, 0) - 0.5)


LONGEST = 90
"""Most signs of a reason that a picture shows."""


def _write_in_middle(axes: Axes, words: str, color: str, bbox: dict[str, Any] | None = None) -> None:
    """Write a reason into the middle of a picture, in a box if wanted."""
    shown = words if len(words) <= LONGEST else f"{words[: LONGEST - 3]}…"
    axes.text(
        0.5,
        0.5,
        for_figure(shown),
        color=color,
        bbox=bbox,
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=7,
        wrap=True,
    )
