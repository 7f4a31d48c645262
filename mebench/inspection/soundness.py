"""Check whether this copy of a dataset is sound: its annotations, frames and counts, and a hash of the ground truth."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Literal

from mebench.account import Account
from mebench.annotations.accounting import accounts_of, unknown_labels
from mebench.annotations.copies import copies_of_people
from mebench.core import Dataset, Expression, Frames, Kind, Published, Repair, Scheme, Video
from mebench.core.types import Unplaced
from mebench.errors import DataError, describe_error
from mebench.finding import Finding
from mebench.frames import FolderFrames, VideoFrames
from mebench.frames.image_folder import describe_strays, gap_in_numbers, list_few
from mebench.frames.images import BadImageError, Size, decoded_size, image_size
from mebench.inspection.dataset_summary import Summary, summarise_dataset
from mebench.output.terminal import escape_controls, format_count

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
    "unknown_label",
    "one_recording",
    "files_left_out",
    "name",
    "counts",
]

TITLES: Mapping[str, str] = {
    "no_frames": "frames not checked",
    "altered": "signs that this copy was changed",
    "missing_folder": "folders that are missing or cannot be opened",
    "missing_frames": "missing frames",
    "stray_image": "images that are not frames",
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
    "unknown_label": "labels that no emotion scheme knows",
    "one_recording": "one recording under two names",
    "files_left_out": "files left out",
    "name": "names that no record can hold",
    "counts": "counts that differ from the published ones",
}
"""The titles of the checks, in the order of a report."""

KNOWN_DEFECT = "known_defect"
"""Flag of an expression whose frames are incomplete in the release itself: not an error of this copy."""


LONGEST_MS: Mapping[Kind, float] = {"micro": 500.0, "macro": 4000.0}
"""A micro-expression lasts half a second at most (Yan et al. 2013, "How fast are the leaked facial expressions"), a
macro-expression four seconds (Ekman 2003, "Darwin, deception, and facial expression")."""


def odd_annotations(videos: Sequence[Video]) -> Iterator[Finding]:
    """Warnings about the annotations, independent of the frames.

    Args:
        videos: videos from `Dataset.as_annotated`.
    """
    for video in videos:
        for e in video.expressions:
            yield from _odd_expression(video, e)
        yield from _overlaps(video)


def _odd_expression(video: Video, e: Expression) -> Iterator[Finding]:
    """Warnings about the apex and the duration of an expression."""
    if "onset_is_apex" in e.flags or (e.apex == e.onset and e.offset > e.onset):
        yield _warning("onset_is_apex", _place(video), f"the apex of {expression_in_words(e)} is its onset")
    if not video.fps:
        return
    ms = 1000 * e.length / video.fps
    longest = LONGEST_MS[e.kind]
    if ms > longest:
        text = f"{expression_in_words(e)} lasts {ms:.0f} ms, and a {e.kind}-expression at most {longest:.0f}"
        yield _warning("too_long", _place(video), text)


def _overlaps(video: Video) -> Iterator[Finding]:
    """Warnings about expressions of a video that are annotated twice or overlap."""
    if not video.expressions:
        return
    ordered = sorted(video.expressions, key=lambda e: (e.onset, e.offset, e.kind))
    farthest = ordered[0]  # of the earlier expressions, the one that ends last
    for before, e in pairwise(ordered):
        if _same_interval(e, before):
            yield _warning("duplicate", _place(video), f"{expression_in_words(e)} is annotated twice")
        if e.onset <= farthest.offset and not _same_interval(e, farthest):
            text = f"{expression_in_words(e)} overlaps with {expression_in_words(farthest)}"
            yield _warning("overlap", _place(video), text)
        if e.offset > farthest.offset:
            farthest = e


def _same_interval(one: Expression, other: Expression) -> bool:
    """Whether two expressions agree in onset, offset and kind."""
    return (one.onset, one.offset, one.kind) == (other.onset, other.offset, other.kind)


def unprintable_names(videos: Sequence[Video], schemes: Iterable[Scheme]) -> Iterator[Finding]:
    """Warnings about invisible characters in subjects, videos and classes: a run with such a name cannot be published.

    Args:
        videos: videos from `Dataset.as_annotated`.
        schemes: schemes of the dataset.
    """
    names = list[tuple[str, str]]()
    for video in videos:
        names += [("subject", video.subject), ("video", video.id)]
    names += [("class", name) for scheme in schemes for name in scheme.classes]
    for what, name in dict.fromkeys(names):
        shown = escape_controls(name)
        if shown != name:
            text = f"the {what} {shown} holds invisible characters: no run of it can be published, so rename it"
            yield _warning("name", "", text)


def files_left_out(accounts: Iterable[Account]) -> Iterator[Finding]:
    """Warnings about files that are neither videos nor images; hidden files and doubles are told elsewhere."""
    for account in accounts:
        parts = [part for part in account.left_out if part.unit == "file" and part.reason == NO_VIDEO]
        if parts:
            which = ", ".join(part.which for part in parts)
            yield _warning(
                "files_left_out",
                "",
                f"{format_count(sum(part.n for part in parts), 'file')} left out, {NO_VIDEO}: {which}",
            )


NO_VIDEO = "neither a video nor an image"
"""Reason for which the dataset `folder` leaves a file out."""


def lost_rows(unplaced: Sequence[Unplaced], annotated: Sequence[Video], videos: Sequence[Video]) -> Iterator[Finding]:
    """Rows that cannot be scored: errors if frames are missing, warnings if the sheet is the reason.

    Args:
        unplaced: unplaced rows of the dataset.
        annotated: the videos from the annotations alone.
        videos: the same with the frames; rows that only the former have were lost with the frames.
    """
    by_frames = _count_rows(annotated)
    by_frames.subtract(_count_rows(videos))
    for row in unplaced:
        where = f"{row.subject}/{row.video}"
        text = f"row {row.row} ({row.kind}) counts, but cannot be scored: {row.reason}"
        key = (row.subject, row.video, row.kind, row.emotion)
        if by_frames[key] > 0:
            by_frames[key] -= 1
            yield _error("beyond_video", where, text)
        else:
            yield _warning("no_interval", where, text)


def _count_rows(videos: Sequence[Video]) -> Counter[tuple[str, str, Kind, str | None]]:
    """Number of expressions by subject, video, kind and emotion."""
    return Counter((v.subject, v.id, e.kind, e.emotion) for v in videos for e in v.expressions)


def differing_counts(counts: Mapping[str, tuple[int, int]], source: str) -> Iterator[Finding]:
    """A finding for differing counts: a warning if the sheet is plainly a part of the dataset."""
    differing = []
    for name, (found, published) in counts.items():
        if found != published:
            differing.append(f"{name} {found} instead of {published}")
    if not differing:
        return
    expressions = [pair for name, pair in counts.items() if name.endswith("-expressions")]
    n_found = sum(found for found, _ in expressions)
    n_published = sum(published for _, published in expressions)
    if n_found < PART_BELOW * n_published:
        text = f"this is a part of the dataset, {n_found} of the {n_published} expressions in {source}"
        yield _warning("counts", "", text)
    else:
        question = "is it another release, or incomplete? --no-counts skips this"
        yield _error("counts", "", f"{', '.join(differing)} in {source}: {question}")


PART_BELOW = 0.5
"""Share of the published expressions below which a sheet counts as a deliberate part of the dataset."""


def expression_in_words(e: Expression) -> str:
    """An expression in words; positions from 0, both ends included."""
    return f"the {e.kind}-expression in frames {e.onset} to {e.offset}"


FPS_TOLERANCE = 0.02
"""Tolerated relative difference between the frame rate of a video file and the annotated one: 29.97 is 30."""


def check_video(dataset: Dataset, video: Video, repairs: Sequence[Repair], deep: bool) -> tuple[int, list[Finding]]:
    """Check the frames of a video.

    Args:
        dataset: the dataset of the video.
        video: a video from `Dataset.videos`.
        repairs: repairs of the dataset, whose rows sentences name.
        deep: whether every frame is decoded; else only the headers and ends of image files are read. Neither sees damage
            inside a JPEG, BMP, TIFF or WebP.

    Returns: Number of its frames, and the findings.
    """
    try:
        frames = dataset.frames(video)
    except DataError as error:
        # The finding names the video already.
        return 0, [_fault(video, "missing_folder", str(error).removeprefix(f"{video.key} "))]
    try:
        n_frames = len(frames)
    except DataError as error:
        return 0, [_fault(video, "video_file", str(error))]
    findings = [*_expressions_without_frames(video, n_frames, repairs)]
    if isinstance(frames, FolderFrames):
        findings += _check_images(video, frames, deep)
    elif deep:
        findings += _check_decoding(video, frames)
    if isinstance(frames, VideoFrames):
        findings += _check_film(video, frames)
    return n_frames, findings


def _check_alone(dataset: Dataset, video: Video, repairs: Sequence[Repair], deep: bool) -> tuple[int, list[Finding]]:
    """The result of `check_video`; any other error is a finding about the video, and stops no other."""
    try:
        return check_video(dataset, video, repairs, deep)
    except Exception as error:
        return 0, [_fault(video, "video_file", f"cannot be checked: {describe_error(error)}")]


def _error(check: Check, where: str, text: str) -> Finding:
    """This copy differs from the release, or cannot be read."""
    return Finding("error", where, text, topic=check)


def _warning(check: Check, where: str, text: str) -> Finding:
    """An annotation of the authors is odd, or something was not checked."""
    return Finding("warning", where, text, topic=check)


def _fault(video: Video, check: Check, text: str) -> Finding:
    """An error about a video; a warning if the release itself has the defect."""
    if any(KNOWN_DEFECT in e.flags for e in video.expressions):
        return _warning(check, _place(video), f"{text} (a known defect of the release)")
    return _error(check, _place(video), text)


def _place(video: Video) -> str:
    """The name of a video in a finding."""
    return f"{video.subject}/{video.id}"


def _expressions_without_frames(video: Video, n_frames: int, repairs: Sequence[Repair]) -> Iterator[Finding]:
    """Expressions that were cut or moved because frames are missing."""
    changes = [r for r in repairs if r.row is not None and r.reason.startswith(f"{_place(video)}: ")]
    for e in video.expressions:
        if "cut" in e.flags or e.offset >= n_frames:
            beyond = f"is annotated beyond the {n_frames} existing frames{_changed_cells(changes, 'beyond')}"
            yield _fault(video, "beyond_video", f"{expression_in_words(e)} {beyond}")
        if "missing_frame" in e.flags:
            on_gap = f"begins, peaks or ends on a frame that is missing{_changed_cells(changes, 'no file')}"
            yield _fault(video, "missing_frames", f"{expression_in_words(e)} {on_gap}")


def _changed_cells(changes: Sequence[Repair], why: str) -> str:
    """The cells changed for a reason, in words."""
    cells = [f"row {r.row}: {r.column} {r.found} read as {r.taken}" for r in changes if why in r.reason]
    return f" ({'; '.join(cells)})" if cells else ""


def _check_images(video: Video, frames: FolderFrames, deep: bool) -> Iterator[Finding]:
    """Check names, numbers, content and sizes of a video's images."""
    if frames.strays:
        yield _warning("stray_image", _place(video), describe_strays(frames.strays, frames.doubles, frames.names[0]))
    gap = gap_in_numbers([*frames.names, *frames.damaged])
    if gap:
        yield _fault(video, "numbering_gap", gap)
    sizes: dict[str, Size] = {}
    unreadable: list[str] = []
    measure = decoded_size if deep else image_size
    for name in frames.names:
        try:
            sizes[name] = measure(frames.folder / name)
        except BadImageError as error:
            unreadable.append(f"{name} {error}")
    if unreadable:
        few = list_few(unreadable, "other image", between="; ")
        yield _fault(video, "unreadable_image", f"{few}: copy {'it' if len(unreadable) == 1 else 'them'} again")
    if len(set(sizes.values())) > 1:
        yield _fault(video, "image_size", _differing_sizes(sizes))


def _differing_sizes(sizes: Mapping[str, Size]) -> str:
    """The images whose size differs from most others, in words."""
    ((usual, n_usual),) = Counter(sizes.values()).most_common(1)
    odd = [f"{name} has {_size_in_words(size)}" for name, size in sizes.items() if size != usual]
    few = list_few(odd, "other image")
    return f"{few}, while {n_usual} of {len(sizes)} images have {_size_in_words(usual)} pixels"


def _size_in_words(size: Size) -> str:
    """Width and height with a sign between."""
    width, height = size
    return f"{width}x{height}"


def _check_decoding(video: Video, frames: Frames) -> Iterator[Finding]:
    """Decode every frame: each must be readable and have the same size."""
    shapes = dict[tuple[int, ...], None]()
    try:
        for index in range(len(frames)):
            shapes.setdefault(frames[index].shape[:2])
    except DataError as error:
        yield _fault(video, "video_file", str(error))
    if len(shapes) > 1:
        sizes = ", ".join(f"{width}x{height}" for height, width in shapes)
        yield _fault(video, "video_file", f"its frames have {len(shapes)} different sizes: {sizes}")


def _check_film(video: Video, frames: VideoFrames) -> Iterator[Finding]:
    """Warnings about a video file: another frame rate than the annotated one, odd times."""
    stated = frames.fps
    if stated is not None and video.fps and abs(stated - video.fps) > FPS_TOLERANCE * video.fps:
        text = f"{frames.path.name} states {stated:g} frames per second, the dataset {video.fps:g}"
        yield _warning("video_file", _place(video), text)
    for note in frames.notes:
        yield _warning("video_file", _place(video), note)


@dataclass(frozen=True)
class Verification:
    """The findings of one dataset's verification.

    Attributes:
        summary: contents of the dataset.
        repairs: repairs of its annotations.
        frames: number of checked frames.
        deep: whether they were decoded.
        counts: pair (found, published) by name; empty without a comparison.
        source: source of the published counts.
        findings: findings in the order of `TITLES`, then of the videos.
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
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """Number of warnings."""
        return len(self.findings) - self.errors

    def is_sound(self, strict: bool = False) -> bool:
        """Whether there is no error and, with `strict`, no warning."""
        return not (self.findings if strict else self.errors)

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        counts = {name: {"found": found, "published": published} for name, (found, published) in self.counts.items()}
        findings = []
        for finding in self.findings:
            level = finding.severity
            findings.append({"level": level, "check": finding.topic, "where": finding.where, "text": finding.message})
        contents = {name: value for name, value in self.summary.items() if name not in ("hash", "repairs", "account")}
        return {
            "hash": self.summary["hash"],
            "errors": self.errors,
            "warnings": self.warnings,
            "frames": self.frames,
            "deep": self.deep,
            "seconds": round(self.seconds, 3),
            "findings": findings,
            "counts": counts,
            "counts_source": self.source,
            "repairs": self.summary["repairs"],
            "account": self.summary["account"],
            "summary": contents,
        }


def verify_dataset(
    dataset: Dataset, deep: bool = False, counts: bool = True, tick: Callable[[int], object] | None = None
) -> Verification:
    """Check the annotations, every annotated frame, and the counts.

    Args:
        dataset: the dataset; without a root only its annotations are checked.
        deep: whether every frame is decoded; else only the headers and ends of image files are read. Neither sees damage
            inside a JPEG, BMP, TIFF or WebP.
        counts: whether the counts are compared with the published ones.
        tick: function called after each video of `Dataset.videos` with the number of its frames.

    Raises:
        DataError: the annotations are missing or cannot be read.
    """
    summary = summarise_dataset(dataset)
    repairs = tuple(dataset.repair_rows())
    annotated = dataset.as_annotated()
    findings = [_error("altered", "", str(repair)) for repair in repairs if repair.altered]
    findings += unprintable_names(annotated, dataset.schemes.values())
    findings += odd_annotations(annotated)
    findings += unknown_labels(dataset)
    findings += files_left_out(accounts_of(dataset))
    findings += lost_rows(dataset.unplaced(), annotated, dataset.videos())
    published = dataset.published if counts else None
    compared: dict[str, tuple[int, int]] = {}
    if published is not None:
        compared = _counts_beside_published(dataset, published, summary)
        findings += differing_counts(compared, published.source)
    started = time.perf_counter()
    n_frames, of_frames = _check_all_frames(dataset, repairs, deep, tick)
    findings += of_frames
    if n_frames and any(video.expressions for video in annotated):
        findings += _recordings_of_two_people(dataset)
    order = {check: position for position, check in enumerate(TITLES)}
    return Verification(
        summary=summary,
        repairs=repairs,
        frames=n_frames,
        deep=deep,
        counts=compared,
        source=published.source if published is not None and compared else "",
        findings=tuple(sorted(findings, key=lambda finding: order[finding.topic])),
        seconds=time.perf_counter() - started,
    )


def _counts_beside_published(dataset: Dataset, published: Published, summary: Summary) -> dict[str, tuple[int, int]]:
    """Pairs (found, published) of all counts, those of emotions only where both sides have some."""
    pairs = dict(dataset.beside_published())
    micro = summary["emotions_by_kind"].get("micro", {})
    if micro and published.emotions:
        for label in dict.fromkeys([*published.emotions, *micro]):
            pairs[f"micro: {label}"] = (micro.get(label, 0), published.emotions.get(label, 0))
    return pairs


def _recordings_of_two_people(dataset: Dataset) -> Iterator[Finding]:
    """Errors about recordings under two names, which a run refuses: it would train on a tested person."""
    for one, other in copies_of_people(dataset, dataset.videos()):
        text = (
            f"{one.key} and {other.key} are one recording under two names: leave one out, or give both the same subject"
        )
        yield _error("one_recording", "", text)


N_THREADS = 4
"""Number of videos checked at once: while one thread waits for the disk, others read."""


def _check_all_frames(
    dataset: Dataset, repairs: Sequence[Repair], deep: bool, tick: Callable[[int], object] | None
) -> tuple[int, list[Finding]]:
    """Number of checked frames, and the findings about them in the order of the videos."""
    if not dataset.has_frames:
        return 0, [_warning("no_frames", "", "this dataset has ready-made features and no frames")]
    if getattr(dataset.params, "root", "") is None:
        text = "only the annotations were checked: add dataset.root=PATH for the frames"
        return 0, [_warning("no_frames", "", text)]
    n_frames = 0
    findings = list[Finding]()
    check = partial(_check_alone, dataset, repairs=repairs, deep=deep)
    with ThreadPoolExecutor(N_THREADS) as pool:
        for n_of_video, of_video in pool.map(check, dataset.videos()):
            n_frames += n_of_video
            findings += of_video
            if tick is not None:
                tick(n_of_video)
    return n_frames, findings
