"""Files of strangers: what is no plain file is never waited for, and no YAML grows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, strategies as st

from mebench.config import sources
from mebench.errors import ConfigError
from mebench.files import (
    YAML_BYTES,
    YAML_LEVELS,
    YAML_VALUES,
    Plain,
    Text,
    code_hash,
    holds_content,
    load_yaml,
    read_plain,
)
from tests.helpers.refusals import refusal


def test_read_plain_reads_files_and_links(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert read_plain(tmp_path / "a", 3) == read_plain(tmp_path / "b", 3) == b"abc"


def test_read_plain_stops_at_limit(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        file.truncate(2**40)  # a hole, as sparse files have
    with pytest.raises(OSError, match="expected at most 3"):
        read_plain(tmp_path / "a", 3)


def make_fifo(place):
    os.mkfifo(place)


def make_loop(place):
    place.symlink_to(place)


def make_zero(place):
    place.symlink_to("/dev/zero")


def make_folder(place):
    place.mkdir()


SPECIAL = pytest.mark.parametrize("make", [make_fifo, make_loop, make_zero, make_folder])


@SPECIAL
def test_read_plain_refuses_special_files(tmp_path, make):
    make(tmp_path / "a")
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "a"))):
        read_plain(tmp_path / "a", 100)


def test_read_plain_refuses_endless_files():
    with pytest.raises(OSError, match="it has more bytes than its stated size"):
        read_plain(Path("/proc/self/status"), 100)


def laughs(levels=12):
    """Each list holds the one above ten times: 10^levels values in 400 bytes."""
    yield "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"
    yield from (f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels))


@pytest.mark.parametrize("loader", [Plain, Text])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n".join(laughs()), "aliases written out"),
        ("[" * 20_000, "nested more than"),
        ("{a: " * 20_000, "nested more than"),
        ("- " * 20_000, "nested more than"),
        ("a: &a [*a]", "'a' holds itself"),
        ("- 1\n" * (YAML_VALUES + 1), "holds more than"),
        ("a" * (YAML_BYTES + 1), "characters, expected at most"),
        ("a: 1\nb: 2\na: 3\n", "a stands twice, in lines 1 and 3"),
        ("b:\n- {p: 0.6, 'p': 0.7}\n", "p stands twice, in lines 2 and 2"),
    ],
    ids=["laughs", "lists", "maps", "dashes", "itself", "many", "long", "twice", "twice within"],
)
def test_load_yaml_refuses_what_no_person_writes(text, words, loader):
    with pytest.raises(yaml.YAMLError, match=words):
        load_yaml(text, loader)


@pytest.mark.parametrize(
    "text",
    ["2001-99-99", "9" * 5000, '!!int ""', "!!timestamp x", "[1]: 2", "!!python/name:os.system", "\ud800", "a: *b"],
)
def test_load_yaml_raises_yaml_error_for_impossible_values(text):
    with pytest.raises(yaml.YAMLError):
        load_yaml(text)


def test_load_yaml_reads_what_people_write():
    text = "base: &base {p: 0.6, sizes: [1, 2]}\nruns:\n- <<: *base\n- {<<: *base, p: 0.7}\n"
    assert load_yaml(text)["runs"] == [{"p": 0.6, "sizes": [1, 2]}, {"p": 0.7, "sizes": [1, 2]}]
    merged_twice = "a: &a {p: 1}\nb: {c: &c {<<: *a, p: 2}}\nd: {<<: *c, p: 3}\n"
    assert load_yaml(merged_twice)["d"] == {"p": 3}
    deep = "[" * YAML_LEVELS + "]" * YAML_LEVELS
    assert str(load_yaml(deep)) == deep


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=8,
    )
)
def test_load_yaml_reads_back_what_was_written(value):
    assert load_yaml(yaml.safe_dump(value)) == value


@given(st.text("[]{}&*!|>-?:,'\"# \n\tabc01.<\\%@`~é\x00\ud800", max_size=40), st.sampled_from([Plain, Text]))
def test_load_yaml_reads_or_refuses_any_text(text, loader):
    message = refusal(lambda: load_yaml(text, loader), yaml.YAMLError)
    assert message != ""


@SPECIAL
def test_read_file_refuses_special_files_in_a_sentence(tmp_path, make):
    make(tmp_path / "mine.yaml")
    with pytest.raises(ConfigError, match=r"mine\.yaml is unreadable"):
        sources.read_file(tmp_path / "mine.yaml")


CODE = """
def rule(score, limit=0.5, names={"a", "b"}):
    return [name for name in names if score > limit and name in {"a", "b", "c", (1, 2.0)}]


class Rule:
    threshold: float = 1
"""
SAID = """'What this file is for.'
# why


def rule(
    score,
    limit=0.5,  # half
    names={'a', 'b'},
):
    '''What it answers.'''
    return [
        name for name in names
        if (score > limit and name in {"a", "b", "c", (1, 2.0)})
    ]


class Rule:
    '''What it is.'''

    threshold: float = 1
    '''What that is.'''
"""


def test_code_hash_ignores_comments_and_docstrings(tmp_path):
    def hashed(text, name="a.py"):
        (tmp_path / name).write_text(text)
        return code_hash(tmp_path / name)

    assert hashed(CODE) == hashed(SAID) == hashed(CODE, "b.py")
    edits = [
        ("score > limit", "score >= limit"),
        ("0.5", "0.25"),
        ("= 1", "= 1.0"),
        ("float", "int"),
        ("2.0", "2"),
        ("rule", "ruler"),
    ]
    assert len({hashed(CODE.replace(*edit)) for edit in [("", ""), *edits]}) == len(edits) + 1
    assert hashed("(") != hashed("((") != hashed("\0")  # no Python at all
    assert hashed("# said\na: 1\n", "a.yaml") == hashed("{a: 1}", "a.yaml") != hashed("a: 2", "a.yaml")
    assert hashed("# said", "a.txt") != hashed("", "a.txt")


def test_code_hash_is_equal_in_every_process(tmp_path):
    file = tmp_path / "a.py"
    file.write_text(CODE)
    program = f"from pathlib import Path; from mebench.files import code_hash; print(code_hash(Path({str(file)!r})))"
    others = {
        subprocess.run(
            [sys.executable, *flags, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed, flags in (("1", ()), ("2", ("-OO",)))
    }

    assert others == {code_hash(file)}


def test_holds_content_compares_bytes(tmp_path):
    file = tmp_path / "page.html"
    assert not holds_content(file, b"one")
    file.write_bytes(b"one")
    assert holds_content(file, b"one")
    assert not holds_content(file, b"two")
    assert not holds_content(file, b"one more")
    assert not holds_content(tmp_path, b"")
