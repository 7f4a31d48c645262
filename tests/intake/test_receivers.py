"""Which kinds of sent answers a board takes, by the parts of mebench that are installed."""

from dataclasses import replace

from mebench.intake import receivers


def test_find_sent_answers_tells_kinds_apart(tmp_path):
    for name, file in (("asked", "answers.json"), ("spotted", "spotted.yaml")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("")
    found = receivers.find_sent_answers([tmp_path])
    assert [(sent.receiver.kind, sent.folder.name, sent.place) for sent in found] == [
        ("answers sent in", "spotted", tmp_path),
        ("answers to questions", "asked", tmp_path),
    ]


def test_find_sent_answers_needs_no_part_that_is_missing(tmp_path, monkeypatch):
    (tmp_path / "spotted.yaml").write_text("")
    lacking = [replace(receiver, part="nowhere", find=None) for receiver in receivers.RECEIVERS]
    monkeypatch.setattr(receivers, "RECEIVERS", lacking)
    assert receivers.find_sent_answers([tmp_path]) == []
