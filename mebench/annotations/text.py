"""Bytes of a table of text as letters: encodings of the field, and signs that nobody sees."""

import codecs
import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

from mebench.annotations.names import KNOWN, names_columns
from mebench.errors import ConfigError, DataError
from mebench.output.terminal import format_count

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
HEADER_WITHIN = 30
"""Rows of text that are searched for a header; SAMM's release has about a dozen rows above it."""
SEPARATORS = (",", ";", "\t", "|", " ")
PASSED = re.compile(r'#(?![,;\t|])|\s*"?sep=.*\S')
"""Lines before the header: a remark, unless a column is called #, and what Excel writes of the separator."""
STRETCH = 1 << 18
"""Letters by which the language of a text is known."""
HAN = [name for name in KNOWN if "\u4e00" <= name[0] <= "\u9fff" and len(name) > 1]
"""Chinese names of columns, which identify a text as Chinese."""
CALLED = {"gb18030": "GB18030 (Chinese)", "cp932": "Shift-JIS (Japanese)", "cp1252": "Windows-1252"}
"""Encodings that a table may have without saying so, in the order in which they are tried."""
_EVERYDAY = {
    "gb18030": ("gb18030", b"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]"),  # rare signs have a second byte below A1
    "cp932": ("shift_jis", b"[\x81-\x84\x88-\x97][\x40-\xfc]"),
}
"""Bytes of the common signs of Chinese (first level of GB 2312) and Japanese (kana and first-level kanji)."""
_HIDDEN = re.compile(
    "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\xad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Signs without a picture: those that control devices, blanks of no width, marks of direction and of variants, fillers,
hyphens that are not there.
"""
_SHOWN_ASCII = bytes(code for code in range(128) if not _HIDDEN.match(chr(code)))
"""The other bytes of ASCII, by which plain text is known sooner than by a search."""
_NO_CP1252 = re.compile("[^\x00-\x7f]{3}|[ÂÃ][^\x00-\x7fÀ-ÿ]|[A-Za-z][À-ÞŠŽŸŒ][a-z]")
"""Patterns outside European words: three accents in a row, UTF-8 read as Windows-1252, a capital with an accent inside
a word.
"""
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""A line with its end; the last one of a text may have none."""
_WIDE = re.compile("[\uff01-\uff5e\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
"""Letters and signs that are as wide as Chinese ones, and blanks of other widths."""


def decode_text(raw: bytes, place: object, encoding: str | None = None) -> tuple[str, str]:
    """The text of some bytes, and the encoding if it was concluded from the text.

    The encoding is in words, and empty if the bytes say it themselves.

    UTF-8, UTF-16 and UTF-32 are known by their form. Another encoding is taken only where what it gives is plainly of its language:
    Chinese of everyday signs, Japanese, or words of Latin letters with accents.

    Args:
        raw: bytes of the file.
        place: the file, for sentences.
        encoding: encoding of a file that is none of the first three, as the user says.

    Raises:
        ConfigError: there is no such encoding.
        DataError: the bytes are not of the encoding, or of none that can be concluded.
    """
    unicode_form = _unicode_form(raw)
    try:
        return raw.decode(unicode_form or "utf-8"), ""
    except UnicodeDecodeError as error:
        if unicode_form is not None:
            raise DataError(f"{place} begins like {unicode_form} text but is not: save it as UTF-8") from None
        line = raw[: error.start].count(b"\n") + 1
    if encoding is not None:
        return _decode_as_told(raw, place, encoding), encoding
    for name, words in CALLED.items():
        with suppress(UnicodeDecodeError):
            text = raw.decode(name)
            if _is_in_language(text, name):
                return text, words
    raise DataError(
        f"{place}, line {line}: the text is not UTF-8, and its encoding is not certain: name it with --encoding, "
        f"such as {', '.join(CALLED)}, euc_kr, or save the file as UTF-8"
    )


def _unicode_form(raw: bytes) -> str | None:
    """The encoding of a text with a byte order mark, or of UTF-16 without one; None for any other text."""
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return name
    # UTF-16 without a mark: of Latin letters every second byte is 0, and no other.
    even = raw[:200:2]
    odd = raw[1:200:2]
    for name, zeros, letters in (("utf-16-be", even, odd), ("utf-16-le", odd, even)):
        if zeros.count(0) > len(zeros) / 2 and 0 not in letters:
            return name
    return None


def _decode_as_told(raw: bytes, source: object, encoding: str) -> str:
    """The text under the encoding that the user names."""
    try:
        return raw.decode(encoding)
    except LookupError:
        raise ConfigError(f"--encoding: {encoding!r} is unknown; expected an encoding such as gb18030") from None
    except ValueError:
        raise DataError(f"{source} is not of the encoding {encoding}: name another with --encoding") from None


def _is_in_language(text: str, encoding: str) -> bool:
    """Whether a sample of the text is in the language of the encoding."""
    first = re.search(r"[^\x00-\x7f]", text)
    sample = text[max(first.start() - 100, 0) : first.start() + STRETCH] if first else text
    if encoding == "cp1252":
        return _is_european(sample)
    signs = Counter(sign for sign in sample if not sign.isascii())
    codec, common = _EVERYDAY[encoding]
    everyday = {sign: n for sign, n in signs.items() if re.fullmatch(common, sign.encode(codec, "ignore"))}
    if encoding == "gb18030" and _is_japanese_or_korean(sample, signs, everyday):
        return False
    least_share = 0.75 if encoding == "gb18030" else 0.9  # names of people have rare signs
    has_letters = any(sign.isalpha() for sign in everyday)
    return has_letters and sum(everyday.values()) >= least_share * sum(signs.values())


def _is_european(sample: str) -> bool:
    """Whether each letter with an accent stands alone or in a word with plain letters."""
    accented = [word for word in re.findall(r"[^\W\d_]+", sample) if not word.isascii()]
    in_plain_words = all(len(word) == 1 or re.search("[A-Za-z]", word) for word in accented)
    return in_plain_words and not _NO_CP1252.search(sample)


def _is_japanese_or_korean(sample: str, signs: Iterable[str], everyday: Iterable[str]) -> bool:
    """Whether a text that can be decoded as Chinese is of another language."""
    has_kana = any("\u3040" <= sign <= "\u30ff" for sign in signs)
    # Korean in EUC-KR uses only a third of the Chinese characters.
    has_few_characters = all(sign.encode("gb18030") < b"\xc9" for sign in everyday)
    names_columns_in_chinese = any(name in sample for name in HAN)
    return has_kana or (has_few_characters and not names_columns_in_chinese)


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text, each with its end, as spreadsheet programs count them."""
    return (line[0] for line in _LINE.finditer(text))


def first_filled_line(text: str) -> str:
    """The first line that holds more than blanks; empty without one."""
    return next((line for line in lines_of(text) if line.strip()), "")


def header_of(text: str) -> tuple[int, str]:
    """The number of the line that names the columns, from 1, and what separates them.

    It is the first line of `HEADER_WITHIN` that names at least two. Where none does, it is 0, and what separates most cells
    of the first line.
    """
    numbered = enumerate(lines_of(text), 1)
    with_content = ((number, line) for number, line in numbered if line.strip() and not PASSED.match(line))
    for number, line in islice(with_content, HEADER_WITHIN):
        counts = {separator: _count_names(line, separator) for separator in SEPARATORS}
        best = max(SEPARATORS, key=lambda separator: counts[separator])
        if counts[best] > 1:
            return number, best
    return 0, max(",;\t", key=first_filled_line(text).count)


def _count_names(line: str, separator: str) -> int:
    """The number of columns that a line names if its cells are separated so."""
    if separator == " ":
        cells = re.split(" +", line.strip(" \r\n"))
        names = names_columns(cells)
        return names if 2 * names >= len(cells) else 0  # a sentence has blanks, too
    try:
        return names_columns(next(csv.reader([line], delimiter=separator)))
    except csv.Error:  # one cell is longer than a cell may be
        return 0


def visible_text(text: str) -> tuple[str, list[str]]:
    r"""The text as it is seen, and what was changed for it, in words.

    Signs without a picture are left out, blanks of all widths are plain ones, letters as wide as Chinese ones are plain, too, and a
    letter written in several signs is one.

    >>> visible_text("EP02\u200b\u3000a，１"), visible_text("EP02")
    (('EP02 a,1', ['1 sign that is not shown (U+200B) left out', '3 wide letters or blanks read as plain ones']), ('EP02', []))
    """
    if text.isascii() and not text.encode().translate(None, delete=_SHOWN_ASCII):
        return text, []
    notes = []
    hidden = _HIDDEN.findall(text)
    if hidden:
        codes = ", ".join(f"U+{ord(sign):04X}" for sign in dict.fromkeys(hidden))
        notes.append(f"{format_count(len(hidden), 'sign that is', 'signs that are')} not shown ({codes}) left out")
        text = _HIDDEN.sub("", text)
    narrow, n = _WIDE.subn(lambda match: unicodedata.normalize("NFKC", match[0]).strip() or " ", text)
    if n:
        wide = format_count(n, "wide letter or blank", "wide letters or blanks")
        notes.append(f"{wide} read as {'a plain one' if n == 1 else 'plain ones'}")
    if not unicodedata.is_normalized("NFC", narrow):
        narrow = unicodedata.normalize("NFC", narrow)
        notes.append("letters written in several signs, such as e and an accent, are read as one")
    return narrow, notes
