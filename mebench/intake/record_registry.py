"""The registry of a board: the merged records in their order of arrival, and the known annotations.

It is `registry.json` next to the folder of records, written by `mebench leaderboard merge` and, from the user's own copy of
a dataset, by `mebench leaderboard known`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mebench.atomic import replace_file
from mebench.errors import RunError
from mebench.system import lock_folder

FILE = "registry.json"
UNREGISTERED = "somebody unregistered"
"""The sender of a record that lies among the accepted ones, but was never merged."""


@dataclass
class Registry:
    """The registry of merged records.

    Attributes:
        records: doubts about each record except for its truth, maybe empty, by id in the order of arrival.
        truths: for each choice of data, the hashes of videos with intervals, of these with emotions, and the revision of the dataset.
        senders: name of the sender of each record that others sent; the board's own are absent.
    """

    records: dict[str, str] = field(default_factory=dict)
    truths: dict[str, list[str]] = field(default_factory=dict)
    senders: dict[str, str] = field(default_factory=dict)

    def sender_of(self, run_id: str) -> str:
        """The sender of a committed record; empty for the board's own, and on a board that has accepted nothing yet."""
        if self.records and run_id not in self.records:
            return UNREGISTERED
        return self.senders.get(run_id, "")

    @classmethod
    def read(cls, folder: Path) -> "Registry":
        """The registry of a board; empty if its file is missing.

        Raises:
            RunError: it is damaged.
        """
        file = folder / FILE
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else cls()
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"{file} cannot be read ({error}): copy it again from the origin of the records") from error

    @classmethod
    @contextmanager
    def open_for_changes(cls, folder: Path) -> Iterator["Registry"]:
        """The registry of a board for changes; it is written at the end and locked meanwhile.

        Raises:
            RunError: it is damaged.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with lock_folder(folder, wait=True):
            registry = cls.read(folder)
            before = cls.read(folder)
            yield registry
            if registry != before:
                content = {name: value for name, value in asdict(registry).items() if value or name != "senders"}
                replace_file(folder / FILE, json.dumps(content, indent=1) + "\n")
