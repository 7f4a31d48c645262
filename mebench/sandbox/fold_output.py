"""What a process prints goes through a pipe to its host, which shows it."""

from __future__ import annotations

import codecs
import io
import multiprocessing
import os
import sys
from multiprocessing.connection import Connection

from mebench.output.terminal import print_foreign_text

MOST_SHOWN = 1 << 20
"""Bytes that one process may print; the rest is counted and left out."""
MOST_READS = 64
"""Reads in a row, after which the host looks for other messages."""
MOST_KEPT = 1 << 16
"""Characters of these that a run keeps."""


class FoldOutput:
    """The host's end of the pipe.

    Attributes:
        kept: the beginning of what was printed, as text.
        n_bytes: number of bytes that were printed.
        process_end: the other end, of which the process gets a copy.
    """

    def __init__(self) -> None:
        self._reads, self.process_end = multiprocessing.Pipe(duplex=False)
        os.set_blocking(self._reads.fileno(), False)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.kept = ""
        self.n_bytes = 0

    def fileno(self) -> int:
        """The descriptor from which the host reads, for `multiprocessing.connection.wait`."""
        return self._reads.fileno()

    def show(self) -> bool:
        """Show on standard error what has come; False where the process has closed its end."""
        for _ in range(MOST_READS):
            try:
                content = os.read(self._reads.fileno(), 1 << 16)
            except BlockingIOError:
                return True
            if not content:
                return False
            self._take(content)
        return True

    def close(self) -> None:
        """Show the rest, and close the pipe."""
        self.process_end.close()
        self.show()
        self._reads.close()

    def _take(self, content: bytes) -> None:
        """Show and keep what is below the limits."""
        before = self.n_bytes
        self.n_bytes += len(content)
        text = self._decoder.decode(content[: max(0, MOST_SHOWN - before)])
        if before <= MOST_SHOWN < self.n_bytes:
            text += f"\n[the rest of what this process prints is left out: it is more than {MOST_SHOWN >> 20} MiB]\n"
        if text:
            printed = print_foreign_text(text)
            self.kept += printed[: MOST_KEPT - len(self.kept)]


def print_into(pipe: Connection) -> None:
    """In the process: print into a pipe from now on, whole lines at once."""
    for stream in (1, 2):
        os.dup2(pipe.fileno(), stream)
    pipe.close()
    for text in (sys.stdout, sys.stderr):
        if isinstance(text, io.TextIOWrapper):
            text.reconfigure(line_buffering=True)
