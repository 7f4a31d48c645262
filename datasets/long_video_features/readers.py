"""The files of six programs as series of features: their videos, numbers of frames, and values."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.annotations import unpickled
from mebench.errors import DataError
from mebench.files import open_plain

from .truth import Name, name_of, natural, of_labels

FPS = {"samm_lv": 200.0, "cas_me2": 30.0, "casme3": 30.0}
STEPS = {
    ("abpn", "samm_lv"): 8.0,
    ("me_tst", "samm_lv"): 7.0,
    ("boosting_vrme", "samm_lv"): 7.0,
    ("spotformer", "samm_lv"): 7.0,
    ("lgsnet", "samm_lv"): 20 / 3,
}
"""Frames of the recording from one frame of the features to the next, if the authors skip frames."""
I3D, I3D_WIDTH = "i3d", 1024
"""Name of the features, and channels of a stream."""
MOST = 2**31
"""Bytes of one file."""
EDGE = 7
"""Rows that a segment of ABPN or AUW-GCN has before and after its own."""
REGIONS = 12
CACHED = {"samm_lv": "SAMMLV_dataset", "casme3": "CASME_3_dataset"}
"""Names of the files of ME-TST and BoostingVRME, which lie side by side in their repositories."""
N_REGIONS = {"me_tst": 5, "boosting_vrme": 18}
"""Regions of their windows, u and v of each."""
GROUPS = ((0, 1, 2), (3, 4, 5), (8, 9, 10, 11), (6,), (7,))
"""Places of the regions of both brows, the mouth and both sides of the nose among twelve, in the order of ME-TST's
numbers.
"""
KEPT = (1, 2, 3, 5, 6, 7, 9, 10, 11, 12)
"""Regions of SpotFormer's files that its program reads: both brows, and the mouth."""
PLACES = (0, 1, 2, 3, 4, 5, 8, 9, 10, 11)
"""Their places among twelve; the nose between them stays 0."""
Spans = list[tuple[str, int, int | None, int]]
"""Kind, onset, apex and offset in frames of the features."""


@dataclass(frozen=True)
class Series:
    """The features of one video.

    Attributes:
        n_frames: of the video, as the features count.
        files: the files of the features.
        read: gives them: motion (n_frames - 1, 12, 1, 2) from each frame to the next, or I3D (rows, channels).
        spans: where its own labels put expressions; None if the file has none.
    """

    n_frames: int
    files: tuple[Path, ...]
    read: Callable[[], NDArray[np.float16]]
    spans: Callable[[], Spans] | None = None


def numbers(file: Path, key: str = "") -> NDArray[Any]:
    """The array of a file of NumPy, or the one called `key`.

    Raises:
        DataError: it is damaged, has no such array, or one of objects.
    """
    try:
        with open_plain(file, MOST) as opened:
            found = np.load(opened, allow_pickle=False)
            return np.asarray(found[key] if key else found)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{file} holds no array {key} ({error}): copy it again from the published set") from None


def _motion(found: NDArray[Any], file: Path, shape: tuple[int, ...]) -> NDArray[np.float16]:
    """The array, if it is finite numbers of (n, *shape); -1 stands for any length."""
    fits = found.ndim == 1 + len(shape) and all(b in (-1, a) for a, b in zip(found.shape[1:], shape))
    if not fits or not len(found) or found.dtype.kind not in "fiu" or not np.isfinite(found).all():
        wanted = ", ".join("any" if size == -1 else str(size) for size in ("frames", *shape))
        raise DataError(
            f"{file} holds {found.dtype} of shape {found.shape}: expected finite numbers of shape ({wanted}). Check dataset.layout"
        )
    return found.astype(np.float16)


def _of_files(files: Sequence[Path], of: str, root: Path, example: str) -> dict[Name, Path]:
    """Each file by the video that it is called by."""
    found: dict[Name, Path] = {}
    for file in files:
        name = name_of(file.stem, of) or name_of(f"{file.parent.name}/{file.stem}", of)
        if name is None:
            raise DataError(f"{file} belongs to no video of dataset.of={of}: expected names such as {example}")
        if name in found:
            raise DataError(
                f"{found[name]} and {file} are both of {name[1]}: move one of them out of dataset.root={root}"
            )
        found[name] = file
    return found


def abpn(root: Path, of: str) -> dict[Name, Series]:
    """Segments of 256 frames with 7 more on both sides and their labels, `train/samm_006/samm_006_1_0256.npz`, or whole
    videos, `samm_006/samm_006_1.npy`, (frames, 12, 2).
    """
    parts: dict[Name, dict[int, Path]] = {}
    for file in sorted(root.rglob("[!.]*.npz")):
        stem, _, first = file.stem.rpartition("_")
        if file.stem.endswith(("-rgb", "-flow")) or not first.isdigit():
            continue
        if (name := name_of(stem, of)) is None:
            raise DataError(
                f"{file} belongs to no video of dataset.of={of}: expected names such as samm_006_1_0256.npz"
            )
        parts.setdefault(name, {})[int(first)] = file
    found = {}
    for name, segments in parts.items():
        firsts = sorted(segments)
        own = len(numbers(segments[firsts[0]], "feature")) - 2 * EDGE
        if own < 1 or firsts != list(range(0, len(firsts) * own, own)):
            raise DataError(
                f"segments of {name[1]} begin at {', '.join(map(str, firsts[:4]))} …, in steps of other than the {own} frames that they "
                "hold: some are missing; copy them again from the published set"
            )
        files = tuple(segments[first] for first in firsts)
        last = _motion(numbers(files[-1], "feature"), files[-1], (REGIONS, 2))[EDGE:-EDGE]
        moving = np.flatnonzero(last.reshape(len(last), -1).any(1))  # beyond the video nothing moves
        rows = (len(files) - 1) * own + (int(moving[-1]) + 1 if len(moving) else 1)
        found[name] = Series(rows + 1, files, _Joined(files, rows, "feature"), _Labels(files, rows))
    if parts:
        return found
    whole = _of_files(sorted(root.rglob("[!.]*.npy")), of, root, "samm_006_1.npy")
    return {name: Series(_length(file) + 1, (file,), partial(_whole, file)) for name, file in whole.items()}


def _whole(file: Path) -> NDArray[np.float16]:
    return _motion(numbers(file), file, (REGIONS, 2))[:, :, None]


@dataclass(frozen=True)
class _Joined:
    """Segments put together again, without their edges."""

    files: tuple[Path, ...]
    rows: int
    key: str

    def __call__(self) -> NDArray[np.float16]:
        parts = [_motion(numbers(file, self.key), file, (REGIONS, 2))[EDGE:-EDGE] for file in self.files]
        return np.concatenate(parts)[: self.rows, :, None]


@dataclass(frozen=True)
class _Labels:
    """The labels of segments: start, apex, end and action of micro-expressions, then of macro-expressions."""

    files: tuple[Path, ...]
    rows: int

    def __call__(self) -> Spans:
        parts = []
        for file in self.files:
            try:
                labels = numbers(file, "label")
            except DataError:
                raise DataError(
                    f"{file} holds no labels of expressions: give a list of the expressions as dataset.truth=PATH"
                ) from None
            if labels.ndim != 2 or labels.shape[1] != 8:
                raise DataError(
                    f"{file} holds labels of shape {labels.shape}: expected (frames, 8). Give a list of the expressions "
                    "instead, as dataset.truth=PATH"
                )
            parts.append(labels[EDGE:-EDGE])
        whole, found = np.concatenate(parts)[: self.rows], Spans()
        for kind, column in (("micro", 0), ("macro", 4)):
            frames = {
                what: np.flatnonzero(whole[:, column + place]).tolist()
                for place, what in enumerate(("start", "apex", "end"))
            }
            try:
                found += [(kind, *span) for span in of_labels(frames)]
            except ValueError as error:
                raise DataError(
                    f"the labels of {self.files[0].stem.rpartition('_')[0]} have {error}: two {kind}-expressions share a frame; give the "
                    "list of them as dataset.truth=PATH"
                ) from None
        return found


def spotformer(root: Path, of: str) -> dict[Name, Series]:
    """For each frame the 17 around it, how far 13 regions have moved since the first of them:
    `samm_006/samm_006_1.npy`.
    """
    files = _of_files(sorted(root.rglob("[!.]*.npy")), of, root, "samm_006_1.npy")
    return {name: Series(_length(file) + 1, (file,), partial(_middle_steps, file)) for name, file in files.items()}


def _length(file: Path) -> int:
    try:
        with open_plain(file, MOST) as opened:
            version = np.lib.format.read_magic(opened)
            header = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
            return int(header(opened)[0][0])
    except (OSError, ValueError, IndexError) as error:
        raise DataError(f"{file} is not a NumPy array ({error}): copy it again from the published set") from None


def _middle_steps(file: Path) -> NDArray[np.float16]:
    """The motion from the middle of each window to the next frame."""
    windows = _motion(numbers(file), file, (17, -1, 2))
    if windows.shape[2] <= max(KEPT):
        raise DataError(f"{file} holds {windows.shape[2]} regions: expected 13. Copy it again from the published set")
    found = np.zeros((len(windows), REGIONS, 1, 2), np.float16)
    found[:, list(PLACES), 0] = (windows[:, 9] - windows[:, 8])[:, list(KEPT)]
    return found


def me_tst(root: Path, of: str, names: Sequence[Name], layout: str) -> dict[Name, Series]:
    """`cache/SAMMLV_dataset.pkl`, or `CASME_3_dataset_1.pkl` to 5: a list for each video with micro-expressions, in the
    natural order of their folders, of windows (10, k) at steps of k / 2 frames; (36, k) of BoostingVRME.

    Args:
        root: of the repository, or of its cache.
        of: the recordings; files of others are passed over.
        names: the videos that the list gives micro-expressions.
        layout: program of the windows.

    Raises:
        DataError: there are more or fewer of them, or files in several folders.
    """
    files = sorted(root.rglob(f"{CACHED[of]}*.pkl")) if of in CACHED else []
    if len(folders := sorted({str(file.parent) for file in files})) > 1:
        raise DataError(
            f"{folders[0]} and {folders[1]} both hold {CACHED[of]}: expected one set of features; give one of the folders as dataset.root"
        )
    videos: list[Any] = []
    for file in files:
        try:
            with open_plain(file, MOST) as opened:
                part = unpickled(opened)
        except (OSError, DataError) as error:
            raise DataError(f"{file}: {error}") from None
        if not isinstance(part, list):
            raise DataError(f"{file} holds a {type(part).__name__}: expected a list of videos, each of windows")
        videos += part
    if len(videos) != len(names) and files:
        raise DataError(
            f"{', '.join(file.name for file in files)} hold {len(videos)} videos without names, but {len(names)} videos in the list have "
            "micro-expressions: expected equal numbers, since videos are matched by their order. Give the authors' list as dataset.truth"
        )
    found = {name: _steps_of_windows(video, name, layout) for name, video in zip(sorted(names, key=natural), videos)}
    return {name: Series(len(steps) + 1, tuple(files), partial(np.copy, steps)) for name, steps in found.items()}


def _steps_of_windows(video: Any, name: Name, layout: str) -> NDArray[np.float16]:
    """Steps from frame to frame, (n, regions, 1, 2).

    They come from the first half of each window and the whole last one. BoostingVRME has eighteen regions; ME-TST's five
    stand for twelve.
    """
    windows = _read_windows(video, name, layout)
    half = windows.shape[2] // 2
    steps = np.diff(windows, axis=2)
    parts = [*(window[:, :half] for window in steps[:-1]), steps[-1]]
    regions = np.concatenate(parts, axis=1).T.reshape(-1, N_REGIONS[layout], 2)
    if layout == "boosting_vrme":
        return regions[:, :, None].astype(np.float16)
    found = np.zeros((len(regions), REGIONS, 1, 2), np.float16)
    for place, group in enumerate(GROUPS):
        found[:, list(group), 0] = regions[:, place, None]
    return found


def _read_windows(video: Any, name: Name, layout: str) -> NDArray[np.float64]:
    """The windows of a video, (windows, 2 regions, frames).

    Raises:
        DataError: they have another shape, or numbers that are not finite.
    """
    try:
        windows = np.asarray(video, np.float64)
    except (TypeError, ValueError):
        windows = np.empty(0)
    rows = 2 * N_REGIONS[layout]
    are_windows = windows.ndim == 3 and len(windows) > 0 and windows.shape[2] % 2 == 0
    if are_windows and windows.shape[1] == rows and np.isfinite(windows).all():
        return windows
    other = next((other for other, n in N_REGIONS.items() if are_windows and windows.shape[1] == 2 * n != rows), None)
    if other is not None:
        raise DataError(
            f"the windows of {name[1]} have {windows.shape[1]} rows, those of another program: give dataset.layout={other} in place of "
            f"{layout}"
        )
    raise DataError(
        f"the windows of {name[1]} have the shape {windows.shape}: expected (windows, {rows}, an even number of frames). Copy "
        "the file again from the published set"
    )


def lgsnet(root: Path, of: str) -> dict[Name, Series]:
    """I3D features of every other frame, `30_0101disgustingteeth-rgb.npz`, and of flow, `-flow.npz`."""
    streams = [
        _of_files(sorted(root.rglob(f"[!.]*-{what}.npz")), of, root, f"006_1-{what}.npz") for what in ("rgb", "flow")
    ]
    here = [stream for stream in streams if stream]
    if here and (lacking := sorted({*here[0]} ^ {*here[-1]})):
        raise DataError(
            f"{lacking[0][1]} has features of one stream, and others of both: copy -rgb.npz and -flow.npz of all videos"
        )
    found = {}
    for name in here[0] if here else ():
        files = tuple(stream[name] for stream in here)
        found[name] = Series(int(numbers(files[0], "frame_cnt")) + 1, files, _I3D(files))  # the last frame has no flow
    return found


@dataclass(frozen=True)
class _I3D:
    """Streams side by side."""

    files: tuple[Path, ...]

    def __call__(self) -> NDArray[np.float16]:
        parts = [_motion(numbers(file, "feature"), file, (-1, 1024))[0] for file in self.files]
        rows = min(map(len, parts))
        return np.concatenate([part[:rows] for part in parts], axis=1)
