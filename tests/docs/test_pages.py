"""Every block of code on the pages of the site runs, and every metric, convention and protocol has a worked example there."""

import ast
import builtins
import importlib
import re
from pathlib import Path

import pytest

from mebench import errors
from mebench.metrics import own_metrics
from mebench.metrics.catalogue import METRICS
from mebench.metrics.conventions import CONVENTIONS
from mebench.protocols import ADDED, PROTOCOLS
from mebench.testing import TINY, scratch_folder
from tests.helpers.nightly import NIGHTLY

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="needs the checkout: docs/ is no part of the sdist")

if DOCS.is_dir():
    from docs.blocks import blocks, run, with_written

PAGES = (
    [page for page in sorted([*DOCS.rglob("*.md"), *DOCS.rglob("*.ipynb")]) if blocks(page)] if DOCS.is_dir() else []
)


def smaller(words):
    """The words of a command on a few small videos, whose features the tests compute once, and with few random draws."""
    if words[0] == "score":
        return [*words, "--bootstrap", "0"]
    if words[0] == "run" and ("dataset=synthetic" in words or "small.yaml" in words):
        draws = ["method.draws=2"] if "method=random" in words else []
        return [*words, *TINY, *draws, f"cache={scratch_folder()}", "workers=1"]
    return words


LONG = {
    "board.md",
    "challenges.md",
    "notebook.ipynb",
    "own_data.md",
    "own_method.md",
    "questions.md",
    "sequence_model.md",
    "tutorial.md",
}
"""Pages whose runs take half of the time of all, beside the gallery: by day `.ci/docs` runs their blocks, which builds the site."""


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if NIGHTLY or not (page.name in LONG or page.parent.name == "gallery")],
    ids=lambda page: page.relative_to(DOCS).as_posix(),
)
def test_pages_run_their_blocks(page, write_plugin, untracked, tmp_path):
    (tmp_path / "page").mkdir()
    outputs = list(run(page, tmp_path / "page", smaller))
    for name in [*own_metrics.ADDED]:
        own_metrics.remove_metric(name)
    if page.suffix == ".md":
        assert with_written(page, outputs) == page.read_text("utf-8"), f"run: python docs/blocks.py --write {page}"


def unbound(code):
    """Names that a piece of code uses and nowhere binds."""
    nodes = list(ast.walk(ast.parse(code)))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {
        (alias.asname or alias.name).partition(".")[0]
        for node in nodes
        for alias in getattr(node, "names", ())
        if isinstance(alias, ast.alias)
    }
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return used - bound - set(dir(builtins))


ENTRIES = re.compile(r"^- \[(`[\w.]+`(?:, `[\w.]+`)*)\]\((?:\.\./)+(mebench/[\w/]+)\.py\)", re.MULTILINE)
"""Names of the code, whose descriptions the site puts in their place."""


def test_pages_take_existing_names_from_code():
    """Without a word the site leaves out what a module does not have."""
    entries = [
        (name, file)
        for page in (DOCS / "reference").rglob("*.md")
        for names, file in ENTRIES.findall(page.read_text("utf-8"))
        for name in re.findall(r"[\w.]+", names)
    ]
    assert len(entries) > 100
    for name, file in entries:
        module = file.replace("/", ".").removesuffix(".__init__")
        found = importlib.import_module(module)  # a module may bear the name of its function
        assert name == module or hasattr(found, name), (file, name)


def test_pages_list_all_errors():
    text = (DOCS / "reference/api/results.md").read_text("utf-8")
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    names = [error.__name__ for error in classes if issubclass(error, Exception)]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_pages_import_what_shown_blocks_use():
    for page in PAGES:
        there = [block for block in blocks(page) if block.language == "python" and not block.title]
        for number, block in enumerate(there, 1):
            before = "\n".join(other.code for other in there[:number])
            assert "shown" not in block.words or not unbound(before), f"{page.name}: {block.code}"
    assert unbound("steps = (FaceCrop(), k)\ndef f(k): return np.nan") == {"FaceCrop", "np"}


@pytest.mark.parametrize(
    ("pages", "names"),
    [
        (("metrics", "metrics_recognition", "metrics_put_in"), METRICS),
        (("conventions",), CONVENTIONS),
        (("protocols",), PROTOCOLS.keys() - ADDED),
    ],
    ids=["metrics", "conventions", "protocols"],
)
def test_pages_have_formula_and_example_of_each_entry(pages, names):
    text = "".join((DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8") for page in pages)
    _, *parts = re.split(r"^(?=#{2,3} )", text, flags=re.M)
    section_of = {found[1]: part for part in parts if (found := re.match(r'#+ <a id="(\S+)"></a>', part))}
    assert set(section_of) >= set(names)
    assert [name for name in names if "$$" not in section_of[name]] == []
    assert [name for name in names if "```python\n" not in section_of[name]] == []


HIDDEN = re.compile(
    r"<!-- (?P<name>tables|written) -->.*?<!-- end.*?-->|<!--.*?-->|^( *)```.*?^\2```|\$\$.*?\$\$",
    re.DOTALL | re.MULTILINE,
)
"""Code, formulas and what is made by programs."""


def test_pages_are_short():
    """A page is one thing: a part of a longer one gets a page of its own."""
    texts = {page.relative_to(DOCS).as_posix(): HIDDEN.sub("", page.read_text("utf-8")) for page in DOCS.rglob("*.md")}
    n_words = {page: len(re.findall(r"\w[\w'’-]*", text)) for page, text in texts.items()}
    assert {page: n for page, n in n_words.items() if n > 1_500} == {}


def test_pages_are_all_in_the_menu():
    menu = re.findall(r"^ +- (\S+\.md)$", (DOCS.parent / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    there = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")} - {
        "methods/index.md",
        "datasets/index.md",
    }
    assert sorted(set(menu)) == sorted(menu)
    assert there <= set(menu)
