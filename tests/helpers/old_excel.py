"""A writer of Excel 97 files, in which several releases are in circulation: no library that is a dependency writes them."""

import struct
from collections.abc import Mapping
from itertools import accumulate, count
from pathlib import Path
from types import MappingProxyType

from mebench.annotations import drawn


def write_xls(
    path: Path, sheets: Mapping[str, drawn.Rows], formats: bytes = b"", styles: Mapping[int, int] = MappingProxyType({})
) -> None:
    """Write an Excel 97 file: a BIFF8 stream in a compound file, with text and numbers, and records about all sheets.

    The cells of a row, numbered from 0, get a style by its number among the records of formats.

    From "[MS-XLS]: Excel Binary File Format" and "[MS-CFB]: Compound File Binary File Format", Microsoft's open specifications.
    """
    path.write_bytes(_compound_file(_workbook(sheets, formats, styles)))


def _workbook(sheets: Mapping[str, drawn.Rows], formats: bytes, styles: Mapping[int, int]) -> bytes:
    bodies = [_worksheet(rows, styles) for rows in sheets.values()]
    names = [struct.pack("<BB", len(name), 1) + name.encode("utf-16-le") for name in sheets]
    head = _begin(0x0005) + formats + record(0x0042, struct.pack("<H", 1200))  # the globals; text is UTF-16
    end = record(0x000A)
    first = len(head) + sum(4 + 6 + len(name) for name in names) + len(end)
    starts = accumulate(map(len, bodies), initial=first)
    # Where the sheet begins; visible, a worksheet.
    listed = [record(0x0085, struct.pack("<IH", start, 0) + name) for name, start in zip(names, starts)]
    return b"".join([head, *listed, end, *bodies])


def _worksheet(rows: drawn.Rows, styles: Mapping[int, int]) -> bytes:
    cells = b""
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            place = struct.pack("<HHH", y, x, styles.get(y, 0))
            if isinstance(value, str):
                cells += record(0x0204, place + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
            elif value is not None:
                cells += record(0x0203, place + struct.pack("<d", value))
    width = max((len(row) for row in rows), default=0)
    return _begin(0x0010) + record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0)) + cells + record(0x000A)


def _begin(kind: int) -> bytes:
    return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 1996, 0, 6))


def record(code: int, body: bytes = b"") -> bytes:
    """A record of a workbook: its code, its length and its body."""
    return struct.pack("<HH", code, len(body)) + body


_SECTOR = 512
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def _compound_file(stream: bytes) -> bytes:
    """The stream `Workbook` in a file of 512-byte sectors: stream, folder, table of sectors."""
    stream = stream.ljust(max(len(stream), 4096), b"\0")  # a shorter one would need a table of small sectors
    size = len(stream)
    n_stream = -(-len(stream) // _SECTOR)
    n_tables = next(n for n in count(1) if n * (_SECTOR // 4) >= n_stream + 1 + n)
    chain = [*range(1, n_stream), _END, _END, *[_TABLE] * n_tables]
    chain += [_FREE] * (n_tables * (_SECTOR // 4) - len(chain))
    tables = [n_stream + 1 + n for n in range(n_tables)]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, n_tables, n_stream, 0, 4096, _END, 0, _END, 0)
    header += struct.pack("<109I", *tables, *[_FREE] * (109 - n_tables))
    folder = _entry("Root Entry", 5, child=1, start=_END) + _entry("Workbook", 2, start=0, size=size)
    folder = folder.ljust(_SECTOR, b"\0")
    return header + stream.ljust(n_stream * _SECTOR, b"\0") + folder + struct.pack(f"<{len(chain)}I", *chain)


def _entry(name: str, kind: int, child: int = _FREE, start: int = 0, size: int = 0) -> bytes:
    text = name.encode("utf-16-le")
    head = text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text) + 2, kind, 1, _FREE, _FREE, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)
