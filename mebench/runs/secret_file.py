"""Secrets of this user: files of mode 600 in a folder of mode 700, made at first use."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from mebench.files import whole_file
from mebench.output.terminal import print_lines

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def read_secret(file: Path) -> str:
    """The secret in a file: 64 hexadecimal digits.

    One that others can read, or that belongs to another user, is replaced, which standard error says. On Windows the folder of the
    user protects it.

    Raises:
        OSError: it cannot be written.
    """
    if not file.is_file():
        return _new_secret(file)
    if _is_private(file):
        return file.read_text(encoding="utf-8")
    print_lines(
        f"warning: others could read {file}: it is replaced by a new secret, in a folder of yours alone", error=True
    )
    return _new_secret(file)


def _is_private(file: Path) -> bool:
    """Whether this user alone can read a file, and its folder."""
    if os.name == "nt":
        return True
    return all(
        facts.st_uid == os.getuid() and not stat.S_IMODE(facts.st_mode) & ~allowed
        for facts, allowed in ((file.stat(), PRIVATE_FILE), (file.parent.stat(), PRIVATE_FOLDER))
    )


def _new_secret(file: Path) -> str:
    """Write a new secret, which nobody else can read at any moment."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.parent.chmod(PRIVATE_FOLDER)
    file.unlink(missing_ok=True)  # a file that replaces another has its rights
    secret = secrets.token_hex(32)
    with whole_file(file) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(secret)
    return secret


def user_folder(place: Path) -> Path:
    """The folder for secrets of this user in a place that several users may share."""
    number = os.getuid() if hasattr(os, "getuid") else 0
    return place / f"secrets-{number}"
