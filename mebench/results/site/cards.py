"""The cards of methods and datasets: their README.md as HTML, with no markup of their own making."""

import re
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt

from mebench.config import registry
from mebench.config.registry import PluginInfo, PluginKind


@dataclass(frozen=True)
class Card:
    """A plugin on the page.

    Attributes:
        kind: `method` or `dataset`.
        id: its name on the command line.
        title: its name for people.
        summary: one line.
        tasks: what it can do.
        paper: citation, or empty.
        chance: whether it is a level of chance, which has no rank.
        broken: why it cannot be used, or empty.
        body: its README as safe HTML, without its first heading.
    """

    kind: PluginKind
    id: str
    title: str
    summary: str
    tasks: tuple[str, ...]
    paper: str
    chance: bool
    broken: str
    body: str


def cards(kind: PluginKind) -> list[Card]:
    """All plugins of a kind, sorted by id; a broken one with its reason."""
    pages = {f"../{other}s/{id_}.html" for other in registry.PLUGIN_KINDS for id_ in registry.plugins(other)}
    pages |= {f"{id_}.html" for id_ in registry.plugins(kind)}
    return [_card(info, pages) for info in registry.plugins(kind).values()]


def _card(info: PluginInfo, pages: Set[str]) -> Card:
    readme = info.folder / "README.md"
    text = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    return Card(
        kind=info.kind,
        id=info.id,
        title=info.title or info.id,
        summary=info.summary,
        tasks=info.tasks,
        paper=str(info.config.get("paper") or ""),
        chance=bool(info.config.get("chance")),
        broken=info.broken or "",
        body=to_html(text, pages),
    )


def to_html(markdown: str, pages: Set[str] = frozenset()) -> str:
    r"""Markdown as HTML: its own tags are shown as text, its first heading is dropped, links into the repository keep their
    words only unless they lead to one of the site's `pages`.

    >>> to_html("# Title\n\nSee [the tables](../tables.md) and <b>this</b>.").strip()
    '<p>See the tables and &lt;b&gt;this&lt;/b&gt;.</p>'
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    drawn = str(parser.render(re.sub(r"\A\s*# .*\n?", "", markdown), {"pages": pages}))
    return drawn.replace("<th></th>", "<td></td>")  # the corner of a table heads nothing


def _link_open(self: Any, tokens: Any, index: int, options: Any, env: dict[str, Any]) -> str:
    address = str(tokens[index].attrGet("href") or "")
    inside, outside = _page(address, env["pages"]), re.match(r"https?://", address)
    env.setdefault("open", []).append(bool(inside or outside))
    if not inside and not outside:
        return ""
    tokens[index].attrSet("href", inside or address)
    if outside:
        tokens[index].attrSet("rel", "external noopener")
    return str(self.renderToken(tokens, index, options, env))


def _table_open(env: dict[str, Any]) -> str:
    env["tables"] = env.get("tables", 0) + 1
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Table {env["tables"]}"><table>\n'


_RULES: dict[str, Callable[..., str]] = {
    "link_open": _link_open,
    "link_close": lambda self, tokens, index, options, env: "</a>" if env["open"].pop() else "",
    "table_open": lambda self, tokens, index, options, env: _table_open(env),
    "table_close": lambda *_: "</table></div>\n",
    # its words: a picture of the repository is not part of the site
    "image": lambda self, tokens, index, options, env: self.renderInlineAsText(tokens[index].children, options, env),
}


def _page(address: str, pages: Set[str]) -> str:
    """The page of a plugin that a README links to as `../<id>/README.md` or `../../datasets/<id>/`; empty if none."""
    found = re.fullmatch(r"\.\./(\.\./(?:methods|datasets)/)?(\w+)/?(?:README\.md)?", address)
    page = f"{(found[1] or '').removeprefix('../')}{found[2]}.html" if found else ""
    return page if page in pages else ""
