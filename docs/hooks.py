"""Makes the site of what lies in the repository: pages from where they lie, links, what blocks of code print, formulas.

MkDocs calls the `on_` functions. With `BLOCKS=off` in the environment no block is run, to see a text in seconds.
"""

from __future__ import annotations

import html
import json
import os
import posixpath
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

from blocks import FENCE, Block, Output, blocks, with_written
from contrast import indistinct_links, low_contrasts
from formulas import mathml_of
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Link, Navigation
from mkdocs.structure.pages import Page
from notebooks import notebook_of

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BOARD = ROOT / "build" / "leaderboards" / "site"
"""Where `.ci/docs` has `mebench leaderboard build` write."""
LINK = re.compile(r"\[(?P<text>[^][]*)\]\((?![a-z]+:)(?P<address>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
"""To a file; what has a scheme, such as an address of the web or a picture as `data:`, stays as it is."""
CODE = re.compile(r"`[^`\n]+`")
COMMENTED = re.compile(r"^<!--\n(?P<fence>```.*?^```\n)-->\n", re.M | re.S)
"""A hidden block, which GitHub does not show either."""
ANCHOR = re.compile(r'^(?P<signs>#+) <a id="(?P<name>[^"]+)"></a>(?P<title>.*)$', re.M)
"""A heading that names its anchor as GitHub understands it."""
ENTRIES = re.compile(
    r"^- \[(?P<names>`[\w.]+`(?:, `[\w.]+`)*)\]\((?:\.\./)+(?P<file>mebench/[\w/]+)\.py\)(?: <!-- (?P<options>.*) -->)?$",
    re.M,
)
"""Names of the code with their file, which is what GitHub shows; a name with a dot is a module."""
CHART = re.compile(r'<img [^>]*src="(?P<name>selection\.svg)"[^>]*>')
FORMULA = re.compile(r'<(span|div) class="arithmatex">\s*\\[(\[](.*?)\\[)\]]\s*</\1>', re.DOTALL)


def _cards(kind: str) -> dict[str, str]:
    names = sorted(card.parent.name for card in (ROOT / kind).glob("*/README.md"))
    return {f"{kind}/{name}.md": f"{kind}/{name}/README.md" for name in names}


CARDS = {"methods": _cards("methods"), "datasets": _cards("datasets")}


def _boards() -> list[str]:
    """The pages of named boards, in the order of their index."""
    index = (ROOT / "leaderboards" / "README.md").read_text("utf-8")
    named = dict.fromkeys(re.findall(r"\]\((boards/[\w-]+\.md)\)", index))
    return [page for page in named if (ROOT / "leaderboards" / page).is_file()]


def _methods_by_task() -> list[dict[str, list[str]]]:
    """The cards of methods in the groups of their index."""
    index = (DOCS / "methods" / "index.md").read_text("utf-8")
    tables = index.partition("<!-- written -->")[2].partition("<!-- end -->")[0]
    groups = re.findall(r"^## ([^:\n]+)(.*?)(?=^## |\Z)", tables, re.MULTILINE | re.DOTALL)
    pages = {title: re.findall(r"\((?:\.\./){2}(methods/\w+)/README\.md\)", rows) for title, rows in groups}
    return [{title: [f"{page}.md" for page in found]} for title, found in pages.items()]


BOARDS = _boards()
BENCHMARKS = [page for page in sorted((ROOT / "benchmarks").glob("*.md")) if page.name != "README.md"]
TAKEN = {
    "contribute/contributing.md": "CONTRIBUTING.md",
    "contribute/changelog.md": "CHANGELOG.md",
    "contribute/benchmarks/index.md": "benchmarks/README.md",
    "boards/index.md": "leaderboards/README.md",
    **{page: f"leaderboards/{page}" for page in BOARDS},
    **{f"contribute/benchmarks/{page.name}": f"benchmarks/{page.name}" for page in BENCHMARKS},
    **CARDS["methods"],
    **CARDS["datasets"],
}
"""Page of the site: file of the repository."""
PLACES = {source: page for page, source in TAKEN.items()} | {
    "README.md": "index.md",
    "leaderboards/site/index.html": "leaderboards/index.html",
}
"""File of the repository: where the site has it, or the same in another form."""


SEARCH = {
    "how_to/": {"boost": 3},
    "gallery/": {"boost": 2},
    "start/": {"boost": 3},
    "boards/": {"boost": 2},
    "understand/": {"boost": 2},
    "reference/api/": {"boost": 0.5},
    "reference/plugins/": {"boost": 0.3},
    "contribute/decisions/": {"exclude": True},
    "contribute/changelog.md": {"exclude": True},
    "contribute/": {"boost": 0.3},
}
"""What the search does with pages, by the beginning of their places; the first that fits counts."""
WORDS = {
    "start/tutorial.md": ["install", "Docker", "Windows", "macOS", "Colab"],
    "how_to/comparing.md": [
        "per class",
        "confusion matrix",
        "significance",
        "p value",
        "compare two methods",
        "learning curve",
    ],
    "how_to/machines.md": ["GPU", "CUDA", "Slurm", "Dask", "cluster"],
    "how_to/own_data.md": ["licence", "custom dataset", "first frame", "frames", "file numbers"],
    "how_to/own_metric.md": ["add a metric"],
    "how_to/own_video.md": ["unannotated", "webcam"],
    "how_to/paper.md": ["LaTeX", "BibTeX", "cite", "figure"],
    "how_to/scoring.md": ["score", "CSV", "arrays", "results of my own"],
    "how_to/sequence_model.md": ["3D CNN", "LSTM", "transformer"],
    "how_to/tuning.md": ["resume a study", "continue tuning"],
    "reference/commands.md": ["resume", "exit code"],
    "reference/protocols.md": ["leave one subject out", "LOSO", "cross-validation"],
    "reference/metrics_recognition.md": ["STRS"],
    "understand/numbers.md": ["confidence interval", "reproducibility"],
    "understand/selection.md": ["leak", "cherry-picking"],
    "understand/trust.md": ["leak", "leakage", "same person", "several annotators", "coders"],
} | {page: [Path(page).stem] for page in BOARDS}
"""Words that readers search for, and the page that answers; the id of each board."""
RUN = os.environ.get("BLOCKS") != "off"
GALLERY = "gallery"
"""The folder of examples: its index shows the last picture of each, and each is there as a notebook, too."""
EXAMPLE = re.compile(r"^- \[(?P<title>[^]]+)\]\((?P<page>\w+)\.md\): (?P<about>.+)$", re.M)
PICTURE = re.compile(r'<img [^>]*src="(?P<data>data:image/[^"]+)"')
TRACKED = TemporaryDirectory()
"""Where MLflow's database is for all pages, since a fresh one takes seconds."""


def on_config(config: MkDocsConfig) -> None:
    """List benchmarks, cards and boards; name the repository, where its address is known."""
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{TRACKED.name}/mlflow.db"
    contribute = next(part["Contribute"] for part in config.nav if "Contribute" in part)
    contribute.append({"Benchmarks": [page for page in TAKEN if page.startswith("contribute/benchmarks/")]})
    config.nav.append({"Methods": ["methods/index.md", *_methods_by_task()]})
    config.nav.append({"Datasets": ["datasets/index.md", *CARDS["datasets"]]})
    config.nav.append({"Leaderboards": ["boards/index.md", *BOARDS]})
    if "MIKE_DOCS_VERSION" not in os.environ:  # a site by itself has no list of versions to ask for
        config.extra.pop("version")
    if address := config.extra["repository"]:
        config.extra["social"] = [{"icon": "fontawesome/brands/git-alt", "link": address, "name": "the code"}]


@event_priority(50)  # type: ignore[untyped-decorator]  # before the redirects, which name these pages
def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add what lies outside `docs/`, or is made: cards, the notebook as it ran, and the leaderboard as it was built."""
    for page, source in TAKEN.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    for file in sorted(BOARD.rglob("*")):
        if file.is_file():
            place = f"leaderboards/{file.relative_to(BOARD).as_posix()}"
            files.append(File.generated(config, place, abs_src_path=str(file)))
    for notebook in sorted(DOCS.rglob("*.ipynb")):
        files.append(
            File.generated(
                config, notebook.relative_to(DOCS).with_suffix(".md").as_posix(), content=_notebook_page(notebook)
            )
        )

    site = f"{config.site_url}{GALLERY}" if config.site_url else ""
    for example in sorted((DOCS / GALLERY).glob("*.md")):
        if example.name != "index.md":
            place = f"{GALLERY}/{example.stem}.ipynb"
            files.append(File.generated(config, place, content=notebook_of(example, site)))


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> None:
    """Add the page of all tables, which is no page of MkDocs, where it was built."""
    if BOARD.is_dir():
        nav.items[-1].children.append(Link("All tables, to sort and filter", "../leaderboards/index.html"))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    r"""Run the blocks; turn links and, in tables, `a\|b` from what GitHub reads into what MkDocs reads."""
    here = page.file.src_uri
    page.meta.setdefault("search", next((how for begin, how in SEARCH.items() if here.startswith(begin)), {}))
    if here in WORDS:
        page.meta["tags"] = WORDS[here]
    source = TAKEN.get(here, f"docs/{here}")
    markdown = re.sub(
        r"^(<!--.*?-->\s*)+(?=# )", "", markdown, flags=re.DOTALL
    )  # before a title, MkDocs would not see it
    if here in CARDS["methods"]:
        title, _, text = markdown.partition("\n")
        markdown = f"{title}\n\n{_boxes()[Path(source).parent.name]}\n{text}"
    if (DOCS / here).is_file():
        markdown = _with_outputs(markdown, _outputs(DOCS / here))

    if here == f"{GALLERY}/index.md":
        markdown = _with_thumbnails(markdown)
    elif here.startswith(f"{GALLERY}/"):
        title, _, text = markdown.partition("\n")
        name = f"{Path(here).stem}.ipynb"
        markdown = f'{title}\n\n<a class="notebook" href="{name}" download>Download as a notebook</a>\n{text}'

    markdown = ENTRIES.sub(_described, markdown) if here.startswith("reference/") else markdown

    def link(found: re.Match[str]) -> str:
        text, anchor = found["text"], found["anchor"] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), found["address"]))
        path = re.sub(r"^(docs/.*)\.ipynb$", r"\1.md", path)
        place = PLACES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        if place:
            return f"[{text}]({posixpath.relpath(place, posixpath.dirname(here) or '.')}{anchor})"
        if (ROOT / path).exists():  # not on the site, but in the repository, where its address is known
            address = config.extra["repository"]
            return f"[{text}]({address}/blob/HEAD/{path}{anchor})" if address else text
        return found[0]  # --strict complains

    linked = ANCHOR.sub(r"\g<signs> \g<title> { #\g<name> }", LINK.sub(link, markdown))
    return "\n".join(map(_with_plain_bars, linked.split("\n")))


def _with_plain_bars(line: str) -> str:
    """A line of a table whose code has bars without backslashes; any other line unchanged."""
    if not line.startswith("|"):
        return line
    return CODE.sub(lambda code: code[0].replace(r"\|", "|"), line)


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Formulas as MathML, which browsers draw by themselves, and the chart."""

    def formula(found: re.Match[str]) -> str:
        alone = found[1] == "div"
        try:
            made = mathml_of(html.unescape(found[2]).strip(), alone)
        except ValueError as error:
            raise PluginError(str(error)) from None
        return f'<div class="formula">{made}</div>' if alone else made

    return FORMULA.sub(formula, CHART.sub(_chart, content))


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse texts that are hard to read."""
    site = Path(config.site_dir)
    theme = [*site.glob("assets/stylesheets/main.*.css"), *site.glob("assets/stylesheets/palette.*.css")]
    sheets = [sheet.read_text("utf-8") for sheet in [*theme, site / "style.css"]]
    if found := [*low_contrasts(sheets), *indistinct_links(sheets)]:
        raise PluginError("; ".join(found))


def _chart(found: re.Match[str]) -> str:
    """The chart within the page, whose colour its text takes; alone, it asks the reader's system for one."""
    return re.sub(r"<style>.*?</style>", "", (DOCS / found["name"]).read_text("utf-8"))


@cache
def _boxes() -> dict[str, str]:
    """The box of each method's card, made in a process of its own, which imports what methods need."""
    names = [Path(source).parent.name for source in CARDS["methods"].values()]
    made = subprocess.run([sys.executable, str(DOCS / "cards.py"), *names], capture_output=True, text=True)
    if made.returncode:
        raise PluginError(f"the boxes of the cards are not made: {made.stderr[-4000:]}")
    boxes: dict[str, str] = json.loads(made.stdout)
    return boxes


@cache
def _outputs(page: Path) -> list[list[dict[str, str]]]:
    """The output of the blocks of a page."""
    found = blocks(page)
    if not any(block.language in ("python", "sh") for block in found):
        return []
    if not RUN:
        return [[] for _ in found]
    pages, answers = _runner()
    print(page, file=pages, flush=True)
    answer = json.loads(answers.readline() or '{"error": "the program that runs blocks has ended"}')
    if "error" in answer:
        raise PluginError(f"a block of {page.name} does not run: {answer['error'][-4000:]}")
    outputs: list[list[dict[str, str]]] = answer["outputs"]
    text = page.read_text("utf-8")
    if with_written(page, [[Output(**one) for one in found] for found in outputs]) != text:
        raise PluginError(f"{page.name} holds output that is no longer true: python docs/blocks.py --write {page}")
    return outputs


@cache
def _runner() -> tuple[IO[str], IO[str]]:
    """Where to send pages, and where their outputs come from: a process that runs each in a copy of itself, and ends with this one."""
    command = [sys.executable, str(DOCS / "blocks.py"), "--serve"]
    runner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return cast(IO[str], runner.stdin), cast(IO[str], runner.stdout)


def _with_outputs(markdown: str, outputs: list[list[dict[str, str]]]) -> str:
    """The page, each block with what it printed."""
    markdown = COMMENTED.sub(lambda found: found["fence"], markdown)
    if not outputs:
        return markdown
    found = iter(outputs)

    def shown(fence: re.Match[str]) -> str:
        block, printed, parts = Block.of(fence), next(found), []
        if "hidden" not in block.words:
            parts.append(f"```{block.language}{block.options}\n{block.code}```\n")
        for output in printed if "written" not in block.words else ():
            if output["form"] == "markdown":
                parts.append(f"{output['text']}\n")
            elif output["form"] == "html":
                parts.append(f'<div class="output html">{_on_one_line(output["text"])}</div>\n')
            else:
                said = " .said" if "fails" in block.words else ""
                parts.append(f"``` {{.text .output .no-copy{said}}}\n{output['text']}\n```\n")
        indent = fence["indent"]
        text = "\n".join(parts)
        return re.sub(r"^(?=.)", indent, text, flags=re.M) if indent else text

    return FENCE.sub(shown, markdown)


def _with_thumbnails(markdown: str) -> str:
    """The list of examples as cards, each with the last picture of its page."""

    def card(example: re.Match[str]) -> str:
        page = DOCS / GALLERY / f"{example['page']}.md"
        printed = [output["text"] for found in _outputs(page) for output in found if output["form"] == "html"]
        pictures = [found["data"] for text in printed for found in PICTURE.finditer(text)]
        shown = f'<img alt="" src="{pictures[-1]}">' if pictures else '<span class="no-picture"></span>'
        title, about = html.escape(example["title"]), html.escape(example["about"])
        words = f"<strong>{title}</strong><span>{about}</span>"
        return f'<a class="card" href="{example["page"]}.html">{shown}{words}</a>'

    cards = "".join(card(example) for example in EXAMPLE.finditer(markdown))
    before, _, rest = markdown.partition("\n- ")
    after = rest.rpartition("\n\n")[2] if "\n\n" in rest else ""
    return f'{before}\n\n<div class="gallery">{cards}</div>\n\n{after}'


def _described(entry: re.Match[str]) -> str:
    """Names of the code as what mkdocstrings replaces by their descriptions."""
    module = entry["file"].replace("/", ".").removesuffix(".__init__")
    options = f"\n    options: {{{entry['options']}}}" if entry["options"] else ""
    lines = []
    for name in re.findall(r"[\w.]+", entry["names"]):
        full_name = name if "." in name else f"{module}.{name}"
        lines.append(f"::: {full_name}{options}")
    return "\n".join(lines)


def _on_one_line(text: str) -> str:
    """HTML without empty lines, at which Markdown would end it."""
    return re.sub(r"\n\s*", " ", text)


def _notebook_page(notebook: Path) -> str:
    """A notebook as a page, with what its cells printed."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    texts = []
    for cell in cells:
        text = "".join(cell["source"])
        texts.append(f"```python\n{text}\n```" if cell["cell_type"] == "code" else text)
    return _with_outputs("\n\n".join(texts), _outputs(notebook))
