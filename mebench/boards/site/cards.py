"""The cards of methods and datasets: their README.md as HTML, without raw markup."""

import re
from collections.abc import Callable, Iterable, Mapping, Set
from functools import partial
from itertools import count
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from mebench.config.registry import PluginInfo, PluginKind
from mebench.result_cache import cached_result

OF_CARDS = ("boards/site/cards.py",)
"""The code of the stored cards."""


def card_html(info: PluginInfo, plugins: Mapping[PluginKind, Iterable[str]]) -> Markup:
    """The README of a plugin as safe HTML, without its first heading; links to one of the `plugins` lead to its page."""
    pages = {
        *(f"../{kind}s/{id_}.html" for kind, ids in plugins.items() for id_ in ids),
        *(f"{id_}.html" for id_ in plugins[info.kind]),
    }
    readme = info.folder / "README.md"
    text = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    html = cached_result(partial(to_html, text, pages), OF_CARDS, text, sorted(pages))
    return Markup(html)  # rendered by markdown-it with raw HTML off


def to_html(markdown: str, pages: Set[str] = frozenset()) -> str:
    r"""Markdown as HTML: raw tags become text, the first heading is dropped, and links into the repository become plain
    text unless they lead to one of the site's `pages`.

    >>> to_html("# Title\n\nSee [the tables](../tables.md) and <b>this</b>.").strip()
    '<p>See the tables and &lt;b&gt;this&lt;/b&gt;.</p>'
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    drawn = str(parser.render(re.sub(r"\A\s*# .*\n?", "", markdown), {"pages": pages, "numbers": count(1)}))
    return drawn.replace("<th></th>", "<td></td>")  # the corner of a table is not a heading


def _link_open(self: Any, tokens: Any, index: int, options: Any, env: dict[str, Any]) -> str:
    """The start of a link within the site or to another one; else nothing."""
    address = str(tokens[index].attrGet("href") or "")
    # `../<id>/README.md` or `../../datasets/<id>/` is the page of a plugin
    match = re.fullmatch(r"\.\./(\.\./(?:methods|datasets)/)?(\w+)/?(?:README\.md)?", address)
    page = f"{(match[1] or '').removeprefix('../')}{match[2]}.html" if match else ""
    internal = page if page in env["pages"] else ""
    external = re.match(r"https?://", address)
    env.setdefault("open", []).append(bool(internal or external))
    if not internal and not external:
        return ""
    tokens[index].attrSet("href", internal or address)
    if external:
        tokens[index].attrSet("rel", "external noopener")
    return str(self.renderToken(tokens, index, options, env))


_RULES: dict[str, Callable[..., str]] = {
    "link_open": _link_open,
    "link_close": lambda self, tokens, index, options, env: "</a>" if env["open"].pop() else "",
    "table_open": lambda self, tokens, index, options, env: (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Table {next(env["numbers"])}"><table>\n'
    ),
    "table_close": lambda *_: "</table></div>\n",
    # its text: pictures of the repository are not part of the site
    "image": lambda self, tokens, index, options, env: self.renderInlineAsText(tokens[index].children, options, env),
}
