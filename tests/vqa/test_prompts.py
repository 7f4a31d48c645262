"""Prompts: files with name, version and text, whose hash is that of the text."""

import hashlib

import pytest

from mebench.errors import ConfigError
from mebench.vqa.prompts import included_prompts, read_prompt


def test_read_prompt_reads_files_of_users(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nversion: 2\ntext: '{pictures} {question} Be brief.'\n")
    prompt = read_prompt(str(file))
    assert prompt.write("Who?", "One face.") == "One face. Who? Be brief."
    assert prompt.list_facts() == {
        "name": "mine", "version": "2", "sha256": hashlib.sha256(b"{pictures} {question} Be brief.").hexdigest(),
    }  # fmt: skip


def test_included_prompts_are_short():
    assert included_prompts() == ["classes", "plain"]
    for name in included_prompts():
        prompt = read_prompt(name)
        assert prompt.name == name
        assert len(prompt.text) < 500
        assert "negative" not in prompt.write("", "x") or name == "classes"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("just words", "is no prompt"),
        ("name: a", "is no prompt"),
        ("{", "cannot be read"),
        ("{name: a, version: 1, text: ''}", "a prompt has a name"),
    ],
)
def test_read_prompt_refuses_other_files(tmp_path, text, sentence):
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        read_prompt(str(tmp_path / "p.yaml"))
    with pytest.raises(ConfigError, match="unknown prompt 'plane'"):
        read_prompt("plane")
