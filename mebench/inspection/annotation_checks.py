"""What a check found and how bad that is; annotations that are odd in themselves, and counts that are not the published ones."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import Literal

from mebench.console import printable
from mebench.core import Expression, Kind, Published, Scheme, Unplaced, Video
from mebench.inspection.dataset_summary import Summary

Level = Literal["error", "warning"]
Check = Literal[
    "no_frames",
    "altered",
    "missing_folder",
    "missing_frames",
    "stray_image",
    "numbering_gap",
    "beyond_video",
    "unreadable_image",
    "image_size",
    "video_file",
    "duplicate",
    "overlap",
    "onset_is_apex",
    "too_long",
    "no_interval",
    "name",
    "counts",
]

TITLES: Mapping[Check, str] = {
    "no_frames": "frames not looked at",
    "altered": "signs that this copy was changed",
    "missing_folder": "folders that are missing or cannot be opened",
    "missing_frames": "missing frames",
    "stray_image": "images that are no frames",
    "numbering_gap": "gaps in the numbering",
    "beyond_video": "annotated beyond the video",
    "unreadable_image": "unreadable images",
    "image_size": "images of different sizes",
    "video_file": "video files",
    "duplicate": "duplicate annotations",
    "overlap": "overlapping annotations",
    "onset_is_apex": "the apex is the onset",
    "too_long": "expressions that last too long",
    "no_interval": "annotations without an interval",
    "name": "names that no record can hold",
    "counts": "counts that differ from the published ones",
}
"""What the checks look for, in the order of a report."""

KNOWN_DEFECT = "known_defect"
"""Flag of an expression whose frames are known to be incomplete in the release itself: no error of this copy."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        level: `error`: this copy is not what was released, or cannot be read; `warning`: what the authors annotated is odd,
            or was not looked at.
        check: which check.
        where: `subject/video`, or empty for the whole dataset.
        text: one sentence.
    """

    level: Level
    check: Check
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


LONGEST_MS: Mapping[Kind, float] = {"micro": 500.0, "macro": 4000.0}
"""A micro-expression lasts half a second at most (Yan et al. 2013, "How fast are the leaked facial expressions"), a
macro-expression four seconds (Ekman 2003, "Darwin, deception, and facial expression")."""

A_PART = 0.5
"""Below this share of the published expressions a sheet is taken for a part of the dataset, chosen on purpose."""


def odd_annotations(videos: Sequence[Video]) -> Iterator[Finding]:
    """Warnings about what is annotated, whatever the frames say.

    Args:
        videos: as `Dataset.as_annotated` gives them.
    """
    for video in videos:
        where = f"{video.subject}/{video.id}"
        for e in video.expressions:
            if "onset_is_apex" in e.flags or (e.apex == e.onset and e.offset > e.onset):
                yield Finding("warning", "onset_is_apex", where, f"the apex of {span(e)} is its onset")
            if video.fps and 1000 * e.length / video.fps > LONGEST_MS[e.kind]:
                ms = 1000 * e.length / video.fps
                text = f"{span(e)} lasts {ms:.0f} ms, and a {e.kind}-expression at most {LONGEST_MS[e.kind]:.0f}"
                yield Finding("warning", "too_long", where, text)
        ordered = sorted(video.expressions, key=lambda e: (e.onset, e.offset, e.kind))
        for a, b in pairwise(ordered):
            if (a.onset, a.offset, a.kind) == (b.onset, b.offset, b.kind):
                yield Finding("warning", "duplicate", where, f"{span(b)} is annotated twice")
        # Each beside the one that reaches farthest among those before it.
        reaching: Iterator[Expression] = accumulate(ordered, lambda a, b: max(a, b, key=lambda one: one.offset))
        for e, farthest in zip(ordered[1:], reaching):
            same = (e.onset, e.offset, e.kind) == (farthest.onset, farthest.offset, farthest.kind)
            if e.onset <= farthest.offset and not same:
                yield Finding("warning", "overlap", where, f"{span(e)} overlaps with {span(farthest)}")


def unprintable_names(videos: Sequence[Video], schemes: Iterable[Scheme]) -> Iterator[Finding]:
    """Warnings about subjects, videos and classes of emotions that hold a character which is not shown as it is: a run with such a
    name cannot be published.

    Args:
        videos: as `Dataset.as_annotated` gives them.
        schemes: those of the dataset.
    """
    of_videos = ((("subject", v.subject), ("video", v.id)) for v in videos)
    of_schemes = ((("class", name) for name in scheme.classes) for scheme in schemes)
    for what, name in dict.fromkeys(chain.from_iterable([*of_videos, *of_schemes])):
        if printable(name) != name:
            text = f"the {what} {printable(name)} holds what is not shown: no run of it can be published, so call it otherwise"
            yield Finding("warning", "name", "", text)


def lost_rows(unplaced: Sequence[Unplaced], annotated: Sequence[Video], videos: Sequence[Video]) -> Iterator[Finding]:
    """Rows that nothing can score: errors where that is because frames are missing, warnings where the sheet is the reason.

    Args:
        unplaced: of the dataset.
        annotated: the videos as the annotations alone give them.
        videos: the same with the frames looked at; what is there no more was lost with the frames.
    """
    by_frames = _named_rows(annotated)
    by_frames.subtract(_named_rows(videos))
    for row in unplaced:
        key = (row.subject, row.video, row.kind, row.emotion)
        frames_missing = by_frames[key] > 0
        by_frames[key] -= frames_missing
        text = f"row {row.row} ({row.kind}) counts, and nothing can score it: {row.reason}"
        check: Check = "beyond_video" if frames_missing else "no_interval"
        yield Finding("error" if frames_missing else "warning", check, f"{row.subject}/{row.video}", text)


def _named_rows(videos: Sequence[Video]) -> Counter[tuple[str, str, Kind, str | None]]:
    return Counter((v.subject, v.id, e.kind, e.emotion) for v in videos for e in v.expressions)


def published_counts(summary: Summary, published: Published) -> dict[str, tuple[int, int]]:
    """What was counted: name -> (found, published). Emotions are compared only where any is annotated."""
    counts: dict[str, tuple[int, int]] = {}
    if published.subjects is not None:
        counts["subjects"] = (summary.subjects, published.subjects)
    counts |= {f"{kind}-expressions": (summary.expressions[kind], n) for kind, n in published.expressions.items()}
    micro = {label: n["micro"] for label, n in summary.emotions.items() if n.get("micro")}
    if micro and published.emotions:
        labels = dict.fromkeys([*published.emotions, *micro])
        counts |= {f"micro: {label}": (micro.get(label, 0), published.emotions.get(label, 0)) for label in labels}
    return counts


def differing_counts(counts: Mapping[str, tuple[int, int]], source: str) -> Iterator[Finding]:
    """A finding for the counts that differ: a warning where the sheet is plainly a part of the dataset."""
    differing = [f"{name} {found} instead of {said}" for name, (found, said) in counts.items() if found != said]
    if not differing:
        return
    expressions = [pair for name, pair in counts.items() if name.endswith("-expressions")]
    found, said = (sum(pair[n] for pair in expressions) for n in (0, 1))
    if found < A_PART * said:
        text = f"this is a part of the dataset, {found} of the {said} expressions in {source}"
        yield Finding("warning", "counts", "", text)
    else:
        text = f"{', '.join(differing)} in {source}: is it another release, or incomplete? --no-counts skips this"
        yield Finding("error", "counts", "", text)


def span(e: Expression) -> str:
    """An expression in words; positions from 0, both ends included."""
    return f"the {e.kind}-expression in frames {e.onset} to {e.offset}"
