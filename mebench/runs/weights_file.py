"""Weights of a fold that are too large for a message, in a file. It is copied piece by piece, and moved into the fold's folder."""

from __future__ import annotations

import os
import secrets
import shutil
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from mebench.files import open_plain

PIECE = 8 << 20
"""Bytes that are copied, or sent, at once."""


@dataclass(frozen=True)
class WeightsFile:
    """Weights of a fold in a file that its process cannot change.

    Attributes:
        path: path of the file.
        size: its bytes.
        checksum: their CRC-32.
        machine: address of the Dask worker on whose machine it lies; empty where the machine of the run sees it.
    """

    path: Path
    size: int
    checksum: int
    machine: str = field(default="", compare=False)

    def read_beginning(self, most: int) -> bytes:
        """At most so many bytes from its beginning."""
        with self.path.open("rb") as file:
            return file.read(most)

    def move(self, target: Path) -> None:
        """Make it another file; one on another disk is copied."""
        shutil.move(self.path, target)

    def fetch(self, pieces: Iterable[bytes], folder: Path) -> WeightsFile:
        """The same in a folder of this machine, from its bytes.

        Args:
            pieces: its bytes in order.
            folder: folder in which it gets a new name; it is made.

        Raises:
            OSError: the disk is full, or the pieces are not those of the file.
        """
        folder.mkdir(parents=True, exist_ok=True)
        fetched = _write_pieces(pieces, folder / new_weights_name())
        if fetched != replace(self, path=fetched.path):
            fetched.path.unlink()
            raise OSError(f"{self.path} of {self.machine} arrived with other bytes than it has")
        return fetched


def new_weights_name() -> str:
    """A name for a file of weights that no other one has."""
    return f"{secrets.token_hex(8)}.safetensors"


def copy_weights(written: Path, target: Path) -> WeightsFile:
    """The weights that a fold's process has written, copied: that process may hold its own file open.

    Args:
        written: file of the process, which is removed; no link is followed.
        target: the new file.

    Raises:
        OSError: it is missing or no plain file, or the disk is full.
    """
    with open_plain(written, follow=False) as file:
        copied = _write_pieces(_pieces_of(file), target)
    written.unlink()
    return copied


def checksum_of_file(path: Path) -> list[int]:
    """Size and CRC-32 of a file, which is read piece by piece.

    Raises:
        OSError: it cannot be read.
    """
    size = checksum = 0
    with path.open("rb") as file:
        for piece in _pieces_of(file):
            size += len(piece)
            checksum = zlib.crc32(piece, checksum)
    return [size, checksum]


def read_piece(path: str, offset: int) -> bytes:
    """A piece of a file on this machine; empty at its end, where the file goes.

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        file.seek(offset)
        piece = file.read(PIECE)
    if not piece:
        Path(path).unlink()
    return piece


def _pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """The rest of a file."""
    while piece := file.read(PIECE):
        yield piece


def _write_pieces(pieces: Iterable[bytes], target: Path) -> WeightsFile:
    """A new file of some pieces; after an error there is none."""
    size = checksum = 0
    try:
        with target.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                size += len(piece)
                checksum = zlib.crc32(piece, checksum)
    except BaseException:
        if os.path.lexists(target):
            target.unlink()
        raise
    return WeightsFile(target, size, checksum)
