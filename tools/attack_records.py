"""Hostile records for `attack.py`, by family: each takes a sound record and does harm to it, as its dice fall.

Who attacks knows the program: after the harm all hashes are right again, and where the harm can be scored, the scores too.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mebench.config.registry import content_hash, list_plugins
from mebench.files import file_hash
from mebench.records.record_files import own_hash, rescore_record
from mebench.runs.folder import RunFolder

JSONS = ("record.json", "folds.json", "audit.json")
TABLES = ("videos.parquet", "truth.parquet", "predictions.parquet", "clips.parquet")
ESCAPES = (
    *("\x1b]0;FORGED\x07", "\x1b[2J\x1b[HFORGED", "\rrecord good: taken FORGED", "\nrecord good: taken FORGED"),
    *("\x9b2JFORGED", "\u202eDEGROF", "\u2066FORGED", "\x08\x08FORGED", "\u2028FORGED", "\x7fFORGED", "\x1b[8mFORGED"),
)
"""Sequences that a terminal obeys."""
MARKUP = (
    *(
        "<script>window.forged=1</script>",
        '"><img src=x onerror="window.forged=1">',
        "</script><svg onload=window.forged=1>",
    ),
    *("javascript:window.forged=1", "{{ 7*7 }}{% include '/etc/passwd' %}", "[x](javascript:window.forged=1)"),
    *(
        '=HYPERLINK("http://forged.example")',
        "\\input{/etc/passwd}",
        "](x) | a | b |",
        "--></style><script>forged=1</script>",
    ),
    *("' onmouseover='window.forged=1", "<a href='javascript:window.forged=1'>x</a>", "${window.forged=1}", "%s%n%x"),
    *("<base href=http://forged.example>", "<meta http-equiv=refresh content='0;url=http://forged.example'>"),
)
"""Text that a page, a spreadsheet or LaTeX would run."""


def _step(word: str) -> str | int:
    """A step of a path with slashes: a position in a list, or a name."""
    return int(word) if word.isdecimal() else word


def _with_other_name(words: Sequence[str], old: str, new: str) -> list[str]:
    """The words, one of them under another name."""
    return [{old: new}.get(word, word) for word in words]


class Made:
    """A record under the hands of somebody hostile.

    Attributes:
        path: its folder.
        dice: of this record alone.
        number: which of its family it is, from 0.
    """

    def __init__(self, path: Path, dice: random.Random, number: int) -> None:
        self.path, self.dice, self.number = path, dice, number

    def json(self, name: str = "record.json") -> Any:
        return json.loads((self.path / name).read_text(encoding="utf-8"))

    def write(self, content: Any, name: str = "record.json") -> None:
        (self.path / name).write_text(json.dumps(content), encoding="utf-8")

    def change(self, path: str, value: Any, name: str = "record.json") -> None:
        """Put a value where a path with slashes leads; `...` removes what is there."""
        content = self.json(name)
        *above, last = map(_step, path.split("/"))
        part = reduce(lambda inner, step: inner[step], above, content)
        if value is ...:
            del part[last]
        else:
            part[last] = value
        self.write(content, name)

    def change_any(self, value: Any, kind: type | tuple[type, ...] = object, name: str = "") -> None:
        """Put a value in the place of any one of such a kind."""
        name = name or self.dice.choice([n for n in JSONS if (self.path / n).is_file()])
        content = self.json(name)
        skip = ("sha256", "files", "format", "run_id")
        places = [p for p in leaves(content) if p[0] not in skip and isinstance(at(content, p), kind)]
        if not places:
            self.change_any(value, kind, "record.json")
            return
        *above, last = self.dice.choice(places)
        part = at(content, above)
        if value is ...:
            del part[last]
        else:
            part[last] = value
        self.write(content, name)

    def table(self, name: str) -> pa.Table:
        return pq.read_table(self.path / name)

    def put(self, table: pa.Table, name: str, **how: Any) -> None:
        pq.write_table(table, self.path / name, **how)

    def column(self, name: str, column: str, value: Any, everywhere: bool = False) -> None:
        """Put a value into a column: into all rows, or into one drawn."""
        table = self.table(name)
        if not table.num_rows:
            return
        place = table.column_names.index(column)
        kind = table.field(place).type
        kind = pa.string() if pa.types.is_null(kind) else kind
        cells = [value] * len(table) if everywhere else table[column].to_pylist()
        cells[self.dice.randrange(len(cells))] = value
        self.put(table.set_column(place, pa.field(column, kind), pa.array(cells, kind)), name)

    def rename(self, what: str, old: str, new: str) -> None:
        """Call a subject, video or emotion otherwise wherever it stands."""
        for name in TABLES:
            frame = pd.read_parquet(self.path / name)
            for column in {"subject": ["subject"], "video": ["video"], "emotion": ["emotion", "predicted"]}[what]:
                if column in frame and len(frame):
                    frame[column] = frame[column].where(frame[column] != old, new)
            table = pa.Table.from_pandas(frame, preserve_index=False)
            self.put(table.cast(self.table(name).schema.remove_metadata()) if len(frame) else self.table(name), name)
        about = self.json("folds.json")
        if what == "emotion":
            about["classes"] = _with_other_name(about["classes"], old, new)
        if what == "subject":
            for fold, part in product(about["folds"], ("train", "valid", "test")):
                fold[part] = _with_other_name(fold[part], old, new)
        self.write(about, "folds.json")

    def seal(self, scored: bool = False) -> None:
        """Make all hashes right, and where asked for and possible the scores."""
        stored = self.json()
        for name in stored.get("files", {}):
            if name in (*JSONS, *TABLES) and (self.path / name).is_file():
                stored["files"][name] = file_hash(self.path / name)
        self.write(stored)
        if scored:
            try:
                self.write({**stored, "sha256": "0" * 64})
                stored["summary"] = rescore_record(RunFolder(self.path))
            except Exception:  # then it is sent with the old ones
                pass
        stored.pop("sha256", None)
        try:
            self.write({**stored, "sha256": own_hash(stored)})
        except (UnicodeEncodeError, ValueError):  # half a surrogate pair has no hash
            self.write({**stored, "sha256": hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()})


def leaves(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where all values of JSON stand, of long lists the first three."""
    if isinstance(content, dict):
        entries: Any = content.items()
    else:
        entries = enumerate(content[:3]) if isinstance(content, list) else ()
    for name, value in entries:
        yield (*path, name)
        yield from leaves(value, (*path, name))


def at(content: Any, path: Any) -> Any:
    return reduce(lambda inner, step: inner[step], path, content)


# -- families: each gives whether all of it must be refused -----------------------------------------------------------------

Family = Callable[[Made], bool | None]
FAMILIES: dict[str, Family] = {}


def family(function: Family) -> Family:
    FAMILIES[function.__name__] = function
    return function


@family
def half_a_surrogate(made: Made) -> bool:
    """R2: text that cannot be encoded."""
    made.change_any(made.dice.choice(("\ud800", "a\udfffb", "\udc80" * 9)), str)
    made.seal()
    return True


@family
def vast_numbers(made: Made) -> bool:
    """R2, R3: numbers whose sums are infinite, or that have 400 digits."""
    value = made.dice.choice((1e308, 10**400, -1e308, math.inf, math.nan, 2**1024, -(10**400), 1e16))
    if made.number % 4 == 0:
        made.change("costs/fit_seconds", 1e308)
    elif made.number % 4 == 1:
        made.change("costs/parameters", 10**400)
    else:
        made.change_any(value, (int, float))
    made.seal()
    return True


@family
def lacking_keys(made: Made) -> None:
    """R2: what everybody reads is not there, such as `left_out` of folds.json."""
    if made.number < 2:
        made.change("left_out", ..., "folds.json")
    else:
        made.change_any(...)
    made.seal(scored=made.number % 2 == 1)


@family
def deep_json(made: Made) -> bool:
    """R3: nested beyond what a stack holds."""
    depth = made.dice.choice((60, 300, 900, 5_000, 100_000, 3_000_000))
    opened, closed = made.dice.choice((("[", "]"), ('{"a":', "}")))
    deep = opened * depth + "1" + closed * depth
    name = made.dice.choice([n for n in JSONS if (made.path / n).is_file()])
    text = (made.path / name).read_text()
    (made.path / name).write_text(text[:-1].rstrip("}\n ") + f', "more": {deep}' + "}" if made.number % 2 else deep)
    return True


@family
def frames_of_videos(made: Made) -> None:
    """R3: videos without frames, with too many, or of unknown length; frame rates that cannot be (R9)."""
    if made.number % 2:
        value = made.dice.choice((0, -1, 10**9, 10**7, 2**62, None, 10**7 - 1))
        made.column("videos.parquet", "n_frames", value, everywhere=True)
    else:
        made.column("videos.parquet", "fps", made.dice.choice((-30.0, 0.0, math.nan, math.inf, 1e300, None, 1e-9, 1e5)))
    made.seal()


@family
def many_draws(made: Made) -> None:
    """R3: more draws of the bootstrap than anybody makes."""
    made.change("config/bootstrap", made.dice.choice((10**9, 100_001, 100_000, 50_000, -1, 2**63, 1e5, True)))
    made.seal()


def no_plain_file(kind: int, place: Path) -> None:
    """Kinds 0 to 4: a pipe, a device without an end, a link to itself, a folder, a giant of holes."""
    if kind == 0:
        os.mkfifo(place)
    elif kind == 1:
        place.symlink_to("/dev/zero")
    elif kind == 2:
        place.symlink_to(place)
    elif kind == 3:
        place.mkdir()
    else:
        with place.open("wb") as giant:
            giant.truncate(2**40)


@family
def special_files(made: Made) -> bool:
    """R3, R7: a pipe, a device, a link, a folder or a giant with holes where a file should be."""
    made.seal()
    name = made.dice.choice(("record.json", "folds.json", *TABLES))
    file = made.path / name
    keep = file.read_bytes()
    file.unlink()
    kind = made.number % 7
    if kind < 5:
        no_plain_file(kind, file)
    elif kind == 5:
        file.symlink_to(made.dice.choice(("/etc/passwd", "../../../../etc/hostname", "/proc/self/mem")))
    else:
        file.write_bytes(keep)
        os.mkfifo(made.path / made.dice.choice(("more.parquet", ".hidden", "DONE", "config.json")))
    return True


@family
def many_rows(made: Made) -> bool:
    """R3: a small file of 5e7 rows, or of a few rows less."""
    name = made.dice.choice(TABLES[1:])
    rows = 50_000_000 if made.number == 0 else made.dice.choice((2_000_001, 3_000_000, 10_000_000))
    schema = made.table(name).schema.remove_metadata()
    first = [made.table(name).slice(0, 1).to_pylist() or [{}]][0][0]
    at_once = 1_000_000
    cells = []
    for field in schema:
        value = first.get(field.name) or {"onset": 1, "offset": 5, "confidence": 0.5, "draw": 0}.get(field.name)
        kind = pa.string() if pa.types.is_null(field.type) else field.type
        value = value if not isinstance(value, list) else None
        cells.append(pa.nulls(at_once, kind) if value is None else pa.repeat(pa.scalar(value, kind), at_once))
    chunk = pa.table(cells, names=schema.names)
    with pq.ParquetWriter(made.path / name, chunk.schema, compression="zstd") as writer:
        for done in range(0, rows, at_once):
            writer.write_table(chunk.slice(0, min(at_once, rows - done)))
    made.seal()
    return True


@family
def stolen_keys(made: Made) -> None:
    """R4: the key of an honest record, whose row would be hidden."""
    honest = json.loads((made.path.parents[1] / "honest" / "good" / "record.json").read_text())
    made.change("key", honest["key"])
    if made.number % 2:
        made.change("config", {**honest["config"], "method.p": made.dice.random()})
    made.change("settings", f"stolen {made.number}")
    made.seal(scored=True)


@family
def terminal_escapes(made: Made) -> bool | None:
    """R6: names that a terminal obeys."""
    text = made.dice.choice(ESCAPES)
    place = made.number % 6
    if place == 0:
        made.change("run_id", text)
    elif place == 1:
        made.rename("subject", made.table("videos.parquet")["subject"][0].as_py(), text)
    elif place == 2:
        made.change_any(text, str)
    elif place == 3:
        made.rename("video", made.table("videos.parquet")["video"][0].as_py(), text)
    elif place == 4:
        (made.path / text.replace("/", "")).write_text("more")
    made.seal(scored=True)
    if place == 5:
        made.path.rename(made.path.with_name(made.path.name + text.replace("/", "")))
    return True


@family
def implausible_values(made: Made) -> None:
    """R9: taken by 0.1 though no run writes them."""
    choice = made.number % 7
    if choice == 0:
        made.column("videos.parquet", "fps", -30.0)
    elif choice == 1:
        made.column("predictions.parquet", "confidence", math.nan)
    elif choice == 2:
        made.column("predictions.parquet", "offset", 2**62)
    elif choice == 3:
        made.change("costs/fit_seconds", -5)
    elif choice == 4:
        made.change("version", made.dice.choice((0, -1, 10**9, True, 1.5)))
    elif choice == 5:
        made.change("run_id", "r" * 250)
    else:
        made.column("truth.parquet", "onset", made.dice.choice((-1, 10**8, 2**62)))
    made.seal(scored=True)


@family
def the_code_of_another(made: Made) -> bool | None:
    """R9: a record whose method was renamed; the hash of its code tells, where that code is installed."""
    stored = made.json()
    name = made.dice.choice(("mean", "ststnet", "softnet", "bi_woof", "optical_strain", "lbp_top", "my_new_method"))
    own, installed = stored["config"]["method"], made.number % 2 == 0
    if installed:
        others = stored["versions"]["method_plugin"].split("+")[1:]
        stored["versions"]["method_plugin"] = "+".join((content_hash(list_plugins("method")[own]), *others))
    stored["config"]["method"] = name
    stored["settings"] = f"renamed {made.number}"
    made.write(stored)
    made.seal(scored=True)
    return (installed and name != own) or None


@family
def markup(made: Made) -> None:
    """Whatever a page would run, in every text that is taken."""
    text = f"{made.dice.choice(MARKUP)} {made.number}"
    place = made.number % 10
    if place < 4:
        made.change(("settings", "data", "versions/torch", "versions/processor")[place], text)
    elif place == 4:
        made.change("remark", text, "folds.json")
    elif place == 5:
        made.change("config/method.note", [text, {text: text}])
    elif place == 6:
        made.rename("subject", made.table("videos.parquet")["subject"][0].as_py(), text)
    elif place == 7:
        made.rename("video", made.table("videos.parquet")["video"][0].as_py(), text)
    elif place == 8 and (classes := made.json("folds.json")["classes"]):
        made.rename("emotion", classes[0], text)
    else:
        made.change("config/method", text)
    made.change("config/method.copy", made.number)
    made.seal(scored=True)


@family
def retyped(made: Made) -> None:
    """A value of another type anywhere."""
    made.change_any(made.dice.choice((7, "seven", None, [["x"]], {"y": {}}, True, -1.5, [], {}, "")))
    made.seal(scored=made.number % 2 == 0)


@family
def torn_files(made: Made) -> None:
    """A file cut, turned over or empty, with hashes that fit."""
    name = made.dice.choice(TABLES)
    raw = bytearray((made.path / name).read_bytes())
    for _ in range(made.dice.choice((1, 3, 30, 300))):
        raw[made.dice.randrange(len(raw))] = made.dice.randrange(256)
    raw = raw[: made.dice.choice((len(raw), len(raw), len(raw), 100, 8, 0))]
    (made.path / name).write_bytes(raw)
    made.seal()


@family
def odd_columns(made: Made) -> None:
    """Columns of other names, numbers and types."""
    name = made.dice.choice(TABLES)
    table, choice = made.table(name), made.number % 8
    first = table.column_names[made.dice.randrange(table.num_columns)]
    place = table.column_names.index(first)
    if choice == 0:
        table = table.drop([first])
    elif choice == 1:
        table = table.append_column(first, table[first])
    elif choice == 2:
        for n in range(3_000):
            table = table.append_column(f"c{n}", pa.nulls(len(table)))
    elif choice == 3:
        table = table.rename_columns([*table.column_names[:-1], made.dice.choice(ESCAPES + MARKUP)])
    elif choice == 4:
        table = table.set_column(place, first, pa.array([[[1]]] * len(table)))
    elif choice == 5:
        table = table.set_column(place, first, pa.array([{"a": n} for n in range(len(table))]))
    elif choice == 6:
        table = table.set_column(place, first, pa.array([b"\xff\xfe"] * len(table), pa.binary()))
    else:
        table = table.set_column(place, first, pa.nulls(len(table)))
    made.put(table, name)
    made.seal(scored=choice == 7)


@family
def contradictions(made: Made) -> None:
    """Tables that speak of what is in no other, end before they begin, or say a thing twice."""
    choice = made.number % 7
    if choice == 0:
        made.column(made.dice.choice(TABLES[1:]), "video", made.dice.choice(("nowhere", "", None)))
    elif choice == 1:
        made.column("truth.parquet", "kind", made.dice.choice(("tiny", "", None, "Micro")))
    elif choice == 2:
        made.column("truth.parquet", "offset", 0)
    elif choice == 3:
        table = made.table("videos.parquet")
        made.put(pa.concat_tables([table, table]), "videos.parquet")
    elif choice == 4:
        made.column(made.dice.choice(TABLES[2:]), "fold", made.dice.choice(("no fold", "", None)))
    elif choice == 5:
        made.column("videos.parquet", "subject", made.dice.choice(("", None, "somebody")))
    else:
        made.column("videos.parquet", "dataset", made.dice.choice(("", None, "other", "a+b", "../x")))
    made.seal(scored=True)


@family
def odd_folds(made: Made) -> None:
    """Folds that test their training people, of one name, without people, or ten thousand of them."""
    about, choice = made.json("folds.json"), made.number % 7
    folds = about["folds"]
    if choice == 0:
        folds[0]["train"] += folds[0]["test"]
    elif choice == 1:
        about["folds"] = []
    elif choice == 2:
        about["folds"] = folds * made.dice.choice((2, 3_000))
    elif choice == 3:
        folds += [{"fold": f"f{n}", "train": [], "valid": [], "test": []} for n in range(made.dice.choice((5, 19_000)))]
    elif choice == 4:
        folds[0]["fold"] = made.dice.choice(("", "../../x", folds[-1]["fold"], "a" * 300))
    elif choice == 5:
        about["scored_each"], about["subject_dependent"] = True, True
    else:
        about["k_prime"] = {name: {"micro": 10**7, "macro": 0} for name in ("synthetic", "a", "b")}
    made.write(about, "folds.json")
    made.seal(scored=choice != 3)


@family
def odd_classes(made: Made) -> None:
    """Classes twice, none, a hundred; probabilities of other lengths, of nothing."""
    about, choice = made.json("folds.json"), made.number % 6
    if choice == 0:
        about["classes"] = made.dice.choice(([], [""], about["classes"] * 2, [f"c{n}" for n in range(100)]))
    elif choice == 1:
        about["kinds"] = made.dice.choice(([], ["micro", "micro"], ["macro"]))
    elif choice == 2:
        about["tasks"] = made.dice.choice(([], ["spot", "recognize"], ["recognize", "recognize"], ["spot"]))
    made.write(about, "folds.json")
    if choice > 2:
        name = "clips.parquet" if made.table("clips.parquet").num_rows else "predictions.parquet"
        table = made.table(name)
        kind = table.schema.field("probabilities").type
        if pa.types.is_list(kind) and len(table):
            odd = made.dice.choice(([], [0.5], None, [1e15] * 3, [-1.0, 2.0, 0.0], [0.1] * 500))
            made.column(name, "probabilities", odd, everywhere=choice == 3)
        else:
            made.column(name, "emotion" if "emotion" in table.column_names else "predicted", "nothing that is known")
    made.seal(scored=True)


@family
def versions_of_records(made: Made) -> None:
    """Later versions of what is not there, of what another sent, of themselves."""
    stored, choice = made.json(), made.number % 5
    honest = "good"
    if choice == 0:
        stored |= {"version": 2, "supersedes": stored["run_id"]}
    elif choice == 1:
        stored |= {"version": 2, "run_id": honest, "supersedes": honest}
    elif choice == 2:
        stored |= {"version": 10**6, "run_id": honest, "supersedes": f"{honest}~v999999"}
    elif choice == 3:
        stored |= {"version": 2, "supersedes": f"{stored['run_id']}~v2"}
    else:
        stored |= {"supersedes": made.dice.choice(("../good", honest, "/", ""))}
    made.write(stored)
    made.seal(scored=True)
    if choice < 4:
        place = made.path.parent / f"group{made.number}" / f"{stored['run_id']}~v{stored['version']}"
        place.parent.mkdir()
        made.path.rename(place)
        made.path = place


@family
def places_for_names(made: Made) -> bool | None:
    """Names that lead out of the folder."""
    name = made.dice.choice(("../x", "/etc/x", "a/b", "..", ".", "", "a\0b", "~", "con", "a" * 300, "-rf", "x\\y", " "))
    if made.number % 2:
        made.change("run_id", name)
    else:
        stored = made.json()
        stored["files"][f"{name}.json"] = "0" * 64
        stored["files"][made.dice.choice(("../good/record.json", "/etc/passwd", "..", "record.json"))] = "0" * 64
        made.write(stored)
    made.seal()
    return True


@family
def heavy_work(made: Made) -> None:
    """As much as the bounds allow: what scoring makes of it takes long."""
    choice = made.number % 7
    if choice < 4:
        n, spread = made.dice.choice(((20_000, 3), (100_000, 1), (300_000, 1), (1_000_000, 1))), choice
        _swell(made, *n, near=spread % 2 == 0)
    elif choice == 4:
        _many_videos(made, made.dice.choice((5_000, 100_000)))
    elif choice == 5:
        made.change("config/bootstrap", 100_000)
        _many_videos(made, 2_000)
    else:
        made.column("videos.parquet", "n_frames", 10**7, everywhere=True)
        made.change("config/bootstrap", 100_000)
    made.seal()


def _swell(made: Made, rows: int, videos: int, near: bool) -> None:
    """Spotted intervals by the hundred thousand in few videos: near one truth, or anywhere."""
    table = made.table("predictions.parquet")
    name = "predictions.parquet" if len(table) else "clips.parquet"
    table = made.table(name)
    if not len(table):
        return
    few = table.slice(0, min(videos, len(table))).to_pylist()
    frame = pd.DataFrame(few * (rows // len(few)))
    onsets = [100 if near else made.dice.randrange(10**6) for _ in range(len(frame))]
    frame["onset"], frame["offset"] = onsets, [onset + 10 + n % 50 for n, onset in enumerate(onsets)]
    if "apex" in frame:
        frame["apex"] = pd.array(onsets, dtype="Int64")
    if "confidence" in frame:
        frame["confidence"] = [made.dice.random() for _ in onsets]
    made.put(pa.Table.from_pandas(frame, preserve_index=False).cast(table.schema.remove_metadata()), name)


def _many_videos(made: Made, many: int) -> None:
    """Subjects by the thousand, each with a video, tested in one fold."""
    table, about = made.table("videos.parquet"), made.json("folds.json")
    rows = table.slice(0, 1).to_pylist()[0]
    new = [{**rows, "video": f"v{n}", "subject": f"s{n}"} for n in range(many)]
    made.put(pa.concat_tables([table, pa.Table.from_pylist(new, schema=table.schema)]), "videos.parquet")
    about["folds"].append({"fold": "many", "train": [], "valid": [], "test": [f"s{n}" for n in range(many)]})
    made.write(about, "folds.json")


@family
def odd_json(made: Made) -> None:
    """Text that only some parsers take for JSON."""
    name = made.dice.choice(("record.json", "folds.json"))
    text = (made.path / name).read_text()
    made.seal()
    odd = made.dice.choice(
        (
            *(b"", b"[]", b"null", b"2", b'"a"', b"{", b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16")),
            *(b'{"format": 2, "version": ' + b"9" * 5000 + b"}", text.replace("{", "{ // note\n", 1).encode()),
            *(
                (text + " " * 10**6).encode(),
                (text + text).encode(),
                b"\0" * 4096,
                text.replace(":", ": NaN,", 1).encode(),
            ),
            text.replace("{", '{"format": 2, "format": 2, ', 1).encode(),
            b" " * (33 * 2**20),
        )
    )
    (made.path / name).write_bytes(odd)
    if name != "record.json":
        made.seal()


@family
def odd_audits(made: Made) -> None:
    """False statements on what saw which people."""
    if not (made.path / "audit.json").is_file():
        made.write({"selection": "fixed", "transductive": "none", "values": []}, "audit.json")
        stored = made.json()
        stored["files"]["audit.json"] = "0" * 64
        made.write(stored)
    audit = made.json("audit.json")
    value: Any = made.dice.choice(
        (None, 10**400, "x" * 9_999, ["\x1b[2J"], {"a": [[[]]]}, [1] * 99_999, MARKUP[1], "\ud800")
    )
    choice = made.number % 5
    if choice == 0:
        audit["values"] = [{"name": MARKUP[made.number % len(MARKUP)], "saw": "all", "value": value}]
    elif choice == 1:
        audit["sides"] = {"uf1": {"train": value, "test": value}}
    elif choice == 2:
        audit["switch"] = made.dice.choice((*MARKUP, value))
        audit["selection"] = made.dice.choice(("test", "inner", "fixed"))
    elif choice == 3:
        audit["values"] = [{"name": f"n{n}", "saw": "nobody"} for n in range(20_000)]
    else:
        audit["worth"] = audit["looks"] = {"least": value, "most": value, "differences": {"recognition.uf1": value}}
    made.write(audit, "audit.json")
    made.seal(scored=True)


@family
def odd_summaries(made: Made) -> None:
    """Scores that no run has, of members that none tested."""
    summary, choice = made.json()["summary"], made.number % 5
    score = {"value": made.dice.choice((0.99, 5, -1, None)), "low": None, "high": None}
    if choice == 0:
        summary["members"] = {made.dice.choice(MARKUP): {}}
    elif choice == 1 and "recognition" in summary:
        summary["recognition"]["scores"]["uf1"] = score
    elif choice == 2:
        summary["remarks"] = [made.dice.choice(MARKUP)] * made.dice.choice((1, 99_999))
    elif choice == 3:
        summary["chance"] = {"micro": {"as_many": {"precision": score, "recall": score, "f1": score}}}
    else:
        summary["convention"] = made.dice.choice(("megc2020", "no such", "", MARKUP[0]))
        made.change("config/convention", summary["convention"])
    made.change("summary", summary)
    made.seal()


@family
def names_of_files(made: Made) -> None:
    """Settings of the data that make the names of tables: too long, alike, different by what a name cannot hold."""
    words = (
        "Noise=1",
        "noise=1",
        "noise=-1",
        "noise = 1",
        "a" * 400,
        "../x",
        "é",
        "e\u0301",
        ".",
        "a/b",
        "a:b",
        "CON",
        "%2e%2e",
    )
    stored = made.json()
    stored["data"] = words[made.number % len(words)]
    stored["config"][f"dataset.copy{made.number}"] = made.number
    stored["config"]["protocol"] = made.dice.choice(("loso", "LOSO", "../loso", "lo so", "loso-x", "a" * 300, "é/"))
    made.write(stored)
    about = made.json("folds.json")
    about["protocol"] = stored["config"]["protocol"]
    made.write(about, "folds.json")
    made.seal(scored=True)


@family
def packed_bombs(made: Made) -> bool:
    """A few bytes of parquet that say much: long texts many times, long lists, row groups and notes without end."""
    choice, name = made.number % 5, made.dice.choice(("predictions.parquet", "clips.parquet"))
    table = made.table(name)
    schema = table.schema.remove_metadata()
    if choice == 0:
        long = pa.repeat(pa.scalar("v" * 290), 1_000_000)
        columns = [pa.nulls(1_000_000) for _ in schema.names]
        columns[1] = long
        table = pa.table(columns, names=schema.names)
    elif choice == 1:
        long = pa.array([[0.25] * 8_000_000] * 4, pa.list_(pa.float32()))
        column_of = {column: pa.nulls(4) for column in schema.names}
        if "probabilities" in column_of:
            column_of["probabilities"] = long
        table = pa.table(column_of)
    elif choice == 2:
        table = table.replace_schema_metadata({"note": "n" * (60 * 2**20)})
    elif choice == 3:
        table = pa.table([pa.array(["x" * (50 * 2**20)])] * len(schema), names=schema.names)
    else:
        table = pa.table([pa.nulls(20_000) for _ in schema.names], names=schema.names)
        made.put(table, name, row_group_size=1, compression="zstd")
        made.seal()
        return True
    made.put(table, name, compression="zstd")
    made.seal()
    return True


def make_records(bases: list[Path], sent: Path, seed: int, each: int) -> dict[str, tuple[str, bool | None]]:
    """Write `each` records of every family into `sent/<family>/`; for each folder its family, and whether it must be refused."""
    made_of: dict[str, tuple[str, bool | None]] = {}
    for name, make in FAMILIES.items():
        for number in range(each):
            dice = random.Random(f"{seed}/{name}/{number}")
            path = sent / name / f"{name}-{number}"
            shutil.copytree(dice.choice(bases), path)
            made = Made(path, dice, number)
            made.change("run_id", path.name)
            made.change("key", hashlib.sha256(path.name.encode()).hexdigest()[:16])
            made.change("config/method.hostile", f"{name} {number}")
            before = set((sent / name).iterdir())
            must = make(made)
            now = set((sent / name).iterdir())
            place = made.path if made.path.exists() else next(iter(now - before))
            made_of[str(place.relative_to(sent))] = name, must
    return made_of
