"""Schema of a record's JSON: the keys, types, bounds and words that a run writes, and no others.

Valid content cannot surprise the code that scores and shows it.
"""
# ruff: noqa: UP013 - a form is a table of keys, written as in the files

import json
import reprlib
from contextlib import suppress
from typing import Annotated, Any, Literal, NotRequired

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    Tag,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    create_model,
)
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from mebench.core import Kind
from mebench.errors import RunError
from mebench.files import read_plain
from mebench.limits import RECORD_FILE_BYTES, RECORD_JSON_BYTES
from mebench.records.costs import COSTS
from mebench.runs.folder import RunFolder

FORMAT = 2
RECORD = "record.json"
FOLDS = "folds.json"
AUDIT = "audit.json"
MOST_CLASSES, MOST_LETTERS = 100, 300
"""Most classes of a scheme, and most characters of a name."""
UNPRINTED = r"\p{Cc}\p{Zl}\p{Zp}\x{061C}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{FEFF}\x{FFF9}-\x{FFFB}\x{E0000}-\x{E007F}"
"""Characters that move the cursor, end a line, reverse the text direction or are invisible; a set for regular
expressions.
"""

_PATTERNS = {
    rf"^[^{UNPRINTED}]*$": "hold no control characters",
    r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$": "begin with a letter or digit and hold only these and . + - _",
    r"^[A-Za-z0-9_][A-Za-z0-9_.:+-]*$": "hold only letters, digits and . : + - _",
    r"^[0-9a-f]+$": "hold hexadecimal digits only",
}
"""The pattern of a text, and a description of it."""
_PRINTED, _ID, _WORD, _HEX = _PATTERNS

Text = Annotated[str, Field(pattern=_PRINTED, max_length=10_000)]
Name = Annotated[str, Field(pattern=_PRINTED, max_length=MOST_LETTERS)]
Word = Annotated[str, Field(pattern=_WORD, max_length=MOST_LETTERS)]
"""Names of plugins and protocols; names that look alike count as one."""
Texts = Annotated[list[Text], Field(max_length=100_000)]
Names = Annotated[list[Name], Field(max_length=100_000)]
Places = Annotated[list[Text], Field(max_length=1_000)]
Classes = Annotated[list[Name], Field(max_length=MOST_CLASSES)]
Hash = Annotated[str, Field(pattern=_HEX, min_length=64, max_length=64)]
Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
"""Neither infinite nor NaN; sums of a few also stay finite."""
Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
"""Seconds, MiB, or the mean of several counts."""
Count = Annotated[int, Field(ge=0, le=10**15)]
Frames = Annotated[int, Field(ge=0, le=10**7)]


class Plain(
    RootModel[
        Annotated[
            Annotated[None, Tag("NoneType")]
            | Annotated[bool, Tag("bool")]
            | Annotated[int, Field(ge=-(10**15), le=10**15), Tag("int")]
            | Annotated[Number, Tag("float")]
            | Annotated[Text, Tag("str")]
            | Annotated[list["Plain"], Field(max_length=100_000), Tag("list")]
            | Annotated[dict[Text, "Plain"], Field(max_length=100_000), Tag("dict")],
            Discriminator(lambda value: type(value).__name__),
        ]
    ],
    strict=True,
):
    """Any JSON."""


Settings = TypedDict(
    "Settings",
    {
        "seed": Annotated[int, Field(ge=0, lt=2**32)],
        "bootstrap": Annotated[int, Field(ge=0, le=20_000)],
        "method": Word,
        "recognizer": NotRequired[Word | None],
        "dataset": Word | Annotated[list[Word], Field(max_length=MOST_CLASSES)],
        "protocol": Word,
        "scheme": NotRequired[Name | None],
        "convention": NotRequired[Name],
    },
)
"""The part of a configuration that scores and tables read; the rest belongs to plugins."""


def form_of_costs() -> dict[str, Any]:
    """The type of each cost, and its default if a run may lack it."""
    form: dict[str, Any] = {}
    for name, cost in COSTS.items():
        form[name] = (Amount if cost.decimals else Count, ... if cost.always else None)
    return form


_COSTS = create_model("Costs", __config__=ConfigDict(strict=True, extra="forbid"), **form_of_costs())
Costs = Annotated[dict[str, Any], WrapValidator(lambda costs, inner: _COSTS.model_validate(inner(costs)))]
Score = TypedDict(
    "Score", {"value": Number | None, "low": Number | None, "high": Number | None, "reason": NotRequired[Text]}
)
Spotted = TypedDict(
    "Spotted", {"tp": Amount, "fp": Amount, "fn": Amount, "scores": dict[Text, Score], "details": Plain}
)
Classified = TypedDict("Classified", {"n": Amount, "scores": dict[Text, Score], "details": Plain})
Analysed = TypedDict(
    "Analysed",
    {"strs": Score, "acc_mesr": Score, "true_positives": Classified, "all_intervals": NotRequired[Classified]},
)
Recognized = TypedDict(
    "Recognized",
    {
        "n": Amount,
        "scores": dict[Text, Score],
        "details": Plain,
        "members": NotRequired[dict[Text, Classified]],
        "folds": NotRequired[dict[Text, Plain]],
    },
)
Spotting = dict[Kind | Literal["overall"], Spotted]
Member = TypedDict("Member", {"spotting": NotRequired[Spotting], "analysis": NotRequired[Analysed]})
Chance = TypedDict(
    "Chance", {"precision": Score, "recall": Score, "f1": Score, "rate_per_minute": NotRequired[Amount | None]}
)
Summary = TypedDict(
    "Summary",
    {
        "convention": Text,
        "rules": Text,
        "remarks": Texts,
        "scorer": NotRequired[Annotated[int, Field(ge=1, le=10_000)]],
        "bootstrap": Plain,
        "spotting": NotRequired[Spotting],
        "analysis": NotRequired[Analysed],
        "recognition": NotRequired[Recognized],
        "members": NotRequired[dict[Text, Member]],
        "mistakes": NotRequired[dict[Kind, dict[Text, dict[Text, Amount]]]],
        "chance": NotRequired[dict[Kind, dict[Literal["as_many", "best_rate"], Chance]]],
    },
)
Former = TypedDict("Former", {"summary": Summary, "sha256": Hash})
"""The scores of a record under an earlier version of scoring, and the hash that it had with them."""
Isolation = TypedDict(
    "Isolation",
    {
        "asked": Literal["auto", "on", "off"],
        "lacks": Annotated[list[Literal["files", "processes", "network", "privileges"]], Field(max_length=4)],
        "view": NotRequired[bool],
        "times": NotRequired[bool],
        "by": NotRequired[Literal["Landlock", "Seatbelt"]],
        "reason": NotRequired[Text],
        "reads": Places,
        "devices": Places,
        "given": NotRequired[Places],
        "inherited": NotRequired[Places],
        "printed": NotRequired[Count],
    },
)
"""The access of the folds of a run; files are named without their folders."""
Hashes = TypedDict(
    "Hashes",
    {
        "folds.json": Hash,
        "audit.json": NotRequired[Hash],
        "videos.parquet": Hash,
        "truth.parquet": Hash,
        "distractors.parquet": NotRequired[Hash],
        "predictions.parquet": Hash,
        "clips.parquet": Hash,
    },
)
Record = TypedDict(
    "Record",
    {
        "format": int,
        "run_id": Annotated[str, Field(pattern=_ID, max_length=200)],
        "version": Annotated[int, Field(ge=1, le=10**6)],
        "supersedes": Name | None,
        "key": Annotated[str, Field(pattern=_HEX, max_length=64)],
        "parts": NotRequired[dict[Text, Plain]],
        "config": Annotated[
            dict[Name, Plain],
            Field(max_length=5_000),
            WrapValidator(lambda config, inner: (inner(config), _SETTINGS.validate_python(config, strict=True))),
        ],
        "settings": Text,
        "data": Text,
        "versions": Annotated[dict[Name, Name], Field(max_length=200)],
        "summary": Summary,
        "former": NotRequired[Annotated[list[Former], Field(min_length=1, max_length=100)]],
        "costs": Costs,
        "isolation": NotRequired[Isolation],
        "files": Hashes,
        "sha256": Hash,
    },
)
Selection = Literal["fixed", "inner", "test"]
Transductive = Literal["none", "video", "database"]
Loaded = TypedDict("Loaded", {"name": Name, "sha256": Annotated[str, Field(max_length=64)], "counted": bool})
"""A file or folder that a method loads, and whether the number of parameters counts it."""
Fold = TypedDict("Fold", {"fold": Name, "train": Names, "valid": Names, "test": Names, "videos": NotRequired[Names]})
Folds = TypedDict(
    "Folds",
    {
        "protocol": Word,
        "tasks": Annotated[list[Literal["recognize", "spot"]], Field(max_length=2)],
        "kinds": Annotated[list[Kind], Field(max_length=2)],
        "classes": Classes,
        "scheme": Name,
        "one_per_video": NotRequired[bool],
        "left_out": dict[Text, Count],
        "persons": NotRequired[dict[Name, Name]],
        "selects": bool,
        "selection": NotRequired[Selection],
        "subject_dependent": NotRequired[bool],
        "scored_each": NotRequired[bool],
        "transductive": Transductive,
        "loaded": NotRequired[Annotated[list[Loaded], Field(max_length=1_000)]],
        "pretrained": NotRequired[Literal["none", "unknown"] | Names],
        "landmark_files": NotRequired[Texts],
        "comparable": bool,
        "remark": Text,
        "card": NotRequired[Texts],
        "warnings": NotRequired[Texts],
        "k_prime": Annotated[dict[Name, dict[Kind, Frames]], Field(max_length=MOST_CLASSES)],
        "folds": Annotated[list[Fold], Field(max_length=20_000)],
    },
)
Audited = TypedDict(
    "Audited",
    {
        "name": Text,
        "saw": Literal["nobody", "train", "valid", "train+valid", "test", "all", "video", "database"],
        "value": NotRequired[Plain],
        "folds": NotRequired[dict[Text, Plain]],
    },
)
Audit = TypedDict(
    "Audit",
    {
        "selection": Selection,
        "transductive": Transductive,
        "subject_dependent": NotRequired[bool],
        "switch": NotRequired[Text],
        "sides": NotRequired[dict[Text, dict[Literal["train", "valid", "test"], Plain]]],
        "values": list[Audited],
    },
)
_SETTINGS = TypeAdapter(Settings)
Contents = TypedDict(
    "Contents",
    {"record.json": NotRequired[Record], "folds.json": NotRequired[Folds], "audit.json": NotRequired[Audit]},
)


class Form(BaseModel, strict=True, extra="forbid"):
    """The content of some files of a record: exactly these keys and types."""

    files: Contents


def read_record_file(folder: RunFolder, name: str) -> dict[str, Any]:
    """The content of `record.json`, `folds.json` or `audit.json`.

    Raises:
        RunError: the file is missing, damaged, not a plain file or too large; another mebench wrote it in another form;
            or it holds content that no run writes.
    """
    try:
        content = json.loads(read_record_bytes(folder, name))
    except (ValueError, RecursionError) as error:
        raise RefusedError(folder, f"{name} cannot be read ({error})") from error
    format_ = content.get("format") if isinstance(content, dict) else None
    if name == RECORD and format_ != FORMAT:
        advice = (
            f"which lacks the hashes of format {FORMAT}: export its run again with mebench leaderboard export"
            if isinstance(format_, int) and format_ < FORMAT
            else f"this mebench reads format {FORMAT}: install the mebench that wrote it"
        )
        raise RunError(f"record {folder.id} has format {reprlib.repr(format_)}, {advice}")
    try:
        Form.model_validate({"files": {name: content}})
    except ValidationError as error:
        raise RefusedError(folder, _in_words(content, error.errors(include_url=False)[0])) from None
    return dict(content)


def read_record_bytes(folder: RunFolder, name: str) -> bytes:
    """The content of a file; nothing but a plain one of a sensible size is opened.

    Raises:
        RunError: it is missing, or no such file.
    """
    file = folder.path / name
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise RefusedError(folder, f"{name} is not a plain file")
    if not file.is_file():
        raise RefusedError(folder, f"{name} is missing")
    try:
        return read_plain(file, RECORD_JSON_BYTES if name.endswith(".json") else RECORD_FILE_BYTES)
    except OSError as error:
        raise RefusedError(folder, f"{name} cannot be read ({error.strerror})") from error


class RefusedError(RunError):
    """A record differs from the output of a run.

    Attributes:
        reason: why, without its name.
    """

    def __init__(self, folder: RunFolder, reason: str) -> None:
        super().__init__(
            f"record {folder.id} is refused: {reason}. Use the folder as mebench leaderboard export wrote it"
        )
        self.reason = reason


def _in_words(value: Any, error: ErrorDetails) -> str:
    """The first error of pydantic in a file, as a clause: key, value and expectation."""
    _, name, *steps = error["loc"]
    path = ""
    for step in steps[:16]:  # only the beginning of a very deep path
        with suppress(LookupError, TypeError):  # pydantic also names the branches of unions
            value = value[step]
            path += f".{step}" if str(step).isidentifier() else f"[{reprlib.repr(step)}]"
    where = f"{path.removeprefix('.')} of {name}" if path else name
    if error["type"] == "missing":
        return f"{where} lacks {steps[-1]!r}"
    if error["type"] == "extra_forbidden":
        return f"{where} does not belong in a record"
    expected = _PATTERNS.get(error.get("ctx", {}).get("pattern", ""), error["msg"].partition(" should ")[2])
    return f"{where} is {reprlib.repr(error['input'])}, but should {expected or 'be less deep'}: its type was changed"
