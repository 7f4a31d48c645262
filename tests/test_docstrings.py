"""Docstrings: their examples do what they say, their first sentences are short, and their notes can be read alone."""

import ast
import doctest
import linecache
import re
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

from tests.helpers.sources import statements

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "mebench").rglob("*.py"))
WITH_EXAMPLES = [file for file in FILES if ">>> " in file.read_text(encoding="utf-8")]
MOST_WORDS = 15
"""Words of a first sentence: a dozen, and some for names."""


@pytest.mark.parametrize("file", WITH_EXAMPLES, ids=lambda file: str(file.relative_to(ROOT)))
def test_docstrings_have_examples_that_hold(file):
    linecache.clearcache()  # each example looks whether any file read so far has changed: of all those of this process
    module = import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    found = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted
    assert not found.failed


@cache
def owners():
    """Name and docstring of each file, class and function, and the notes below its names: the name has its file."""
    found = []
    for file in FILES:
        for node in statements(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                name = f"{file.relative_to(ROOT)}: {getattr(node, 'name', 'the file')}"
                found.append((name, ast.get_docstring(node) or "", texts_below_names(node)))
    return found


def notes():
    """Name and text of the notes on parameters, attributes and constants."""
    found = []
    for name, docstring, texts in owners():
        parameters = re.findall(r"^ {4}([a-z_]+): (.*)$", docstring, re.MULTILINE)
        found += [(f"{name}.{parameter}", text) for parameter, text in parameters]
        found += [(f"{name}, a constant", text) for text in texts]
    return found


def texts_below_names(node):
    """The notes that stand below the constants of a file, or the attributes of a class."""
    texts = []
    if isinstance(node, ast.Module | ast.ClassDef):
        for before, after in pairwise(node.body):
            named = isinstance(before, ast.Assign | ast.AnnAssign)
            if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                texts.append(str(after.value.value))
    return texts


def first_sentence(docstring):
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    return re.split(r"(?<=[.!?:;])\s", paragraph)[0]


def begins_without_noun(note):
    return re.match(r"(of|after|what|that|whether it)\b", note, re.IGNORECASE) is not None


def test_docstrings_begin_with_a_short_sentence():
    sentences = [(name, first_sentence(docstring)) for name, docstring, _ in owners()]
    assert [(name, text) for name, text in sentences if len(text.split()) > MOST_WORDS] == []


def test_docstrings_have_notes_that_begin_with_a_noun():
    assert [(name, text) for name, text in notes() if begins_without_noun(text)] == []


def test_docstrings_rules_find_what_breaks_them():
    assert first_sentence("Score it.\nAnd more.") == "Score it."
    assert first_sentence("A rule: its exception.\n\nMore.") == "A rule:"
    assert begins_without_noun("of the part")
    assert begins_without_noun("What is raised.")
    assert not begins_without_noun("name of the part")
    assert not begins_without_noun("whether the part is named")
