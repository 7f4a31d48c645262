"""The same drawn names each time: with other ones, a guess by names is lucky in one run of a few hundred."""

import os
from pathlib import Path

from mebench.runs.secret_file import user_folder


def write_secret(cache: Path) -> None:
    """Write the secret from which names are drawn, as a user has it."""
    folder = user_folder(cache)
    folder.mkdir(parents=True, mode=0o700)
    descriptor = os.open(folder / "names.secret", os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("a" * 64)
