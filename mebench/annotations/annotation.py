"""One row of a sheet, cleaned, and the log of what was mended on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mebench.core.types import Kind, Repair


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotated expression in the numbers of its sheet, which are file numbers, not yet positions.

    Attributes:
        row: row of the sheet, from 1.
        subject: the person's id.
        video: id of the video within the subject.
        onset: file number of the first frame, or None where the row has no usable interval; then `offset` is None too.
        apex: file number of the strongest movement, inside the interval, or None.
        offset: file number of the last frame, not before `onset`.
        kind: `micro` or `macro`.
        emotion: native label, lower case, or None.
        units: action units as annotated, `("4", "L10")`.
        objective: objective class `I` to `VII`, or None.
        first: file number of the video's first frame, where the sheet says so.
        fps: frames per second, where the sheet says so.
        flags: see `Expression.flags`.
        problem: why there is no interval, or empty.
    """

    row: int
    subject: str
    video: str
    onset: int | None
    apex: int | None
    offset: int | None
    kind: Kind = "micro"
    emotion: str | None = None
    units: tuple[str, ...] = ()
    objective: str | None = None
    first: int | None = None
    fps: float | None = None
    flags: tuple[str, ...] = ()
    problem: str = ""

    def with_flags(self, *flags: str) -> Annotation:
        """The same with more flags."""
        return replace(self, flags=(*self.flags, *flags))


class Log:
    """Collects repairs of one sheet."""

    def __init__(self, where: str = "", remarks: Iterable[Repair] = ()) -> None:
        self.where = where
        self.repairs = list(remarks)

    def mended(self, row: int | None, column: str, found: str, taken: str, reason: str) -> None:
        """A cell is read as something else than it says."""
        self.repairs.append(Repair(row, column, found, taken, reason, self.where))

    def marked(self, row: int | None, column: str, found: str, reason: str) -> None:
        """A cell is odd and stays as it is."""
        self.repairs.append(Repair(row, column, found, None, reason, self.where))
