"""Files of strangers: what is no plain file is never waited for, and no YAML grows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, strategies as st

from mebench.config import setting_layers
from mebench.errors import ConfigError
from mebench.files import MOST_DEPTH, MOST_NODES, MOST_YAML, Plain, Text, code_hash, load_yaml, read_plain
from tests.helpers.refusals import refusal


def test_the_content_of_a_plain_file_and_of_a_link_to_one(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert read_plain(tmp_path / "a", 3) == read_plain(tmp_path / "b", 3) == b"abc"


def test_more_bytes_than_allowed_are_not_read(tmp_path):
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
def test_what_is_no_plain_file_is_refused_at_once(tmp_path, make):
    make(tmp_path / "a")
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "a"))):
        read_plain(tmp_path / "a", 100)


def test_a_file_without_an_end_that_calls_itself_plain_is_refused():
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
        ("- 1\n" * (MOST_NODES + 1), "holds more than"),
        ("a" * (MOST_YAML + 1), "characters, expected at most"),
    ],
    ids=["laughs", "lists", "maps", "dashes", "itself", "many", "long"],
)
def test_yaml_that_no_person_writes_is_refused(text, words, loader):
    with pytest.raises(yaml.YAMLError, match=words):
        load_yaml(text, loader)


@pytest.mark.parametrize(
    "text",
    ["2001-99-99", "9" * 5000, '!!int ""', "!!timestamp x", "[1]: 2", "!!python/name:os.system", "\ud800", "a: *b"],
)
def test_a_value_that_cannot_be_is_an_error_of_yaml(text):
    with pytest.raises(yaml.YAMLError):
        load_yaml(text)


def test_what_people_write_is_read():
    text = "base: &base {p: 0.6, sizes: [1, 2]}\nruns:\n- <<: *base\n- {<<: *base, p: 0.7}\n"
    assert load_yaml(text)["runs"] == [{"p": 0.6, "sizes": [1, 2]}, {"p": 0.7, "sizes": [1, 2]}]
    deep = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    assert str(load_yaml(deep)) == deep


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=8,
    )
)
def test_what_is_written_comes_back(value):
    assert load_yaml(yaml.safe_dump(value)) == value


@given(st.text("[]{}&*!|>-?:,'\"# \n\tabc01.<\\%@`~é\x00\ud800", max_size=40), st.sampled_from([Plain, Text]))
def test_any_text_is_read_or_refused(text, loader):
    message = refusal(lambda: load_yaml(text, loader), yaml.YAMLError)
    assert message != ""


@SPECIAL
def test_a_configuration_that_is_no_file_is_one_sentence(tmp_path, make):
    make(tmp_path / "mine.yaml")
    with pytest.raises(ConfigError, match=r"mine\.yaml is unreadable"):
        setting_layers.read_file(tmp_path / "mine.yaml")


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


def test_the_hash_of_code_ignores_comments_docstrings_and_line_breaks(tmp_path):
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


def test_the_hash_of_code_is_the_same_in_every_process(tmp_path):
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
