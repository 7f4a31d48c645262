"""Archives and video files, unpacked as folders of images, never outside the target folder."""

import errno
import lzma
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Literal, cast

from mebench.atomic import nearest_existing, whole_folder
from mebench.errors import ConfigError, DataError, describe_error, refuse_if
from mebench.files import open_plain
from mebench.frames.image_folder import FolderFrames
from mebench.frames.videofile import SUFFIXES as VIDEOS, VideoFrames
from mebench.lazy_imports import load_lazily
from mebench.limits import ARCHIVE_BYTES, ARCHIVE_FILES, ARCHIVE_NAME_BYTES, ARCHIVE_PATH_LETTERS, ARCHIVE_RATIO

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""Endings of the archives that are unpacked here, in lower case."""
FOREIGN = (".rar", ".7z", ".z01", ".001")
"""Endings of archives that other programs must unpack."""
SPENT = "this archive, too, would unpack to more than is left for this command"
"""Said of all but the first, of which there may be thousands."""
Mode = Literal["r:", "r:gz", "r:bz2", "r:xz"]
"""How Python opens a tar, by what packed it."""
PACKERS: dict[bytes, Mode] = {
    b"\x1f\x8b": "r:gz",
    b"BZh": "r:bz2",
    b"\xfd7zXZ\0": "r:xz",
    b"\x5d\0\0": "r:xz",
}
"""How packed tars begin, by gzip, bzip2, xz and, before that, lzma; with how Python opens them."""
BEGINNING = max(map(len, PACKERS))
"""Bytes that tell them apart, and a zip."""
DIGITS = 5
"""Digits of a file number; a longer video has more."""
WRITING = ".unpacking-"
"""Beginning of the names of folders that are not whole yet."""


@dataclass(frozen=True)
class Unpacked:
    """The outcome for one file.

    Attributes:
        source: the archive or video file.
        folder: folder of its files or frames.
        n: number of files, or of images in the folder.
        fps: frames per second of the video file; None for an archive or if unknown.
        names: the first and the last frame's file; empty for an archive.
        uneven: range of the intervals between frames; empty if the rate is constant.
        before: whether the folder existed before and was left unchanged.
    """

    source: Path
    folder: Path
    n: int
    fps: float | None = None
    names: tuple[str, str] | tuple[()] = ()
    uneven: str = ""
    before: bool = False


def packed_files(names: list[str]) -> list[str]:
    """The archives and video files among some file names."""
    return [name for name in names if name.lower().endswith((*ARCHIVES, *FOREIGN, *VIDEOS))]


class SpentError(DataError):
    """An archive would unpack to more than is left for the command."""


class NoRoomError(DataError):
    """The disk is full, so that nothing else can be unpacked."""


def unpack_recordings(
    source: Path,
    out: Path,
    first: int = 1,
    tick: Callable[[Path], object] = lambda path: None,
    failed: dict[Path, str] | None = None,
) -> Iterator[Unpacked]:
    """Unpack archives of a folder, then decode the video files there and in them.

    One file is unpacked or decoded alone.

    The tree below `out` mirrors `source`, with a folder for each file, named without its ending. Existing folders are
    left unchanged, so that an interrupted call can be repeated.

    Args:
        source: a folder, or one archive or video file.
        out: the target folder, created if missing.
        first: number of a video's first frame: frame index 0 becomes `00001.png` for 1.
        tick: called with each file before it is unpacked.
        failed: receives files that cannot be unpacked, with the reason, and the work continues; None stops at the
            first.

    All archives together, nested ones included, may grow to `ARCHIVE_RATIO` the size of those in `source`.

    Raises:
        ConfigError: `first` is negative.
        DataError: there is nothing to unpack, a file is damaged, encrypted, too large, or leads out of its folder, two
            would become one folder, the place of a folder is taken by something else, or by a folder without images, or
            the disk is full.
    """
    if first < 0:
        raise ConfigError(f"--first must be 0 or more, not {first}")
    if not source.exists():
        raise DataError(f"there is no file or folder {source}: give the folder of the dataset, or one of its files")
    notes = _Notes(tick, failed)
    archives = [(path, _below(path, source, out)) for path in _files_with_ending(source, (*ARCHIVES, *FOREIGN), out)]
    yield from _extract_all(archives, notes)
    videos = [(path, _below(path, source, out)) for path in _files_with_ending(source, VIDEOS, out)]
    for _, folder in archives:
        videos += [(path, path.with_suffix("")) for path in _files_with_ending(folder, VIDEOS, None)]
    _refuse_links(source, out, notes)
    if not archives and not videos and not failed:
        raise DataError(f"{source} holds nothing to unpack: expected archives ({', '.join(ARCHIVES)}) or video files")
    for path, folder in dict(videos).items():
        with notes.failure_of(path, folder):
            yield _decode(path, folder, first)


def _extract_all(archives: list[tuple[Path, Path]], notes: "_Notes") -> Iterator[Unpacked]:
    """Extract archives, and add those found in them, each with the folder that it becomes."""
    budget = max(ARCHIVE_BYTES, ARCHIVE_RATIO * sum(path.stat().st_size for path, _ in archives))
    for path, folder in archives:
        with notes.failure_of(path, folder):
            done, size = _extract(path, folder, budget)
            budget -= size
            nested = _files_with_ending(folder, (*ARCHIVES, *FOREIGN), None)
            archives += [(inner, inner.with_name(_name_without_ending(inner.name))) for inner in nested]
            yield done


def _refuse_links(source: Path, out: Path, notes: "_Notes") -> None:
    """Refuse links to folders, which are not followed."""
    for link in sorted(path for path in source.rglob("*") if path.is_symlink() and path.is_dir()):
        with notes.failure_of(link, out / link.relative_to(source)):
            raise DataError(
                f"{link} is a link to the folder {link.resolve()}, which is not followed: unpack that folder"
            )


class _Notes:
    """The outcome of the files of one call.

    Args:
        tick: function called with each file before it is unpacked.
        failed: receives files that cannot be unpacked, with the reason; None raises it.
    """

    def __init__(self, tick: Callable[[Path], object], failed: dict[Path, str] | None) -> None:
        self._tick = tick
        self._failed = failed
        self._source_of: dict[Path, Path] = {}
        self._is_spent = False

    @contextmanager
    def failure_of(self, path: Path, folder: Path) -> Iterator[None]:
        """A context for one file that collects its failure."""
        try:
            self._check_place(path, folder)
            self._tick(path)
            yield
        except Exception as error:  # whatever is wrong with one file ends it alone
            if self._failed is None or isinstance(error, NoRoomError):
                raise
            is_over_budget = isinstance(error, SpentError)
            self._failed[path] = SPENT if self._is_spent and is_over_budget else describe_error(error)
            self._is_spent = self._is_spent or is_over_budget

    def _check_place(self, path: Path, folder: Path) -> None:
        """Refuse a folder that is another file's, or lies in something that is no folder."""
        other = self._source_of.setdefault(folder, path)
        if other != path:
            raise DataError(f"{other} and {path} would both become {folder}: move one of them away")
        there = nearest_existing(folder)
        if not there.is_dir():
            raise DataError(f"{path} would become the folder {folder}, but {there} is not a folder: move it away")


def _decode(path: Path, folder: Path, first: int) -> Unpacked:
    """Decode a video file to PNG files, without loss."""
    video = VideoFrames(path)
    existed_before = folder.is_dir()
    if existed_before:
        try:
            names = FolderFrames(folder).names
        except DataError as error:
            raise DataError(f"{error}; {path} would be unpacked into it: move one of them away") from None
    else:
        names = _write_frames(video, folder, first)
    return Unpacked(path, folder, len(names), video.fps, (names[0], names[-1]), video.uneven, existed_before)


def _write_frames(video: VideoFrames, folder: Path, first: int) -> tuple[str, ...]:
    """Write the frames of a video as PNG files into a new folder; their names."""
    numbers = range(first, first + len(video))
    digits = max(DIGITS, len(str(numbers[-1])))
    names = tuple(f"{number:0{digits}d}.png" for number in numbers)
    with _new_folder(folder, video.path) as writing:
        for index, name in enumerate(names):
            # `cv2.imwrite` leaves an empty file on a full disk, and reports success.
            _, png = cv2.imencode(".png", video[index], [cv2.IMWRITE_PNG_COMPRESSION, 1])
            (writing / name).write_bytes(png.data)
    return names


def _extract(path: Path, folder: Path, budget: int) -> tuple[Unpacked, int]:
    """Extract an archive within a budget of bytes; the second value is the bytes written."""
    if path.name.lower().endswith(FOREIGN):
        raise DataError(
            f"{path} is an archive that Python cannot unpack: unpack it with 7z x {path.name}, or unrar x "
            f"{path.name}, then unpack its video files with this command"
        )
    existed_before = folder.is_dir()
    try:
        archive = _Archive(path)
        with archive.file:
            members = archive.list_members(budget)
            total = 0
            if not existed_before:
                total = sum(size for _, size, _ in members)
                _check_room(path, folder, total)
                with _new_folder(folder, path) as writing:
                    archive.extract(members, writing)
                    archive.check_end()
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, _BOTH):
            raise  # not the archive's fault, for example a read-only folder
        raise DataError(f"{path} cannot be unpacked ({' '.join(str(error).split())}): copy it again") from None
    return Unpacked(path, folder, len(members), before=existed_before), total


def _check_room(path: Path, folder: Path, total: int) -> None:
    """Refuse an archive for which the disk of its folder has too little room."""
    existing = nearest_existing(folder)
    free = shutil.disk_usage(existing).free
    if total > free:
        raise NoRoomError(
            f"{path} unpacks to {total / 2**20:,.1f} MiB, and {free / 2**20:,.1f} are free in {existing}: make room"
        )


_BOTH = (FileExistsError, NotADirectoryError, IsADirectoryError)
"""One name for a file and a folder."""
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError)
"""Errors of damaged archives; bzip2 and the checksums of gzip raise OSError, without a number."""


_Member = tuple[tuple[str, ...], int, zipfile.ZipInfo | tarfile.TarInfo]
"""One file of an archive: its path below the folder, its size, and its name in the archive."""


def _open_tar(path: Path, beginning: bytes) -> tarfile.TarFile:
    """A tar, packed as its beginning says. Trying all packers would read zeros to their end, which may be far away.

    Raises:
        tarfile.ReadError: it is none.
    """
    modes: list[Mode] = [mode for begins, mode in PACKERS.items() if beginning.startswith(begins)]
    try:
        return tarfile.open(path, modes[0] if modes else "r:")
    except tarfile.ReadError:
        raise tarfile.ReadError("it is not an archive, or its beginning is damaged") from None


class _Archive:
    """A zip or tar file, restricted to plain files; `file` is to be closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_plain(path) as file:
            beginning = file.read(BEGINNING)
        # `is_zipfile` looks for an end only, which a tar that holds a zip may have, too.
        is_zip = beginning.startswith((b"PK\3\4", b"PK\5\6")) or (
            path.name.lower().endswith(".zip") and zipfile.is_zipfile(path)
        )
        self.file = zipfile.ZipFile(path) if is_zip else _open_tar(path, beginning)

    def list_members(self, budget: int) -> list[_Member]:
        """The plain files, in order.

        Args:
            budget: most bytes of all together.

        Raises:
            DataError: one is encrypted, a link, outside the folder, doubled, or has an impossible name; or they are too
                many or too large.
        """
        if isinstance(self.file, zipfile.ZipFile):
            read = [self._member_of_zip(entry) for entry in self.file.infolist()]
        else:
            read = [self._member_of_tar(entry) for entry in self.file]
            if not read:  # zeros are an empty archive, and what a broken copy leaves
                raise tarfile.ReadError("it holds no file")
        found = [member for member in read if member is not None]
        names = [parts for parts, _, _ in found]
        total = sum(size for _, size, _ in found)
        if len(set(names)) < len(names):
            twice = next(name for name, times in Counter(names).items() if times > 1)
            raise DataError(f"{self.path} holds {'/'.join(twice)} twice, and neither is preferred")
        if len(names) > ARCHIVE_FILES or total > budget:
            raise SpentError(
                f"{self.path} would unpack to {len(names):,} files of {total / 2**30:,.1f} GiB, but at most "
                f"{budget / 2**30:,.1f} are left for this command, which is enough for any honest archive of this "
                "size: inspect it with another program"
            )
        return found

    def _member_of_tar(self, entry: tarfile.TarInfo) -> _Member | None:
        """A file of a tar archive; None for a folder."""
        if entry.isdir():
            return None
        is_link = not entry.isfile()  # or a device, a pipe
        return self._parts(entry.name, is_link), entry.size, entry

    def _member_of_zip(self, entry: zipfile.ZipInfo) -> _Member | None:
        """A file of a zip archive; None for a folder."""
        if entry.flag_bits & 1:
            raise DataError(
                f"{self.path} is encrypted: unpack it with 7z x {self.path.name}, which asks for the password"
            )
        is_link = stat.S_ISLNK(entry.external_attr >> 16)
        is_folder = entry.filename.endswith(("/", "\\"))  # some packers on Windows end folders with the second
        if is_folder and not is_link:
            return None
        return self._parts(entry.filename, is_link), entry.file_size, entry

    def extract(self, members: Sequence[_Member], target: Path) -> None:
        """Write the files into a folder."""
        for parts, _, entry in members:
            file = target.joinpath(*parts)
            file.parent.mkdir(parents=True, exist_ok=True)
            with self.open(entry) as packed, file.open("xb") as written:
                shutil.copyfileobj(packed, written, 1 << 20)

    def open(self, entry: zipfile.ZipInfo | tarfile.TarInfo) -> IO[bytes]:
        """The content of a file."""
        if isinstance(self.file, zipfile.ZipFile):
            return self.file.open(entry)  # type: ignore[arg-type]
        return cast(IO[bytes], self.file.extractfile(entry))  # type: ignore[arg-type]  # there is one of a plain file

    def check_end(self) -> None:
        """Check the bytes after the last file.

        `tarfile` takes a damaged header for the end and checks no checksum. A zip's files have their own checksums.

        Raises:
            tarfile.TarError, OSError, lzma.LZMAError, EOFError: the archive does not end properly.
        """
        if isinstance(self.file, zipfile.ZipFile):
            return
        stream = cast(IO[bytes], self.file.fileobj)
        stream.seek(self.file.offset)
        if stream.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
            raise tarfile.ReadError(
                f"it is cut or damaged at byte {self.file.offset:,}, where a file or its end should be"
            )
        while stream.read(1 << 20):
            pass

    def _parts(self, name: str, is_link: bool) -> tuple[str, ...]:
        """The folders and the name of a file, if it lies below the target."""
        path = PurePosixPath(name.replace("\\", "/"))
        leads_out = path.is_absolute() or ".." in path.parts or not path.parts
        if is_link or leads_out or ":" in name or "\0" in name:
            raise DataError(
                f"{self.path} holds {name!r}, a link or a path out of the target, so nothing of it is unpacked: "
                "inspect it first"
            )
        has_long_part = any(len(part.encode(errors="replace")) > ARCHIVE_NAME_BYTES for part in path.parts)
        refuse_if(
            (
                has_long_part or len(name) > ARCHIVE_PATH_LETTERS,
                f"{self.path} holds a name of {len(name)} letters, {name[:40]!r} and so on, but a file name here "
                f"may have at most {ARCHIVE_NAME_BYTES}: nothing of it is unpacked",
            ),
            (
                any(unicodedata.category(sign) in ("Cc", "Cf", "Cs") for sign in name),
                f"{self.path} holds the name {name!r}, with signs that a terminal obeys: nothing of it is unpacked",
            ),
            error=DataError,
        )
        return path.parts


def _files_with_ending(source: Path, suffixes: tuple[str, ...], aside: Path | None) -> list[Path]:
    """The files with some endings at or below a path, sorted, without those below `aside`."""
    every = [source] if source.is_file() else sorted(source.rglob("*"))
    excluded = None if aside is None or aside == source else aside.resolve()
    found = []
    for path in every:
        if not path.name.lower().endswith(suffixes) or not path.is_file():
            continue
        is_unfinished = any(part.startswith(WRITING) for part in path.parts)
        if path.name.startswith(".") or is_unfinished:
            continue
        if excluded is not None and path.resolve().is_relative_to(excluded):
            continue
        found.append(path)
    return found


def _below(path: Path, source: Path, out: Path) -> Path:
    """The folder into which a file is unpacked, at its own place below `out`."""
    return (out if source.is_file() else out / path.relative_to(source).parent) / _name_without_ending(path.name)


def _name_without_ending(name: str) -> str:
    """The name without its ending.

    >>> _name_without_ending("frames.tar.gz"), _name_without_ending("s15.zip"), _name_without_ending("15_0101.avi")
    ('frames', 's15', '15_0101')
    """
    ending = max((e for e in (*ARCHIVES, *FOREIGN, *VIDEOS) if name.lower().endswith(e)), key=len)
    return name[: -len(ending)]


@contextmanager
def _new_folder(folder: Path, path: Path) -> Iterator[Path]:
    """A temporary folder that gets its final name once the whole file is in it; incomplete ones are removed.

    Raises:
        DataError: the disk is full.
    """
    try:
        with whole_folder(folder, WRITING) as writing:
            yield writing
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoRoomError(
            f"the disk of {folder} is full, and nothing of {path} is kept: make room and unpack again"
        ) from None
