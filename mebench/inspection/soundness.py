"""Check whether this copy of a dataset is sound: its annotations, frames and counts, and a hash of the ground truth."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import accumulate, chain, pairwise
from typing import Any, Literal

from mebench.console import plural, printable
from mebench.core import Dataset, Expression, Kind, Repair, Scheme, Unplaced, Video
from mebench.errors import DataError
from mebench.frames import (
    BadImageError,
    FolderFrames,
    Size,
    VideoFrames,
    decoded_size,
    file_number,
    image_size,
    natural,
)
from mebench.inspection.dataset_summary import Summary, summarise

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
    "no_frames": "frames not checked",
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
"""The titles of the checks, in the order of a report."""

KNOWN_DEFECT = "known_defect"
"""Flag of an expression whose frames are incomplete in the release itself: not an error of this copy."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of a check.

    Attributes:
        level: `error`: this copy differs from the release, or cannot be read; `warning`: an annotation of the authors
            is odd, or something was not checked.
        check: which check.
        where: `subject/video`, or empty for the whole dataset.
        text: one sentence.
    """

    level: Literal["error", "warning"]
    check: Check
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


LONGEST_MS: Mapping[Kind, float] = {"micro": 500.0, "macro": 4000.0}
"""A micro-expression lasts half a second at most (Yan et al. 2013, "How fast are the leaked facial expressions"), a
macro-expression four seconds (Ekman 2003, "Darwin, deception, and facial expression")."""


def odd_annotations(videos: Sequence[Video]) -> Iterator[Finding]:
    """Warnings about the annotations, independent of the frames.

    Args:
        videos: as `Dataset.as_annotated` gives them.
    """
    for video in videos:
        where = f"{video.subject}/{video.id}"
        for e in video.expressions:
            if "onset_is_apex" in e.flags or (e.apex == e.onset and e.offset > e.onset):
                yield Finding("warning", "onset_is_apex", where, f"the apex of {span(e)} is its onset")
            if video.fps and (ms := 1000 * e.length / video.fps) > LONGEST_MS[e.kind]:
                text = f"{span(e)} lasts {ms:.0f} ms, and a {e.kind}-expression at most {LONGEST_MS[e.kind]:.0f}"
                yield Finding("warning", "too_long", where, text)
        ordered = sorted(video.expressions, key=lambda e: (e.onset, e.offset, e.kind))
        # Compare each with the one before it, and with the one before it that ends last.
        reaching: Iterator[Expression] = accumulate(ordered, lambda a, b: max(a, b, key=lambda one: one.offset))
        for before, e, farthest in zip(ordered, ordered[1:], reaching):
            if (e.onset, e.offset, e.kind) == (before.onset, before.offset, before.kind):
                yield Finding("warning", "duplicate", where, f"{span(e)} is annotated twice")
            same = (e.onset, e.offset, e.kind) == (farthest.onset, farthest.offset, farthest.kind)
            if e.onset <= farthest.offset and not same:
                yield Finding("warning", "overlap", where, f"{span(e)} overlaps with {span(farthest)}")


def unprintable_names(videos: Sequence[Video], schemes: Iterable[Scheme]) -> Iterator[Finding]:
    """Warnings about invisible characters in subjects, videos and classes: a run with such a name cannot be published.

    Args:
        videos: as `Dataset.as_annotated` gives them.
        schemes: those of the dataset.
    """
    of_videos = ((("subject", v.subject), ("video", v.id)) for v in videos)
    of_schemes = ((("class", name) for name in scheme.classes) for scheme in schemes)
    for what, name in dict.fromkeys(chain.from_iterable([*of_videos, *of_schemes])):
        if printable(name) != name:
            text = (
                f"the {what} {printable(name)} holds invisible characters: no run of it can be published, so rename it"
            )
            yield Finding("warning", "name", "", text)


def lost_rows(unplaced: Sequence[Unplaced], annotated: Sequence[Video], videos: Sequence[Video]) -> Iterator[Finding]:
    """Rows that cannot be scored: errors if frames are missing, warnings if the sheet is the reason.

    Args:
        unplaced: of the dataset.
        annotated: the videos from the annotations alone.
        videos: the same with the frames; rows that only the former have were lost with the frames.
    """
    by_frames = _named_rows(annotated)
    by_frames.subtract(_named_rows(videos))
    for row in unplaced:
        key = (row.subject, row.video, row.kind, row.emotion)
        frames_missing = by_frames[key] > 0
        by_frames[key] -= frames_missing
        text = f"row {row.row} ({row.kind}) counts, but cannot be scored: {row.reason}"
        check: Check = "beyond_video" if frames_missing else "no_interval"
        yield Finding("error" if frames_missing else "warning", check, f"{row.subject}/{row.video}", text)


def _named_rows(videos: Sequence[Video]) -> Counter[tuple[str, str, Kind, str | None]]:
    return Counter((v.subject, v.id, e.kind, e.emotion) for v in videos for e in v.expressions)


def differing_counts(counts: Mapping[str, tuple[int, int]], source: str) -> Iterator[Finding]:
    """A finding for differing counts: a warning if the sheet is plainly a part of the dataset."""
    differing = [
        f"{name} {found} instead of {published}" for name, (found, published) in counts.items() if found != published
    ]
    if not differing:
        return
    expressions = [pair for name, pair in counts.items() if name.endswith("-expressions")]
    found, published = (sum(pair[n] for pair in expressions) for n in (0, 1))
    part = found < 0.5 * published  # a sheet with fewer expressions counts as a deliberate part of the dataset
    text = (
        f"this is a part of the dataset, {found} of the {published} expressions in {source}"
        if part
        else f"{', '.join(differing)} in {source}: is it another release, or incomplete? --no-counts skips this"
    )
    yield Finding("warning" if part else "error", "counts", "", text)


def span(e: Expression) -> str:
    """An expression in words; positions from 0, both ends included."""
    return f"the {e.kind}-expression in frames {e.onset} to {e.offset}"


FIRST_FEW = 3
"""Most gaps and files in one sentence."""
FPS_TOLERANCE = 0.02
"""Tolerated relative difference between the frame rate of a video file and the annotated one: 29.97 is 30."""


def check_video(dataset: Dataset, video: Video, repairs: Sequence[Repair], deep: bool) -> tuple[int, list[Finding]]:
    """Check the frames of a video.

    Args:
        dataset: the dataset of the video.
        video: as `Dataset.videos` gives it.
        repairs: repairs of the dataset, whose rows sentences name.
        deep: decode every frame; else only the headers and ends of image files are read. Neither sees damage inside a JPEG,
            BMP, TIFF or WebP.

    Returns: Number of its frames, and the findings.
    """
    where = f"{video.subject}/{video.id}"
    known = any(KNOWN_DEFECT in e.flags for e in video.expressions)

    def finding(check: Check, text: str) -> Finding:
        note = " (a known defect of the release)" if known else ""
        return Finding("warning" if known else "error", check, where, text + note)

    try:
        frames = dataset.frames(video)
    except DataError as error:
        # Without the name of the video, which precedes the sentence anyway.
        return 0, [finding("missing_folder", str(error).removeprefix(f"{video.key} "))]
    try:
        n_frames = len(frames)
    except DataError as error:
        return 0, [finding("video_file", str(error))]
    changes, findings = [r for r in repairs if r.row is not None and r.reason.startswith(f"{where}: ")], []
    for e in video.expressions:  # repairs that cut or moved an expression because frames are missing
        if "cut" in e.flags or e.offset >= n_frames:
            text = f"{span(e)} is annotated beyond the {n_frames} existing frames{_rows(changes, 'beyond')}"
            findings.append(finding("beyond_video", text))
        if "missing_frame" in e.flags:
            text = f"{span(e)} begins, peaks or ends on a frame that is missing{_rows(changes, 'no file')}"
            findings.append(finding("missing_frames", text))
    if isinstance(frames, FolderFrames):
        if frames.strays:
            text = f"{_first_few(frames.strays, 'other image')} skipped: the frames are named like {frames.names[0]}"
            findings.append(Finding("warning", "stray_image", where, text))
        findings += [finding("numbering_gap", text) for text in _gaps(frames)]
        findings += [finding(check, text) for check, text in _images(frames, deep)]
    else:
        shapes: Counter[tuple[int, ...]] = Counter()
        try:
            for index in range(n_frames if deep else 0):
                shapes[frames[index].shape[:2]] += 1
        except DataError as error:
            findings.append(finding("video_file", str(error)))
        if len(shapes) > 1:
            sizes = ", ".join(f"{w}x{h}" for h, w in shapes)
            findings.append(finding("video_file", f"its frames have {len(shapes)} different sizes: {sizes}"))
        if isinstance(frames, VideoFrames):
            fps, uneven = frames.fps, frames.uneven
            if fps is not None and video.fps and abs(fps - video.fps) > FPS_TOLERANCE * video.fps:
                text = f"{frames.path.name} states {fps:g} frames per second, the dataset {video.fps:g}"
                findings.append(Finding("warning", "video_file", where, text))
            if uneven:
                text = f"its frames are {uneven}: durations and k go by their mean rate"
                findings.append(Finding("warning", "video_file", where, text))
    return n_frames, findings


def _rows(changes: Sequence[Repair], what: str) -> str:
    """The changed cells, in words."""
    cells = [f"row {r.row}: {r.column} {r.found} read as {r.taken}" for r in changes if what in r.reason]
    return f" ({'; '.join(cells)})" if cells else ""


def _gaps(frames: FolderFrames) -> Iterator[str]:
    """File numbers missing between others, unless the numbers have a constant step."""
    every = [file_number(name) for name in sorted((*frames.names, *frames.damaged), key=natural)]
    numbers = [number for number in every if number is not None]
    steps = [b - a for a, b in pairwise(numbers)]
    if len(numbers) < len(every):
        if numbers:
            yield f"{plural(len(every) - len(numbers), 'image has', 'images have')} no number, the others have one"
    elif twice := sorted(number for number, n in Counter(numbers).items() if n > 1):
        others = f" and {plural(len(twice) - 1, 'other')}" if len(twice) > 1 else ""
        yield f"the file number {twice[0]} is not unique{others}: remove copies"
    elif any(step < 0 for step in steps):
        yield "the file numbers do not rise in the order of the names"
    elif len(set(steps)) > 1:
        gaps = [(a + 1, b - 1) for a, b in pairwise(numbers) if b - a > 1]
        missing = sum(last - first + 1 for first, last in gaps)
        few = _first_few([f"{first}" if first == last else f"{first} to {last}" for first, last in gaps], "other gap")
        verb = "is" if missing == 1 else "are"
        yield f"file {few} {verb} missing between {numbers[0]} and {numbers[-1]} ({plural(missing, 'frame')})"


def _images(frames: FolderFrames, deep: bool) -> Iterator[tuple[Check, str]]:
    """Images that cannot be read, and images whose size differs from most others."""
    sizes: dict[str, Size] = {}
    bad: dict[str, str] = {}
    measure = decoded_size if deep else image_size
    for name in frames.names:
        try:
            sizes[name] = measure(frames.folder / name)
        except BadImageError as error:
            bad[name] = str(error)
    if bad:
        few = _first_few([f"{name} {why}" for name, why in bad.items()], "other image", between="; ")
        yield "unreadable_image", f"{few}: copy {'it' if len(bad) == 1 else 'them'} again"
    if len(set(sizes.values())) > 1:
        (width, height), most = Counter(sizes.values()).most_common(1)[0]
        odd = [f"{name} has {w}x{h}" for name, (w, h) in sizes.items() if (w, h) != (width, height)]
        few = _first_few(odd, "other image")
        yield "image_size", f"{few}, while {most} of {len(sizes)} images have {width}x{height} pixels"


def _first_few(texts: Sequence[str], what: str, between: str = ", ") -> str:
    """The first of some texts, and the number of the others."""
    more = f" and {plural(len(texts) - FIRST_FEW, what)}" if len(texts) > FIRST_FEW else ""
    return between.join(texts[:FIRST_FEW]) + more


@dataclass(frozen=True)
class Verification:
    """The findings of one dataset's verification.

    Attributes:
        summary: what it holds.
        repairs: of its annotations.
        frames: number of checked frames.
        deep: whether they were decoded.
        counts: name -> (found, published); empty without a comparison.
        source: source of the published counts.
        findings: in the order of `TITLES`, then of the videos.
        seconds: time spent on the frames.
    """

    summary: Summary
    repairs: tuple[Repair, ...]
    frames: int
    deep: bool
    counts: dict[str, tuple[int, int]]
    source: str
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def errors(self) -> int:
        """Number of errors."""
        return sum(finding.level == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """Number of warnings."""
        return len(self.findings) - self.errors

    def sound(self, strict: bool = False) -> bool:
        """Whether there is no error and, with `strict`, no warning."""
        return not (self.findings if strict else self.errors)

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "hash": self.summary["hash"],
            "errors": self.errors,
            "warnings": self.warnings,
            "frames": self.frames,
            "deep": self.deep,
            "seconds": round(self.seconds, 3),
            "findings": [asdict(finding) for finding in self.findings],
            "counts": {
                name: {"found": found, "published": published} for name, (found, published) in self.counts.items()
            },
            "counts_source": self.source,
            "repairs": self.summary["repairs"],
            "summary": {name: value for name, value in self.summary.items() if name not in ("hash", "repairs")},
        }


def verify(
    dataset: Dataset, deep: bool = False, counts: bool = True, tick: Callable[[int], object] | None = None
) -> Verification:
    """Check the annotations, every annotated frame, and the counts.

    Args:
        dataset: the dataset; without a root only its annotations are checked.
        deep: decode every frame; else only the headers and ends of image files are read. Neither sees damage inside a JPEG,
            BMP, TIFF or WebP.
        counts: compare with the published counts.
        tick: called after each video of `Dataset.videos` with the number of its frames.

    Raises:
        DataError: the annotations are missing or cannot be read.
    """
    summary, repairs = summarise(dataset), tuple(dataset.repair_rows())
    annotated = dataset.as_annotated()
    findings = [
        *(Finding("error", "altered", "", str(repair)) for repair in repairs if repair.altered),
        *unprintable_names(annotated, dataset.schemes.values()),
        *odd_annotations(annotated),
        *lost_rows(dataset.unplaced(), annotated, dataset.videos()),
    ]
    compared: dict[str, tuple[int, int]] = {}
    if counts and (published := dataset.published) is not None:
        compared |= dataset.beside_published()
        micro = summary["emotions_by_kind"].get("micro", {})
        for label in dict.fromkeys([*published.emotions, *micro]) if micro and published.emotions else ():
            compared[f"micro: {label}"] = (micro.get(label, 0), published.emotions.get(label, 0))
        findings += differing_counts(compared, published.source)
    frames, started = 0, time.perf_counter()
    if not dataset.has_frames:
        findings.append(Finding("warning", "no_frames", "", "this dataset has ready-made features and no frames"))
    elif getattr(dataset.params, "root", "") is None:
        text = "only the annotations were checked: add dataset.root=PATH for the frames"
        findings.append(Finding("warning", "no_frames", "", text))
    else:
        look = partial(check_video, dataset, repairs=repairs, deep=deep)
        # Number of videos checked at once: while one thread waits for the disk, others read.
        with ThreadPoolExecutor(4) as pool:
            for n_frames, more in pool.map(look, dataset.videos()):
                frames += n_frames
                findings += more
                if tick is not None:
                    tick(n_frames)
    return Verification(
        summary,
        repairs,
        frames,
        deep,
        compared,
        dataset.published.source if compared and dataset.published else "",
        tuple(sorted(findings, key=lambda finding: list(TITLES).index(finding.check))),
        time.perf_counter() - started,
    )
