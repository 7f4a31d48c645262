"""Spreadsheets as laboratories release them: .xlsx by openpyxl, .xls by hand, .csv."""

from __future__ import annotations

import csv
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

Cell = str | int | float | None
Rows = Sequence[Sequence[Cell]]


def write_xlsx(path: Path, sheets: Mapping[str, Rows]) -> None:
    """Write sheets by name. A text that begins with `=` becomes a formula."""
    import openpyxl  # type: ignore[import-untyped]

    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)


def write_csv(path: Path, rows: Rows, encoding: str = "utf-8") -> None:
    """Write one table of text."""
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)


def write_xls(path: Path, sheets: Mapping[str, Rows]) -> None:
    """Write an Excel 97 file: a BIFF8 stream in a compound file, with text and numbers and nothing else.

    No library that is a dependency writes this format, in which several releases are in circulation. From "[MS-XLS]: Excel
    Binary File Format" and "[MS-CFB]: Compound File Binary File Format", Microsoft's open specifications.
    """
    path.write_bytes(_compound_file(_workbook(sheets)))


def _workbook(sheets: Mapping[str, Rows]) -> bytes:
    bodies = [_worksheet(rows) for rows in sheets.values()]
    names = [_short_text(name) for name in sheets]
    head = _begin(0x0005) + _record(0x0042, struct.pack("<H", 1200))  # the globals; text is UTF-16
    end = _record(0x000A)
    position = len(head) + sum(4 + 6 + len(name) for name in names) + len(end)
    listed = b""
    for name, body in zip(names, bodies):
        listed += _record(
            0x0085, struct.pack("<IH", position, 0) + name
        )  # where the sheet begins; visible, a worksheet
        position += len(body)
    return head + listed + end + b"".join(bodies)


def _worksheet(rows: Rows) -> bytes:
    cells = b""
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            place = struct.pack("<HHH", y, x, 0)
            if isinstance(value, str):
                cells += _record(0x0204, place + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
            elif value is not None:
                cells += _record(0x0203, place + struct.pack("<d", value))
    width = max((len(row) for row in rows), default=0)
    return _begin(0x0010) + _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0)) + cells + _record(0x000A)


def _begin(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 1996, 0, 6))


def _record(code: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", code, len(body)) + body


def _short_text(text: str) -> bytes:
    return struct.pack("<BB", len(text), 1) + text.encode("utf-16-le")


_SECTOR = 512
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def _compound_file(stream: bytes) -> bytes:
    """The stream `Workbook` in a file of 512-byte sectors: stream, folder, table of sectors."""
    stream = stream.ljust(max(len(stream), 4096), b"\0")  # a shorter one would need a table of small sectors
    size = len(stream)
    n_stream = -(-size // _SECTOR)
    n_tables = 1
    while n_tables * (_SECTOR // 4) < n_stream + 1 + n_tables:
        n_tables += 1
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
