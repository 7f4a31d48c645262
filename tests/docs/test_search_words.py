"""The docs' search leaves small words out, and takes words of one or two letters as they stand."""

from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
ASK = """query => new Promise(answer => {
  const echo = new Blob(["onmessage = message => postMessage(message.data)"], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(echo));
  worker.onmessage = message => answer(message.data);
  worker.postMessage(query);
})"""
"""What the theme's worker would get for a message."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not DOCS.is_dir(), reason="needs the checkout: docs/ is no part of the sdist"),
]


@pytest.fixture(scope="module")
def sent(browser):
    """What arrives at a worker of a message."""
    page = browser.new_page()
    page.add_script_tag(content=(DOCS / "search_words.js").read_text(encoding="utf-8"))
    yield lambda message: page.evaluate(ASK, message)
    page.close()


@pytest.mark.parametrize(
    ("query", "searched"),
    [
        ("my frames start at 1", "frames start 1^1"),
        ("several annotators", "several annotators"),
        ("add a metric", "add metric"),
        ("resume a study", "resume study"),
        ("p value", "p^1 value"),
        ("how do I", "how do^1 I^1"),
        ('"at a time"', '"at a time"'),
    ],
)
def test_search_leaves_small_words_out(sent, query, searched):
    assert sent({"type": 2, "data": query})["data"] == searched


def test_search_sends_other_messages_unchanged(sent):
    index = {"type": 0, "data": {"config": {"lang": ["en"]}}}
    assert sent(index) == index
