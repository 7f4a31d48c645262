"""What no file of the house may do, read from its source."""

import ast
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = sorted(file for room in ("mebench", "methods", "datasets") for file in (ROOT / room).rglob("*.py"))
RUNS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
"""Functions that run what they are given."""
UNPICKLES = {"cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
"""Modules that run what a file says; `pickle` itself may only bring back what the same line packed."""

PACKS = (".dumps", ".cpu_count", "register_pickle_by_value", "list_registry_pickle_by_value")
"""What such modules may be used for: nothing is read by these."""

SAFE_OR_NOT = ("shell", "allow_pickle", "weights_only")
"""Words of calls that say whether what a file holds is run."""

TEST_FILES = sorted((ROOT / "tests").rglob("test_*.py"))
MOST_SIGNS = 60
"""Signs of the longest name of a test."""

NAMED_IN_CODE = re.compile(r'\b(?:def|class) (\w+)|^([A-Z]\w+)\b.* = |"(\w+)"', re.MULTILINE)
"""Functions, classes, constants, and what short texts name: commands, conventions, metrics."""

NO_UNIT = re.compile(
    r"(a|all|any|at|both|each|every|in|it|no|nobody|nothing|of|one|only|other|to|two|what|where|who|with|without)?"
)
"""Words that begin a sentence and name no unit, though some are texts in the code."""

OWN = {
    *("mebench/sandbox/isolation.py", "mebench/runner/dask_executor.py", "mebench/training/adapter.py"),
    *("mebench/config/trainer_objects.py", "mebench/runner/fold_videos.py"),
}
"""Who unpickles the calls that its own host sends it, or what lies, under its hash, among the user's own objects: that is code anyway."""


@cache
def found():
    """Place, name and words of every call, and whether pickle gets what the same line packed; and where a text is a statement.

    To parse the files takes most of the time, so it happens once.
    """
    calls, texts = [], []
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = called(node.func)
                packed = name.startswith("pickle.") and [
                    ast.unparse(a).startswith("pickle.dumps(") for a in node.args[:1]
                ]
                words = {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg in SAFE_OR_NOT}
                calls.append((f"{file.relative_to(ROOT)}, line {node.lineno}: {name}", name, packed, words))
            if isinstance(node, ast.expr):
                continue  # it has no statements
            for body in (getattr(node, name, ()) for name in ("body", "orelse", "finalbody")):
                statements = body if isinstance(body, list) else []
                for before, after in pairwise(statements):
                    names = isinstance(before, (ast.Assign, ast.AnnAssign, ast.AugAssign))
                    explains = names and isinstance(node, (ast.Module, ast.ClassDef))
                    value = after.value if isinstance(after, ast.Expr) and not explains else None
                    if isinstance(value, ast.JoinedStr) or isinstance(getattr(value, "value", None), str):
                        texts.append(f"{file.relative_to(ROOT)}, line {after.lineno}")
    return calls, texts


def called(node):
    """What `ast.unparse` makes of what is called; names with dots, which most are, need a tenth of its time."""
    parts = []
    inner = node
    while isinstance(inner, ast.Attribute):
        parts = [inner.attr, *parts]
        inner = inner.value
    return ".".join([inner.id, *parts]) if isinstance(inner, ast.Name) else ast.unparse(node)


def test_source_runs_no_text():
    """Neither evaluated nor unpickled nor given to a shell."""
    wrong = []
    for where, name, packed, words in found()[0]:
        if (
            name in RUNS
            or (name.partition(".")[0] in UNPICKLES and not name.endswith(PACKS))
            or (
                name.startswith("pickle.")
                and name != "pickle.dumps"
                and packed != [True]
                and not where.startswith(tuple(OWN))
            )
            or name in ("pd.read_pickle", "pandas.read_pickle")
            or (name == "torch.load" and words.get("weights_only") != "True")
            or words.get("allow_pickle", "False") != "False"
            or words.get("shell", "False") != "False"
        ):
            wrong.append(where)
    assert wrong == []


def test_source_has_no_stray_text():
    """The end of a sentence that lost its brackets would be one, and nobody would read it."""
    assert found()[1] == []


def test_source_reads_yaml_in_one_place():
    reading = {
        where.partition(",")[0]
        for where, name, _, _ in found()[0]
        if name.startswith(("yaml.load", "yaml.safe_load", "yaml.parse"))
    }
    assert reading == {"mebench/files.py"}


WRITERS = {
    "mebench/files.py": "the functions that all others write with",
    "mebench/atomic.py": "the same",
    "mebench/output/json_output.py": "row by row, into a file that becomes whole",
    "mebench/annotations/drawn.py": "a drawn tree, whose folder becomes whole",
    "mebench/annotations/unpack.py": "the same",
    "mebench/boards/site/site_pages.py": "a site, whose folder becomes whole",
    "mebench/boards/table_files.py": "the same",
    "mebench/runs/fold_files.py": "a fold, whose folder becomes whole",
    "mebench/tracking/entries.py": "a scratch folder",
    "mebench/reports/dataset_report.py": "a picture in memory",
    "mebench/reports/plots.py": "the same",
    "mebench/sandbox/file_view.py": "a file of the kernel",
    "mebench/sandbox/seatbelt.py": "a scratch folder",
    "mebench/sandbox/seatbelt_trial.py": "a scratch folder",
}
"""Who writes files by other ways than `whole_file` and `write_text`: why no half one stays under its name."""


def test_source_writes_files_whole():
    """A kill or a full disk leaves the former file, wherever a user names one."""
    writing = (".write_bytes", ".write_text", ".savefig", ".writelines")
    calls = [where for where, name, _, _ in found()[0] if name.endswith(writing) and not name.startswith("writing.")]
    others = [where for where in calls if where.startswith("mebench/") and where.partition(",")[0] not in WRITERS]
    assert [where for where in others if not where.endswith("figure.savefig")] == []
    saved = {where.partition(",")[0] for where in others}
    assert {file for file in saved if "whole_file(file) as writing" not in (ROOT / file).read_text()} == set()


def test_source_prints_in_one_place():
    printing = ("print", "typer.echo", "sys.stdout.write", "sys.stderr.write")  # what Progress prints passes there, too
    files = {where.partition(",")[0] for where, name, _, _ in found()[0] if name in printing}
    assert files <= {"mebench/output/terminal.py", "mebench/output/json_output.py"}


def test_names_of_tests_are_short():
    names = [name for file in TEST_FILES for name in list_tests(file)]
    assert [name for name in names if len(name) > MOST_SIGNS] == []


def test_names_of_tests_begin_with_what_they_test():
    """So that who searches for a function, class, command or file finds its tests."""
    units = names_in_code()
    names = [name for file in TEST_FILES for name in list_tests(file)]
    assert [name for name in names if not beginnings(name) & units] == []


def list_tests(file):
    """The names of the tests of a file."""
    return re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)


def beginnings(name):
    """What may be the unit in the name of a test: its first word, its first two, and so on."""
    words = name.lower().split("_")[1:]
    return {"_".join(words[:n]) for n in range(1, len(words) + 1)}


@cache
def names_in_code():
    """The names in the code, and those of files and folders, in small letters."""
    names = {path.stem.strip(".") for path in ROOT.iterdir()}
    for room in ("mebench", "methods", "datasets", "tools", "benchmarks", "docs", "examples"):
        for file in (ROOT / room).rglob("*.py"):
            names |= {file.stem, file.parent.name}
            for found_names in NAMED_IN_CODE.findall(file.read_text(encoding="utf-8")):
                names |= set(found_names)
    for file in TEST_FILES:
        names |= {file.stem.removeprefix("test_"), file.parent.name}
    small = {name.strip("_").lower() for name in names}
    return {name for name in small if not NO_UNIT.fullmatch(name)}


def test_gitattributes_keep_line_ends_of_texts_and_all_bytes():
    """Git for Windows changes line ends by default, and with them the hashes that records carry."""
    rules = [line.split() for line in (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()]
    binary = {pattern for pattern, *kind in rules if kind == ["binary"]}
    assert ["*", "text=auto", "eol=lf"] in rules
    for file in (ROOT / "leaderboards").rglob("*"):
        if file.is_file() and b"\0" in file.read_bytes():
            assert f"*{file.suffix}" in binary, f"{file}: .gitattributes must call *{file.suffix} binary"


def test_write_calls_make_the_same_bytes_on_every_system():
    """Python and pandas write the system's ends of lines, and Python its encoding, unless they are told."""
    faults = []
    for file in sorted((ROOT / "mebench").rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if not any(name in text for name in WRITES):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                given = {word.arg for word in node.keywords}
                missing = expected_words(node) - given
                if missing:
                    faults.append(f"{file.relative_to(ROOT)}, line {node.lineno}: {node.func.attr} without {missing}")
    assert faults == []


WRITES = (".write_text(", ".open(", ".to_csv(")
"""Calls that may write text."""


def expected_words(call):
    """The words that a call that writes text must have."""
    mode = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else ""
    if call.func.attr == "write_text" or (call.func.attr == "open" and mode in ("w", "a", "x")):
        return {"encoding", "newline"}
    if call.func.attr == "to_csv":
        return {"lineterminator"}
    return set()
