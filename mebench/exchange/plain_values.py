"""Plain values from files of NumPy, pickles and JSON, and from printed Python."""

import ast
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import prod
from textwrap import shorten
from typing import Any

import numpy as np

from mebench.annotations.plain_pickle import Bare, unpickled
from mebench.errors import DataError
from mebench.limits import ARRAY_NUMBERS

ARRAY_MARK = b"\x93NUMPY"
ARCHIVE_MARK = b"PK\x03\x04"
PICKLE_MARKS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""The first two bytes of pickles of protocols 2 to 5."""
OLD_PICKLE_MARKS = (b"(", b"]", b"}")
"""The first byte of a list or a dict in a pickle of protocol 0 or 1, which ends with a full stop."""
BYTES_OF_NUMBER = 8
MOST_SHOWN = 60
"""Most characters of a content in a message."""
VALUE_START = re.compile(r"^(?:\w+ *[:=] *)?(?=[\[{(]\s*[\[{(\]}\"'\d.-])", re.MULTILINE)
"""The beginning of a value in printed output; a bracket before a word, such as [INFO], does not begin one."""
_HALF_OF_A_SIGN = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a sign as JSON writes it; the halves mean something only together."""
_CONSTRUCTOR = re.compile(
    r"(?<![\w'\"])(?:np\.|numpy\.|torch\.)?(?:array|tensor|OrderedDict|str_|bool_?|u?int\d*|float\d*)\("
)
"""The name in front of the brackets in which NumPy, PyTorch and Python print a value."""
_TYPE_OR_DEVICE = re.compile(r", *(?:dtype|device)=[^,)]*")


def read_value(raw: bytes, joined: list[str] | None = None) -> Any:
    """The value in the bytes of a file; None for a file of another kind.

    NumPy's `.npy` and `.npz`, pickles, JSON, lines of JSON, notebooks, and values as Python prints them.

    Args:
        raw: the bytes.
        joined: list that gets the names that are written twice and whose entries were joined.

    Raises:
        DataError: it is damaged, a pickle that would execute code, or one name has two contents that cannot be joined.
    """
    joined = [] if joined is None else joined
    try:
        if raw.startswith(ARRAY_MARK):
            return _read_array(raw)
        if raw.startswith(ARCHIVE_MARK):
            return _read_arrays(raw)
    except zipfile.BadZipFile as error:
        if b".npy" in raw[:100]:
            raise DataError("it begins like NumPy arrays but is damaged: is the file cut off?") from error
        return None  # the reader of workbooks reports this
    except (ValueError, KeyError, EOFError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"it begins like a NumPy array but is damaged ({reason})") from error
    if _is_pickle(raw):
        return _without_arrays(unpickled(io.BytesIO(raw)))
    return _read_printed(raw.decode("utf-8-sig", "replace").strip(), joined)


def _read_array(raw: bytes) -> Any:
    """The value in an `.npy` file. Its header says what it holds before anything is expanded."""
    file = io.BytesIO(raw)
    readers = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    version, _ = np.lib.format.read_magic(file)
    if version not in readers:
        raise DataError(f"it has version {version} of NumPy's format, expected 1 or 2: save it as CSV")
    shape, _, dtype = readers[version](file)
    if dtype.hasobject:
        return _without_arrays(unpickled(file))  # the header is read, and a pickle follows
    _refuse_many(prod(shape) * dtype.itemsize // BYTES_OF_NUMBER)
    return _without_arrays(np.load(io.BytesIO(raw), allow_pickle=False))


def _read_arrays(raw: bytes) -> dict[str, Any] | None:
    """The values in an `.npz` file by name; None for another archive, such as a workbook."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = archive.namelist()
        if not all(name.endswith(".npy") for name in names):
            return None
        n_bytes = sum(entry.file_size for entry in archive.infolist())
        _refuse_many(n_bytes // BYTES_OF_NUMBER)
        return join_pairs([(name.removesuffix(".npy"), read_value(archive.read(name))) for name in names], [])


def _is_pickle(raw: bytes) -> bool:
    """Whether the bytes are those of a pickle."""
    if raw.startswith(PICKLE_MARKS):
        return True
    return raw.startswith(OLD_PICKLE_MARKS) and raw.rstrip().endswith(b".")


def _read_printed(text: str, joined: list[str]) -> Any:
    """The value that a text is, or those on its lines; None for a text that does not begin with one."""
    if not text.startswith(("{", "[", "(")) or not VALUE_START.match(text):
        return None
    with suppress(ValueError):
        return parse_printed(text, joined)
    return _read_printed_lines(text, joined)


def _read_printed_lines(text: str, joined: list[str]) -> list[Any] | None:
    """A value from each line; None for a text that only begins with a bracket."""
    values = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            values.append(parse_printed(line, joined))
        except ValueError as error:
            if text.startswith("("):  # a remark in brackets
                return None
            if values:
                raise DataError(f"line {number} is not JSON ({error}): is the file cut off?") from error
            raise DataError(f"it begins like JSON but is not valid ({error}): is the file cut off?") from error
    return values


def parse_printed(text: str, joined: list[str] | None = None) -> Any:
    """A value as JSON or Python prints it, also with arrays.

    Args:
        text: the text.
        joined: list that gets the names whose entries were joined (`join_pairs`).

    Raises:
        ValueError: it is neither, or Python abbreviated it.
        DataError: one name has two contents that cannot be joined.

    >>> parse_printed("{'a': [(np.int64(3), 9)], 'b': array([[1., 2.]], dtype=float32)}")
    {'a': [[3, 9]], 'b': [[1.0, 2.0]]}
    >>> parse_printed('{"a": [[3, 9]], "a": [[20, 30]]}')
    {'a': [[3, 9], [20, 30]]}
    """
    joined = [] if joined is None else joined
    try:
        value = json.loads(text, object_pairs_hook=lambda pairs: join_pairs(pairs, joined))
        if _HALF_OF_A_SIGN.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError:
        raise DataError("it names half of a sign, such as \\ud800, which no text holds: write the whole sign") from None
    except RecursionError:
        raise ValueError("lists are nested thousands deep") from None
    except ValueError:
        literal = _TYPE_OR_DEVICE.sub("", _CONSTRUCTOR.sub("(", text))
        literal = re.sub(r"\bnan\b", "None", literal)
        if "..." not in literal:
            with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
                tree = _JoinedNames(joined).visit(ast.parse(literal.strip(), mode="eval"))
                return _without_arrays(ast.literal_eval(tree), joined)
        raise  # JSON's error has a line and a column


def join_pairs(pairs: Sequence[tuple[Any, Any]], joined: list[str]) -> dict[Any, Any]:
    """The object of some names and their contents; contents of one name that stands there twice are joined.

    Args:
        pairs: in the order of the file.
        joined: list that gets the names.

    Raises:
        DataError: they cannot be joined.
    """
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    value = {}
    for name, content in pairs:
        if name in value:
            content = _joined_contents(name, value[name], content, joined)
            joined.append(str(name))
        value[name] = content
    return value


def _joined_contents(name: Any, first: Any, second: Any, joined: list[str]) -> Any:
    """Both contents of a name: one list after the other, both objects in one, or one of two equal cells.

    Raises:
        DataError: they are two cells, or a list and something else.
    """
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *second]
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return join_pairs([*first.items(), *second.items()], joined)
    if type(first) is type(second) and first == second:
        return first
    raise DataError(
        f"{str(name)!r} is written twice in one object, as {_shown(first)} and as {_shown(second)}, and only one can be read: "
        "remove one, or give each a name of its own"
    )


def _shown(content: Any) -> str:
    """A content in a message, cut."""
    return shorten(repr(content), MOST_SHOWN, placeholder="…")


class _JoinedNames(ast.NodeTransformer):
    """Objects of printed Python in which a name is written twice, with its contents joined.

    Attributes:
        joined: list that gets the names.
    """

    def __init__(self, joined: list[str]) -> None:
        self.joined = joined

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """The node, with each name once."""
        self.generic_visit(node)
        names = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        if len(set(names)) == len(names):
            return node
        pairs = [(ast.literal_eval(key), ast.literal_eval(value)) for key, value in zip(node.keys, node.values) if key]
        plain = [(name, _without_arrays(content, self.joined)) for name, content in pairs]
        return ast.parse(repr(join_pairs(plain, self.joined)), mode="eval").body


def _refuse_many(numbers: int) -> None:
    """Refuse more numbers than answers have, which a small file may expand to."""
    if numbers > ARRAY_NUMBERS:
        raise DataError(f"it expands to {numbers:,} numbers, and {ARRAY_NUMBERS:,} are read: save the rows as CSV")


def _without_arrays(value: Any, joined: list[str] | None = None) -> Any:
    """The value made of lists, dicts, numbers and text alone."""
    if isinstance(value, Bare):
        return _without_arrays(vars(value), joined)
    if isinstance(value, np.ndarray | np.generic):
        return _list_of_array(value)
    if isinstance(value, Mapping):  # the names 1 and "1" become one
        pairs = [(str(key), _without_arrays(inner, joined)) for key, inner in value.items()]
        return join_pairs(pairs, [] if joined is None else joined)
    if isinstance(value, list | tuple | set):
        return [_without_arrays(inner, joined) for inner in value]
    return value


def _list_of_array(array: Any) -> Any:
    """The items of an array; a record of named fields becomes a dict."""
    _refuse_many(array.size)
    items = array.tolist()
    names = array.dtype.names
    if names is not None:
        items = [dict(zip(names, record)) for record in items]
    return _without_arrays(items)
