"""Takes pages from where they lie in the repository, and turns their links into links of the site. MkDocs calls the `on_` functions."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Link, Navigation
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
BOARD = ROOT / "build" / "leaderboards" / "site"
"""Where `.ci/docs` has `mebench leaderboard build` write."""
LINK = re.compile(r"\[(?P<text>[^][]*)\]\((?P<address>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
CODE = re.compile(r"`[^`\n]+`")


def _cards(kind: str) -> dict[str, str]:
    names = sorted(card.parent.name for card in (ROOT / kind).glob("*/README.md"))
    return {f"{kind}/{name}.md": f"{kind}/{name}/README.md" for name in names}


CARDS = {"Methods": _cards("methods"), "Datasets": _cards("datasets")}
TAKEN = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    **CARDS["Methods"],
    **CARDS["Datasets"],
}
"""Page of the site: file of the repository."""
PLACES = {source: page for page, source in TAKEN.items()} | {
    "leaderboards/tables.md": "leaderboards/index.html",
    "leaderboards/site/index.html": "leaderboards/index.html",
}
"""File of the repository: where the site has it, or the same in another form."""


def on_config(config: MkDocsConfig) -> None:
    """List the cards."""
    config.nav += [{title: list(cards)} for title, cards in CARDS.items()]


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add what lies outside `docs/`: the pages, and the leaderboard as it was built."""
    for page, source in TAKEN.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    for file in sorted(BOARD.rglob("*")):
        if file.is_file():
            place = f"leaderboards/{file.relative_to(BOARD).as_posix()}"
            files.append(File.generated(config, place, abs_src_path=str(file)))


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> None:
    """Add the leaderboard, which is no page of MkDocs."""
    nav.items.append(Link("Leaderboards", "leaderboards/index.html"))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    r"""Turn links and, in tables, `a\|b` from what GitHub reads into what MkDocs reads."""
    here = page.file.src_uri
    source = TAKEN.get(here, f"docs/{here}")

    def link(found: re.Match[str]) -> str:
        text, anchor = found["text"], found["anchor"] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), found["address"]))
        place = PLACES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        if place:
            return f"[{text}]({posixpath.relpath(place, posixpath.dirname(here) or '.')}{anchor})"
        if (ROOT / path).exists():  # not on the site, but in the repository, where its address is known
            return f"[{text}]({config.repo_url}/blob/HEAD/{path}{anchor})" if config.repo_url else text
        return found[0]  # an address of the web; of anything else --strict complains

    lines = [
        CODE.sub(lambda code: code[0].replace(r"\|", "|"), line) if line.startswith("|") else line
        for line in LINK.sub(link, markdown).split("\n")
    ]
    return "\n".join(lines)
