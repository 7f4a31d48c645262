"""Models on the user's own disk: a stand-in for the package, and tiny models of random weights where it is installed."""

import json
import sys

import numpy as np
import pytest

from mebench.errors import ConfigError, DataError, RunError
from mebench.vqa.answer_facts import hash_of_weights
from mebench.vqa.asking import AskSettings, ask_questions
from mebench.vqa.local_models import load_local_model
from mebench.vqa.questions import read_questions
from tests.helpers import stand_in_transformers
from tests.helpers.tiny_language_models import (
    import_transformers,
    make_language_model,
    make_vision_language_model,
)

TEXTS = (
    "What is the coarse expression class?",
    "Is the action unit dimpler shown on the face?",
    "What are the action units?",
    "Is the action unit lip corner puller located on the left or right face?",
)
ROWS = [
    {"id": f"q{n}", "dataset": "d", "subject": "s", "image_id": f"c{n}", "question": text, "answer": ""}
    for n, text in enumerate(TEXTS)
]
PICTURES = {
    row["id"]: [np.random.default_rng(n).integers(0, 255, (30, 40, 3), dtype=np.uint8)] * (1 + n % 2)
    for n, row in enumerate(ROWS)
}


def ask(folder, out, shown=True, device="cpu", **settings):
    """The answers of a model, and their cost."""
    out.unlink(missing_ok=True)
    asked_by = AskSettings(**{"max_tokens": 6, **settings})
    model = load_local_model(folder, asked_by, device=device)
    cost = ask_questions(model, ROWS, lambda row: PICTURES[row["id"]] if shown else [], out, asked_by)
    return [row["answer"] for row in read_questions(out)], cost


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """A folder that looks like a model's, and how each part of it was loaded."""
    folder = tmp_path / "some-model"
    return folder, stand_in_transformers.install(monkeypatch, folder)


def test_ask_questions_of_local_model_counts_tokens(stand_in, tmp_path):
    folder, loaded = stand_in
    one, cost = ask(folder, tmp_path / "a.jsonl")
    assert one == ["seen", "seen seen", "seen", "seen seen"]
    n_words = sum(len(f"{AskSettings().prompt.write(text, AskSettings().pictures)}".split()) for text in TEXTS)
    assert cost.tokens == n_words + 6 + 6  # pictures of one token each, and six words
    assert cost.seconds > 0
    together, same = ask(folder, tmp_path / "a.jsonl", parallel=3)
    assert (together, same.tokens) == (one, cost.tokens)
    assert all(how["local_files_only"] and not how["trust_remote_code"] for how in loaded)
    of_weights = [how for how in loaded if "use_safetensors" in how]
    assert [how["use_safetensors"] for how in of_weights] == [True, True]


def test_ask_questions_of_local_model_chooses_by_likelihood(stand_in, tmp_path):
    folder, _ = stand_in
    answers, _ = ask(folder, tmp_path / "a.jsonl", constraint="likelihood", parallel=4)
    assert answers == ["positive", "no", "seen", "right"]


def test_ask_questions_of_local_model_refuses_long_texts(stand_in, tmp_path):
    folder, _ = stand_in
    with pytest.raises(RunError, match="more than the 1000 that it reads: show fewer --frames"):
        ask(folder, tmp_path / "a.jsonl", max_tokens=999)


def test_load_local_model_refuses_in_a_sentence(stand_in, tmp_path):
    folder, _ = stand_in
    out = tmp_path / "a.jsonl"
    for device in ("tpu", "cuda:99"):
        with pytest.raises(ConfigError, match=f"--device .*{device}"):
            ask(folder, out, device=device)
    with pytest.raises(ConfigError, match="--constrain schema needs a server"):
        ask(folder, out, constraint="schema")
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(DataError, match=r"model\.gguf is a file: .* llama-server -m model\.gguf"):
        ask(tmp_path / "model.gguf", out)
    with pytest.raises(DataError, match=r"has no config\.json"):
        ask(tmp_path, out)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"has no \.safetensors: weights in other files .* run code"):
        ask(folder, out)
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(DataError, match="holds an adapter"):
        ask(folder, out)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "Please pass the argument `trust_remote_code=True` to allow custom code",
            "brings code of its own, which mebench",
        ),
        ("AutoVideoProcessor requires the Torchvision library", "some-model needs torchvision: install the one that"),
        ("unknown model type 'x'", r"cannot be loaded by transformers \(.*unknown model type"),
    ],
)
def test_load_local_model_tells_why_transformers_refuses(stand_in, tmp_path, monkeypatch, said, sentence):
    def refuse(*_, **__):
        raise ValueError(said)

    monkeypatch.setattr(sys.modules["transformers"].AutoConfig, "from_pretrained", refuse)
    with pytest.raises(DataError, match=sentence):
        ask(stand_in[0], tmp_path / "a.jsonl")


def test_load_local_model_names_missing_extra(stand_in, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"pip install \"mebench\[transformers\]\""):
        ask(stand_in[0], tmp_path / "a.jsonl")


def test_hash_of_weights_of_folder_is_of_what_decides(stand_in):
    folder, _ = stand_in
    first = hash_of_weights(folder)
    (folder / "README.md").write_text("A card.")
    assert hash_of_weights(folder) == first
    (folder / "config.json").write_text('{"layers": 2}')
    assert hash_of_weights(folder) != first


def test_ask_questions_of_tiny_model_equals_transformers(tmp_path):
    transformers = import_transformers()
    folder = make_vision_language_model(tmp_path / "tiny")

    one, cost = ask(folder, tmp_path / "a.jsonl")
    assert ask(folder, tmp_path / "a.jsonl", parallel=4)[0] == one
    processor = transformers.AutoProcessor.from_pretrained(folder)
    network = transformers.AutoModelForImageTextToText.from_pretrained(folder)
    expected = []
    n_tokens = 0
    for row in ROWS:
        content = [{"type": "image", "image": picture} for picture in PICTURES[row["id"]]]
        text = AskSettings().prompt.write(row["question"], AskSettings().pictures)
        messages = [{"role": "user", "content": [*content, {"type": "text", "text": text}]}]
        inputs = processor.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
        out = network.generate(**inputs, max_new_tokens=6, do_sample=False)
        expected.append(processor.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
        n_tokens += out.shape[1]
    assert one == [" ".join(text.split()) for text in expected]
    assert cost.tokens == n_tokens

    half = make_vision_language_model(tmp_path / "half", half=True)
    assert load_local_model(half, AskSettings()).list_facts()["program"].endswith(", bfloat16")
    assert ask(half, tmp_path / "b.jsonl")[1].failed == 0
    chosen, _ = ask(folder, tmp_path / "a.jsonl", constraint="likelihood", parallel=4)
    assert [chosen[0] in ("negative", "positive", "surprise"), chosen[1] in ("yes", "no"), chosen[2]] == [
        True,
        True,
        one[2],
    ]


def test_ask_questions_of_tiny_text_model_needs_no_picture(tmp_path):
    folder = make_language_model(tmp_path / "text")
    assert len(ask(folder, tmp_path / "a.jsonl", shown=False)[0]) == 4
    with pytest.raises(ConfigError, match="reads text alone: with --see none"):
        ask(folder, tmp_path / "a.jsonl")


def test_load_local_model_runs_no_code_of_a_model(tmp_path):
    folder = make_language_model(tmp_path / "text")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text("raise SystemExit('ran')")
    with pytest.raises(DataError, match="brings code of its own, which mebench does not run"):
        ask(folder, tmp_path / "a.jsonl", shown=False)
