"""The frames of one video against what is annotated on them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from mebench.console import plural
from mebench.core import Dataset, Repair, Video
from mebench.errors import DataError
from mebench.frames import FolderFrames, VideoFrames
from mebench.frames.image_folder import file_number, natural
from mebench.frames.images import BadImageError, Size, decoded_size, image_size
from mebench.inspection.annotation_checks import KNOWN_DEFECT, Check, Finding, span

FIRST_FEW = 3
"""Gaps and files that one sentence names."""
FPS_TOLERANCE = 0.02
"""Share by which the frame rate that a video file states may differ from the annotated one: 29.97 is 30."""


def check_video(dataset: Dataset, video: Video, repairs: Sequence[Repair], deep: bool) -> tuple[int, list[Finding]]:
    """Look at the frames of a video.

    Args:
        dataset: that the video is of.
        video: as `Dataset.videos` gives it.
        repairs: those of the dataset, for the rows that a sentence names.
        deep: decode every frame; else only the headers and ends of image files are read. Neither sees damage inside a JPEG,
            BMP, TIFF or WebP.

    Returns:
        Number of its frames, and what is wrong.
    """
    where = f"{video.subject}/{video.id}"
    known = any(KNOWN_DEFECT in e.flags for e in video.expressions)

    def found(check: Check, text: str) -> Finding:
        if known:
            return Finding("warning", check, where, f"{text} (a known defect of the release)")
        return Finding("error", check, where, text)

    try:
        frames = dataset.frames(video)
    except DataError as error:
        # Without the name of the video, which stands before the sentence anyway.
        return 0, [found("missing_folder", str(error).removeprefix(f"{video.key} "))]
    try:
        n_frames = len(frames)
    except DataError as error:
        return 0, [found("video_file", str(error))]
    changes, findings = [r for r in repairs if r.row is not None and r.reason.startswith(f"{where}: ")], []
    for e in video.expressions:  # that had to be cut or moved because frames are not there
        if "cut" in e.flags or e.offset >= n_frames:
            text = f"{span(e)} is annotated beyond the {n_frames} frames that are there{_rows(changes, 'beyond')}"
            findings.append(found("beyond_video", text))
        if "missing_frame" in e.flags:
            text = f"{span(e)} begins, peaks or ends on a frame that is missing{_rows(changes, 'no file')}"
            findings.append(found("missing_frames", text))
    if isinstance(frames, FolderFrames):
        if frames.strays:
            few = f"{', '.join(frames.strays[:FIRST_FEW])}{_and_more(len(frames.strays) - FIRST_FEW, 'other image')}"
            text = f"{few} left aside: the frames are called as {frames.names[0]} is"
            findings.append(Finding("warning", "stray_image", where, text))
        findings += [found("numbering_gap", text) for text in _gaps(frames)]
        findings += [found(check, text) for check, text in _images(frames, deep)]
    else:
        shapes: Counter[tuple[int, ...]] = Counter()
        try:
            for index in range(n_frames if deep else 0):
                shapes[frames[index].shape[:2]] += 1
        except DataError as error:
            findings.append(found("video_file", str(error)))
        if len(shapes) > 1:
            sizes = ", ".join(f"{w}x{h}" for h, w in shapes)
            findings.append(found("video_file", f"its frames have {len(shapes)} different sizes: {sizes}"))
        if isinstance(frames, VideoFrames):
            said, uneven = frames.fps, frames.uneven
            if said is not None and video.fps and abs(said - video.fps) > FPS_TOLERANCE * video.fps:
                text = f"{frames.path.name} says {said:g} frames per second, the dataset {video.fps:g}"
                findings.append(Finding("warning", "video_file", where, text))
            if uneven:
                text = f"its frames are {uneven}: durations and k go by their mean rate"
                findings.append(Finding("warning", "video_file", where, text))
    return n_frames, findings


def _rows(changes: Sequence[Repair], what: str) -> str:
    """The cells that had to be changed, in words."""
    cells = [f"row {r.row}: {r.column} {r.found} read as {r.taken}" for r in changes if what in r.reason]
    return f" ({'; '.join(cells)})" if cells else ""


def _gaps(frames: FolderFrames) -> Iterator[str]:
    """File numbers that are missing between others, unless all are equally far apart."""
    every = [file_number(name) for name in sorted((*frames.names, *frames.damaged), key=natural)]
    numbers = [number for number in every if number is not None]
    steps = [b - a for a, b in pairwise(numbers)]
    if len(numbers) < len(every):
        if numbers:
            yield f"{plural(len(every) - len(numbers), 'image has', 'images have')} no number, the others have one"
        return
    twice = sorted(number for number, n in Counter(numbers).items() if n > 1)
    if twice:
        yield f"the file number {twice[0]} is not unique{_and_more(len(twice) - 1, 'other')}: remove copies"
        return
    if any(step < 0 for step in steps):
        yield "the file numbers do not rise in the order of the names"
        return
    if len(set(steps)) == 1:
        return
    gaps = [(a + 1, b - 1) for a, b in pairwise(numbers) if b - a > 1]
    if gaps:
        missing = sum(last - first + 1 for first, last in gaps)
        few = ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in gaps[:FIRST_FEW])
        more = _and_more(len(gaps) - FIRST_FEW, "other gap")
        verb = "is" if missing == 1 else "are"
        yield f"file {few}{more} {verb} missing between {numbers[0]} and {numbers[-1]} ({plural(missing, 'frame')})"


def _images(frames: FolderFrames, deep: bool) -> Iterator[tuple[Check, str]]:
    """Images that cannot be read, and those that have not the size of most others."""
    sizes: dict[str, Size] = {}
    bad: dict[str, str] = {}
    measure = decoded_size if deep else image_size
    for name in frames.names:
        try:
            sizes[name] = measure(frames.folder / name)
        except BadImageError as error:
            bad[name] = str(error)
    if bad:
        few = "; ".join(f"{name} {why}" for name, why in list(bad.items())[:FIRST_FEW])
        more, them = _and_more(len(bad) - FIRST_FEW, "other image"), "it" if len(bad) == 1 else "them"
        yield "unreadable_image", f"{few}{more}: copy {them} again"
    if len(set(sizes.values())) > 1:
        (width, height), most = Counter(sizes.values()).most_common(1)[0]
        odd = {name: size for name, size in sizes.items() if size != (width, height)}
        few = ", ".join(f"{name} has {w}x{h}" for name, (w, h) in list(odd.items())[:FIRST_FEW])
        more = _and_more(len(odd) - FIRST_FEW, "other image")
        yield "image_size", f"{few}{more}, while {most} of {len(sizes)} images have {width}x{height} pixels"


def _and_more(n: int, what: str) -> str:
    return f" and {plural(n, what)}" if n > 0 else ""
