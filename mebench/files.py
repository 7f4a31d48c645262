"""Files that others made: only plain ones of a sensible size are opened, and YAML is bounded before anything is built
of it. And texts of ours, which are the same bytes on every system.
"""

import ast
import errno
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import secrets
import shutil
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from mebench.limits import YAML_BYTES, YAML_LEVELS, YAML_VALUES

PLAIN_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NONBLOCK", "O_BINARY"))
"""How a file of others is opened: never waited for, and byte by byte."""
Plain = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Makes values of the scalars; ten times faster where PyYAML was built with libyaml."""
Text = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Leaves all scalars text."""


class TooMuchError(yaml.YAMLError):
    """YAML that no person writes."""


def open_plain(path: Path, most: int | None = None, follow: bool = True) -> BinaryIO:
    """A file opened for reading its bytes, never waited for: a pipe or a device is refused, and so is too large a file.

    Args:
        path: path of the file, or of a link to one.
        most: bytes that it may have.
        follow: whether a link is followed; else it is refused.

    Raises:
        OSError: it cannot be opened, or is no such file.
    """
    flags = PLAIN_FLAGS if follow else PLAIN_FLAGS | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags)  # opening a pipe would wait for its other end
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            is_folder = stat.S_ISDIR(about.st_mode)
            number = errno.EISDIR if is_folder else errno.EINVAL
            raise OSError(number, os.strerror(number) if is_folder else "it is not a plain file", str(path))
        if most is not None and about.st_size > most:
            raise OSError(errno.EFBIG, f"it has {about.st_size:,} bytes, expected at most {most:,}", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_plain(path: Path, most: int) -> bytes:
    """The content of a plain file of at most so many bytes.

    Raises:
        OSError: it cannot be read, is no plain file, or has more.
    """
    with open_plain(path, most) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1)
    if len(content) > size:  # such as those in /proc, which may have no end
        raise OSError(errno.EFBIG, "it has more bytes than its stated size", str(path))
    return content


WRITING = ".writing-"
"""Beginning of the names of files and folders that are not whole yet."""


@contextmanager
def whole_file(path: Path, rename: Callable[[Path, Path], Any] = Path.replace) -> Iterator[Path]:
    """The path of a file to write, which replaces `path` at the end; after an error nothing has changed.

    It has the same ending. Of a link the file behind it is replaced; a device or a pipe is written as it is.

    Args:
        path: the file.
        rename: gives the written file its name.

    Raises:
        OSError: the disk is full, or not writable.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    final = path.resolve() if path.is_symlink() else path
    writing = final.with_name(f"{WRITING}{secrets.token_hex(8)}{final.suffix}")
    try:
        yield writing
        if final.exists():
            shutil.copymode(final, writing)
        rename(writing, final)
    except OSError as error:
        if error.filename in (None, str(writing)):  # none, or a name that the user has never seen
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):
            writing.unlink(missing_ok=True)


def write_text(path: Path, text: str, errors: str = "strict") -> None:
    """Write a text as UTF-8, whole or not at all. It has line feeds on every system: records carry hashes of such files.

    Args:
        path: the file.
        text: its content.
        errors: treatment of signs that UTF-8 lacks, as for `str.encode`.

    Raises:
        OSError: the disk is full, or not writable.
    """
    with whole_file(path) as writing:
        writing.write_text(text, encoding="utf-8", errors=errors, newline="\n")


def holds_content(path: Path, content: bytes) -> bool:
    """Whether a file is there and has this content."""
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def file_hash(path: Path) -> str:
    """SHA-256 of the content of a file, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_stamp(path: Path) -> tuple[str, int, int]:
    """Path, size and time of change of a file: another stamp means that it may have changed.

    Raises:
        OSError: there is none.
    """
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns


@cache
def hash_of_stamped(path: str, size: int, mtime_ns: int) -> str:
    """BLAKE2b of the content of a file, 128 bits in hexadecimal. The file is read once for each stamp.

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def find_module_file(name: str) -> Path | None:
    """The file of a module, found without importing the packages around it; None if there is none.

    >>> find_module_file("json.decoder").name, find_module_file("no_such_module.at_all")
    ('decoder.py', None)
    """
    top, *others = name.split(".")
    with suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(top)
        full = top
        for part in others:
            full = f"{full}.{part}"
            inside = None if spec is None else spec.submodule_search_locations
            spec = None if inside is None else importlib.machinery.PathFinder.find_spec(full, inside)
        if spec is not None and spec.has_location and spec.origin:
            return Path(spec.origin)
    return None


def find_file_in_package(package: str, file: str) -> Path | None:
    """A file of an installed package, which is not imported; None if package or file is missing."""
    spec = importlib.util.find_spec(package)
    folders = [] if spec is None else spec.submodule_search_locations or []
    files = [Path(folder) / file for folder in folders]
    return next((found for found in files if found.is_file()), None)


def code_hash(path: Path) -> str:
    """SHA-256, in hexadecimal, of a Python or YAML file without comments, docstrings and layout; of other files by
    their bytes.

    Comments, docstrings and the way that lines are broken do not count. 700 kB take 0.2 s.

    Raises:
        OSError: it cannot be read.
    """
    return _code_hash(path, path.read_bytes())


@lru_cache(maxsize=4096)
def _code_hash(path: Path, content: bytes) -> str:
    """The hash of a file of code: of its syntax tree or its values."""
    # Content that cannot be parsed is hashed by its bytes.
    with suppress(SyntaxError, ValueError, TypeError, RecursionError, yaml.YAMLError):
        if path.suffix == ".py":
            with warnings.catch_warnings(action="ignore"):
                tree = ast.parse(content)
            words: list[str] = []
            _dump(tree, words.append)
            content = " ".join(words).encode()
        elif path.suffix == ".yaml":
            content = json.dumps(read_yaml(path), sort_keys=True, default=str).encode()
    return hashlib.sha256(content).hexdigest()


def _dump(node: ast.AST, write: Callable[[str], None]) -> None:
    """Write a syntax tree: the kinds of its nodes and their content, without texts that stand alone and empty values."""
    write(type(node).__name__)
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            _dump(value, write)
        elif isinstance(value, list):
            if value:
                write(name)
            for one in value:
                if not isinstance(one, ast.AST):
                    write(repr(one))
                elif not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)):
                    _dump(one, write)
        elif value is not None:
            write(repr(value))
    write(".")


def read_yaml(path: Path, loader: Any = Plain) -> Any:
    """The content of a YAML file.

    Raises:
        OSError: it cannot be read, is no plain file, or has more than `YAML_BYTES` bytes.
        UnicodeDecodeError: it is no UTF-8.
        yaml.YAMLError: it is no YAML, or more than people write.
    """
    return load_yaml(read_plain(path, YAML_BYTES).decode("utf-8"), loader)


def load_yaml(text: str, loader: Any = Plain) -> Any:
    r"""The content of YAML text, after its depth and nodes are counted: small aliases can stand for huge content.

    Args:
        text: the YAML.
        loader: `Plain` or `Text`.

    Raises:
        yaml.YAMLError: it is no YAML; nested deeper than `YAML_LEVELS`; more than `YAML_VALUES` nodes with its aliases written out;
            or holds one key twice, or a value that cannot be, such as a 32nd of May.

    >>> load_yaml("a: &few [1, 2]\nb: *few"), load_yaml("a: 1", Text)
    ({'a': [1, 2], 'b': [1, 2]}, {'a': '1'})
    """
    if len(text) > YAML_BYTES:
        raise TooMuchError(f"it has {len(text):,} characters, expected at most {YAML_BYTES:,}")
    try:
        _check_size(text, loader)
        return _build_values(loader(text))
    except yaml.YAMLError:
        raise
    except Exception as error:  # the constructors of scalars raise many kinds
        raise yaml.YAMLError(f"{type(error).__name__}: {error}") from error


_MERGED = "tag:yaml.org,2002:merge"
"""The kind of the key `<<`, which takes over another map."""


def _build_values(loader: Any) -> Any:
    """The content that a loader has before it, whose maps have each key once; None where there is none."""
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _refuse_doubled_keys(root, set())
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _refuse_doubled_keys(node: yaml.Node, seen: set[int]) -> None:
    """Refuse a map in which a key stands twice: the last one would count, and the first be lost without a word.

    Args:
        node: the content.
        seen: identities of maps and lists that were looked at, to which these are added.
    """
    if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _refuse_doubled_keys(one, seen)
        return
    line_of: dict[tuple[str, str], int] = {}
    for key, value in node.value:
        _refuse_doubled_keys(value, seen)
        if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGED:
            continue
        line = key.start_mark.line + 1
        if (key.tag, key.value) in line_of:
            raise yaml.YAMLError(f"{key.value} stands twice, in lines {line_of[key.tag, key.value]} and {line}")
        line_of[key.tag, key.value] = line


def _check_size(text: str, loader: Any) -> None:
    """Refuse a YAML text whose levels or expanded aliases are too many."""
    nodes = 0
    size_of: dict[str | None, int] = {}
    above: list[tuple[str | None, int]] = []  # the maps and lists around: their anchors, and the nodes before them
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = above.pop()
            if anchor is not None:
                size_of[anchor] = nodes - before
        elif isinstance(event, yaml.AliasEvent):
            if any(event.anchor == anchor for anchor, _ in above):
                raise TooMuchError(f"{event.anchor!r} holds itself")
            nodes += size_of.get(event.anchor, 1)
        elif isinstance(event, yaml.NodeEvent):
            if isinstance(event, yaml.CollectionStartEvent):
                above.append((event.anchor, nodes))
            nodes += 1
        if len(above) > YAML_LEVELS:
            raise TooMuchError(f"it is nested more than {YAML_LEVELS} levels deep")
        if nodes > YAML_VALUES:
            raise TooMuchError(f"it holds more than {YAML_VALUES:,} values, aliases written out")
