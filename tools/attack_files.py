"""Hostile sheets, configurations, score files, images and models for `attack.py`: each is a file and the command that reads it."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attack_records import ESCAPES, MARKUP, no_plain_file


@dataclass(frozen=True)
class Case:
    """A request to the program.

    Attributes:
        kind: `sheets`, `configs`, `score files`, `images` or `models`.
        words: after `mebench`.
        folder: where.
    """

    kind: str
    words: list[str]
    folder: Path


Make = Callable[[random.Random, int, Path], list[str]]
"""Writes a file into a folder; the words of the command that reads it."""


def special(dice: random.Random, place: Path) -> None:
    """Something that is no plain file, or has no end."""
    choice = dice.randrange(6)
    if choice < 5:
        no_plain_file(choice, place)
    else:
        place.write_bytes(b"")


def torn(dice: random.Random, raw: bytes) -> bytes:
    """Some bytes turned over, cut out, or said again."""
    data = bytearray(raw)
    for _ in range(dice.choice((1, 5, 50, 500))):
        data[dice.randrange(len(data))] = dice.randrange(256)
    a, b = sorted(dice.randrange(len(data)) for _ in range(2))
    return bytes(dice.choice((data, data[:b], data[:a] + data[b:], data + data[a:b] * 20)))


# -- sheets -----------------------------------------------------------------------------------------------------------------


def sheets(dice: random.Random, number: int, folder: Path) -> list[str]:
    """A sheet of CASME II beside its drawn frames."""
    words = ["data", dice.choice(("summary", "verify")), "dataset=casme2", f"dataset.root={folder.parent / 'casme2'}"]
    name = dice.choice(("sheet.xlsx", "sheet.csv", "sheet.xls"))
    file, choice = folder / name, number % 10
    head = ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion"]
    row = ["16", "EP04_02f", "5", "10", "20", "4+7", "disgust"]
    if choice == 0:
        special(dice, file)
    elif choice in (1, 2):  # cells that say what cannot be
        odd = (
            *ESCAPES,
            *MARKUP,
            "-1",
            "1e308",
            "nan",
            "9" * 400,
            "2" * 19,
            "",
            "x" * 100_000,
            "\ud7ff",
            "=1+1",
            "0x10",
            "１０",
            "1/0",
        )
        cells = [[*row] for _ in range(30)]
        for line in cells[::2]:
            line[dice.randrange(len(line))] = dice.choice(odd)
        _table(dice, file, [head, *cells])
    elif choice == 3:
        _table(dice, file, [[dice.choice(ESCAPES + MARKUP) if dice.random() < 0.3 else name for name in head], row])
    elif choice == 4:  # a bomb: many blanks in few bytes
        _workbook(file.with_suffix(".xlsx"), '<row r="1"><c t="str"><v>' + " " * 2**28 + "</v></c></row>")
        file = file.with_suffix(".xlsx")
    elif choice == 5:  # rows and columns without end, from a few bytes
        many = dice.choice(
            (
                '<row r="1"/>' * 3_000_000,
                '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
                "<row><c/></row>" * 10**6,
            )
        )
        _workbook(file.with_suffix(".xlsx"), many)
        file = file.with_suffix(".xlsx")
    elif choice == 6:  # entities that grow
        _workbook(file.with_suffix(".xlsx"), "<row><c t='str'><v>&a11;</v></c></row>", _growing_entities())
        file = file.with_suffix(".xlsx")
    elif choice == 7:
        raw = next((folder.parent / "casme2").glob("*.xlsx")).read_bytes()
        file.write_bytes(torn(dice, raw))
    elif choice == 8:
        wide = dice.choice(
            (
                ",".join(head) + "\n" + "1," * 5_000_000,
                ('"' + "a" * 10**7),
                "\n" * 10**7,
                ",".join(head) + "\n" + "16,EP04_02f,5,10,20,4,disgust\n" * 200_000,
            )
        )
        file.write_text(wide)
    else:
        _table(
            dice,
            file,
            [
                head,
                *[
                    [str(n), dice.choice(("../x", "/etc/passwd", "EP04_02f", "a\0b", "." * 300)), *row[2:]]
                    for n in range(20)
                ],
            ],
        )
    return [*words, f"dataset.annotations={file}"]


def _table(dice: random.Random, file: Path, rows: list[list[str]]) -> None:
    import csv

    import openpyxl

    if file.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", cell)[:32_000] for cell in row])
        book.save(file)
    else:
        with file.open("w", newline="", errors="surrogatepass") as out:
            csv.writer(out, delimiter=dice.choice(",;\t")).writerows(rows)


def _growing_entities() -> str:
    """A document type whose last entity expands to 10^11 words."""
    entities = ['<!ENTITY a0 "ha">']
    entities += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)]
    return f"<!DOCTYPE x [{''.join(entities)}]>"


def _workbook(file: Path, rows: str, before: str = "") -> None:
    """A workbook whose one sheet is this XML."""
    import openpyxl

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    openpyxl.Workbook().save(whole := io.BytesIO())
    with zipfile.ZipFile(whole) as empty, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in empty.namelist():
            text: str | bytes = empty.read(name)
            if name == "xl/worksheets/sheet1.xml":
                text = (
                    f'<?xml version="1.0"?>{before}<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
                )
            archive.writestr(name, text)


# -- configurations ---------------------------------------------------------------------------------------------------------


def configs(dice: random.Random, number: int, folder: Path) -> list[str]:
    """YAML on the command line or in a file of settings (R5)."""
    file, choice = folder / "mine.yaml", number % 10
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, dice.choice((6, 9, 12)))]
    depth = dice.choice((33, 1_000, 20_000, 400_000))
    if choice == 0:
        special(dice, file)
    elif choice == 1:
        file.write_text("\n".join(laughs))
    elif choice == 2:
        file.write_text(
            dice.choice(
                (
                    "method: " + "[" * depth,
                    "{a: " * depth,
                    "- " * depth,
                    "a: &a [*a]",
                    "a: &a {b: *a}",
                    "<<: &a {<<: *a}",
                )
            )
        )
    elif choice == 3:
        file.write_text(
            dice.choice(
                (
                    "a: !!python/object/apply:os.system ['echo FORGED']",
                    "!!python/name:os.system",
                    "a: !!timestamp 2001-99-99",
                    "a: !!binary '%%'",
                    "a: !!float x",
                    "a: !!int ''",
                )
            )
        )
    elif choice == 4:
        file.write_bytes(
            dice.choice(
                (
                    b"\xff\xfe\x00",
                    b"\0" * 1000,
                    b"a" * 2**21,
                    b"- 1\n" * 300_000,
                    b"seed: \x1b[2J",
                    b"\xef\xbb\xbfseed: 1",
                    b"%YAML 9.9\n---\na: 1",
                    b"---\n" * 10_000,
                )
            )
        )
    elif choice == 5:
        name = dice.choice(
            (
                "seed",
                "method",
                "dataset",
                "protocol",
                "workers",
                "bootstrap",
                "scheme",
                "plugins",
                "runs",
                "cache",
                "kinds",
            )
        )
        value = dice.choice(
            (
                "-1",
                "1e400",
                "9" * 4_000,
                '"\\e[2JFORGED"',
                "[[[1]]]",
                "{a: 1}",
                "null",
                ".nan",
                '"' + "x" * 100_000 + '"',
                '"\\0"',
                "/dev/zero",
                "'../../..'",
                "[]",
                "0x7fffffffffffffffff",
                "1:60:60",
            )
        )
        file.write_text(f"{name}: {value}\n")
    elif choice == 6:
        value = dice.choice((".inf", "-5", "[1, 2]", "x", "9" * 23))
        file.write_text(f"method:\n  name: mean\n  {dice.choice(('p', 'epochs', 'smoothing', 'k'))}: {value}\n")
    elif choice == 7:
        file.write_text("method: mean\n")
        word = dice.choice(
            (
                "method.p=" + "[" * depth,
                "method.p=" + "9" * 5_000,
                f"dataset.{dice.choice(ESCAPES)}=1",
                f"method={dice.choice((*ESCAPES, *MARKUP))}",
                "=",
                "a=b=c",
                "method.p=&a [*a]",
                "." * 5_000 + "=1",
                f"protocol={dice.choice(MARKUP)}",
                "scheme=!!python/name:os.system",
            )
        )
        return ["config", "show", "dataset=synthetic", "--config", str(file), word[:100_000]]
    elif choice == 8:
        study = {
            "space": {
                dice.choice(("method.p", "a\x1b[2J", "")): dice.choice(
                    ([], [1e400], "x", {"low": 1}, {"low": 5, "high": 1}, None)
                )
            }
        }
        file.write_text(json.dumps(study))
        return [
            "tune",
            "method=random",
            "dataset=synthetic",
            "-c",
            str(file),
            "--trials",
            "1",
            "--param",
            dice.choice(("method.p=0..1", "method.p=1..0", "a\x1b[2J=1", "method.p=[[[", "=")),
            "--out",
            str(folder / "t"),
            "--storage",
            "sqlite:///" + str(folder / "no" / "x.db"),
        ]
    else:
        file.write_bytes(
            torn(
                dice,
                b"method:\n  name: mean\n  p: 0.5\ndataset:\n  name: synthetic\nprotocol: loso\nseed: 3\nkinds: [micro]\n",
            )
        )
    return ["config", "show", "method=mean", "dataset=synthetic", "--config", str(file)]


# -- score files ------------------------------------------------------------------------------------------------------------

TRUTH = "subject,video,kind,onset,apex,offset,emotion\n" + "".join(
    f"s{n},v{n},micro,10,15,25,happy\n" for n in range(6)
)
SAID = "subject,video,kind,onset,offset,confidence\n" + "".join(f"s{n},v{n},micro,11,24,0.{n}\n" for n in range(6))
EAF = """<?xml version="1.0" encoding="UTF-8"?>{0}
<ANNOTATION_DOCUMENT AUTHOR="a" FORMAT="3.0" VERSION="3.0"><HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
<MEDIA_DESCRIPTOR MEDIA_URL="file:///v0.mp4" MIME_TYPE="video/mp4"/><PROPERTY NAME="mebench:fps">{1}</PROPERTY></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="{2}"/><TIME_SLOT TIME_SLOT_ID="b" TIME_VALUE="800"/></TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="i" TIER_ID="{3}">{4}<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="a" TIME_SLOT_REF2="b">
<ANNOTATION_VALUE>{5}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"""


def score_files(dice: random.Random, number: int, folder: Path) -> list[str]:
    """Intervals, frame scores, clips, logs, workbooks and files of ELAN."""
    truth, file, choice = folder / "truth.csv", folder / "mine.csv", number % 10
    truth.write_text(TRUTH)
    option, more = "--predictions", [[], ["--sensitivity"], ["--loose-ids"], ["--fps", "30"], ["--json", "-"]]
    odd = (
        *ESCAPES,
        *MARKUP,
        "-1",
        "1e308",
        "nan",
        "inf",
        "9" * 400,
        str(2**63),
        "",
        "x" * 200_000,
        "=1+1",
        "1,5",
        "1_0",
        "٣",
        "-0",
        "1e3",
    )
    if choice == 0:
        special(dice, dice.choice((file, truth.with_suffix(".2"))))
        if not file.exists() and not file.is_symlink():
            file, truth = truth, truth.with_suffix(".2")
    elif choice in (1, 2):
        target, separator = dice.choice((file, truth)), dice.choice((",", ";", "\t", "|"))
        text = TRUTH if target == truth else SAID
        lines = [line.split(",") for line in text.splitlines()]
        for line in dice.sample(lines[1:], dice.choice((1, 3))):
            line[dice.choice((0, 1, dice.randrange(len(line))))] = f'"{dice.choice(odd)}"'
        file.write_text(SAID)
        target.write_text("\n".join(separator.join(line) for line in lines), errors="surrogatepass")
    elif choice == 3:
        option, more = "--frame-scores", [["--k-prime", "8"], ["--k-prime", "8", "--json", "-"]]
        frames = "subject,video,frame,score\n" + "".join(f"s0,v0,{n},0.{n}\n" for n in range(200))
        extra = dice.choice(
            (
                f"s0,v0,{10**9},0.5\n",
                f"s0,v0,{2**62},0.5\n",
                "s0,v0,-5,0.5\n",
                "s0,v0,5,nan\n",
                "s0,v0,5,1e308\n" * 3,
                "s0,v0,1,\x1b[2J\n",
                "s0,v0," * 10**5,
            )
        )
        file.write_text(frames + extra)
    elif choice == 4:
        option, more = "--clips", [[], ["--json", "-"]]
        text = "subject,video,onset,offset,emotion\n" + "".join(
            f"s{n},v{n},10,25,{dice.choice(('happy', 'sad', *ESCAPES[:2], *MARKUP))}\n" for n in range(6)
        )
        file.write_text(text)
    elif choice == 5:
        file = folder / "mine.eaf"
        before = dice.choice(("", "", _growing_entities(), '<!DOCTYPE x SYSTEM "file:///etc/passwd">'))
        fields = [
            "25",
            "400",
            dice.choice(("micro", "\u202emicro", "micro@&lt;script&gt;")),
            "<A>" * dice.choice((0, 100, 50_000)),
            "happy",
        ]
        fields[dice.randrange(2)] = dice.choice(("nan", "-1", "1e400", "9" * 5_000, "x", ""))
        file.write_text(EAF.format(before, *fields[:3], fields[3], fields[4] if not before else "&a11;"))
    elif choice == 6:
        file.write_bytes(torn(dice, SAID.encode(dice.choice(("utf-8", "utf-16", "utf-32", "utf-16-le")))))
    elif choice == 7:
        file.write_text(
            dice.choice(
                (
                    "subject,video,onset,offset\n" + "s0,v0,10,25\n" * 300_000,
                    ",".join(f"c{n}" for n in range(200_000)),
                    '"' * 10**6,
                    "subject,video,onset,offset\n" + '"' + "a\n" * 10**6,
                    "\n" * 10**6,
                    "PK\x03\x04" + "x" * 1000,
                    "\x1f\x8b" + "x" * 99,
                    "PAR1" * 9,
                )
            )
        )
    elif choice == 8:
        file = folder / "mine.txt"
        file.write_text(
            f"vid_1 pred: [[{dice.choice(odd)}, 20]] gt: [[3, 9]] s1 EP01\n"
            + f"TP {dice.choice(odd)} FP 1 FN 1 TP 0\n" * 50
        )
    else:
        name = dice.choice(ESCAPES + MARKUP).replace("/", "").replace("\0", "") + ".csv"
        file = folder / name[:200]
        file.write_text(dice.choice((SAID, "nothing", "subject,video\n1,2")))
    return ["score", "--truth", str(truth), option, str(file), "--bootstrap", "20", *dice.choice(more)]


# -- images -----------------------------------------------------------------------------------------------------------------


def _png(width: int, height: int, rows: bytes = b"", depth: int = 8, kind: int = 0, more: bytes = b"") -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + more + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def images(dice: random.Random, number: int, folder: Path) -> list[str]:
    """A folder of frames, one of them hostile (R7); or named so (R6)."""
    import numpy as np
    from PIL import Image

    clip, choice = folder / "clip", number % 10
    clip.mkdir()
    grey = Image.fromarray(np.full((96, 96), 120, np.uint8))
    for n in range(5):
        grey.save(clip / f"img{n:03d}.png")
    file, buffer = clip / "img002.png", io.BytesIO()
    grey.save(buffer, dice.choice(("png", "jpeg", "bmp", "tiff", "webp")))
    if choice == 0:
        file.unlink()
        special(dice, file)
    elif choice == 1:
        side = dice.choice((20_000, 65_535, 2**31 - 1, 2**32 - 1, 0, 6_000))
        file.write_bytes(_png(side, side, b"\0" * 1000))
    elif choice == 2:  # as many pixels as may be, in a few bytes
        file.write_bytes(_png(30_000, 30_000, b"\0" * 901_030_000 if number == 2 else b"\0" * 99))
    elif choice in (3, 4):
        file.write_bytes(torn(dice, buffer.getvalue()))
    elif choice == 5:
        heavy = zlib.compress(b"x" * (100 * 2**20))
        chunk = b"zTXtnote\0\0" + heavy
        file.write_bytes(
            _png(
                96,
                96,
                (b"\0" + b"\x70" * 96) * 96,
                more=struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)),
            )
        )
    elif choice == 6:
        frames = [Image.fromarray(np.full((64, 64), n % 256, np.uint8)) for n in range(300)]
        frames[0].save(file.with_suffix(".tiff"), save_all=True, append_images=frames[1:])
    elif choice == 7:
        name = dice.choice((*ESCAPES, *MARKUP)).replace("/", "").replace("\0", "")
        dice.choice((lambda p: p.write_bytes(b"no image"), lambda p: p.mkdir()))(clip / f"{name[:100]}.png")
    elif choice == 8:
        (clip / "back").symlink_to(folder)
        (clip / "self").symlink_to(clip)
        (clip / "up").symlink_to("/")
    else:
        Image.fromarray(np.full((96, dice.choice((1, 95, 5_000))), 9, np.uint8)).save(file)
        Image.fromarray(np.full((96, 96), 70_000 // 2, np.uint16)).save(clip / "img003.png")
    verb = dice.choice(
        (
            ["data", "verify"],
            ["data", "verify", "--deep"],
            ["data", "summary"],
            ["data", "preview", "--out", str(folder / "x.png")],
        )
    )
    return [*verb, "dataset=folder", f"dataset.root={clip}", "dataset.fps=30"]


# -- models -----------------------------------------------------------------------------------------------------------------


def models(dice: random.Random, number: int, folder: Path) -> list[str]:
    """Files that call themselves models."""
    file, choice = folder / "mine.safetensors", number % 8
    said: dict[str, Any] = {
        "format": 1,
        "name": "mine",
        "method": {"name": "random"},
        "recognizer": None,
        "fold": "a",
        "seed": 0,
        "features": {},
        "task": {"tasks": ["spot"], "kinds": ["micro"], "classes": [], "scheme": "", "one_per_video": False},
        "timings": [{"fps": 30.0, "k": 3, "k_prime": {"micro": 6}}],
        "versions": {},
        "card": "a model",
        "scores": {},
    }
    length = None
    if choice == 0:
        special(dice, file)
        return ["model", dice.choice(("info", "import")), str(file)]
    if choice == 1:
        length = dice.choice((0, 1, 2**20, 2**32, 2**63, 2**64 - 1))
    elif choice == 2:
        said["name"] = dice.choice((*ESCAPES, *MARKUP, "../x", "", "a" * 100))
    elif choice == 3:
        said["card"] = dice.choice((*ESCAPES, *MARKUP, "x" * 30_000, "# a\n" * 4_000))
    elif choice == 4:
        said["method"] = dice.choice(
            (
                {"name": "no such"},
                {},
                {"name": "mean", "landmarks": "/etc/passwd"},
                {"name": ["x"]},
                {"name": "random", "p": "\x1b[2J"},
                {"name": "../../x"},
            )
        )
    elif choice == 5:
        said["seed"] = dice.choice((-1, 10**400, 1.5, None, "x"))
        said["timings"] = dice.choice(
            ([], [{"fps": -1.0, "k": 3, "k_prime": {}}], [{"fps": 30.0, "k": 10**9, "k_prime": {"micro": 0}}])
        )
    elif choice == 6:
        said["versions"] = {"torch": dice.choice(ESCAPES)}
    text: object = (
        {"mebench": json.dumps(said)}
        if choice != 7
        else dice.choice(("x", {"mebench": "[" * 90_000}, {"mebench": 5}, [], {"other": "x"}))
    )
    header = json.dumps({"__metadata__": text}).encode()
    raw = struct.pack("<Q", len(header) if length is None else length) + header
    file.write_bytes(torn(dice, raw) if number >= 40 else raw)
    return ["model", dice.choice(("info", "import")), str(file)]


KINDS: dict[str, Make] = {
    "sheets": sheets,
    "configs": configs,
    "score files": score_files,
    "images": images,
    "models": models,
}


def make_files(folder: Path, seed: int, each: int, drawn: Path) -> list[Case]:
    """`each` files of every kind, with what to ask of them.

    Args:
        folder: where they go.
        seed: of the dice.
        each: of a kind.
        drawn: a drawn copy of CASME II.
    """
    cases = []
    for kind, make in KINDS.items():
        place = folder / kind.replace(" ", "_")
        place.mkdir(parents=True)
        if kind == "sheets":
            (place / "casme2").symlink_to(drawn)
        for number in range(each):
            (own := place / str(number)).mkdir()
            cases.append(Case(kind, make(random.Random(f"{seed}/{kind}/{number}"), number, own), own))
    return cases
