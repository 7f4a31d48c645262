"""A stand-in for the package transformers, and for a model's folder: the seam between both and mebench."""

import sys
from types import SimpleNamespace

import torch


def install(monkeypatch, folder):
    """Put the stand-in in the place of the package and write a folder; how each part was loaded."""
    loaded = []

    def giving(thing):
        def load(place, **how):
            loaded.append(how)
            return thing

        return SimpleNamespace(from_pretrained=load)

    package = SimpleNamespace(
        __version__="5.0",
        AutoConfig=giving(SimpleNamespace()),
        AutoProcessor=giving(StandInProcessor()),
        AutoModelForImageTextToText=giving(StandInNetwork()),
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING={SimpleNamespace},
        logging=SimpleNamespace(set_verbosity_error=lambda: None, disable_progress_bar=lambda: None),
    )
    monkeypatch.setitem(sys.modules, "transformers", package)
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return loaded


class StandInTokenizer:
    """Words are numbers of a list; the beginning of a text stands for nothing."""

    words = ("", "negative", "positive", "yes", "no", "left", "right", "seen")
    bos_token = None
    eos_token = ""
    pad_token = None
    all_special_ids = (0,)

    def __len__(self):
        return len(self.words)

    def batch_decode(self, rows, skip_special_tokens=False):
        return [" ".join(filter(None, (self.words[int(n)] for n in row))) for row in rows]


class StandInProcessor:
    """A text has as many tokens as words; pictures are counted."""

    chat_template = "any"
    tokenizer = StandInTokenizer()

    def apply_chat_template(self, messages, add_generation_prompt, tokenize):
        assert (add_generation_prompt, tokenize) == (True, False)
        parts = [part for message in messages for part in message["content"]]
        return " ".join("<image>" if part["type"] == "image" else part["text"] for part in parts)

    def __call__(self, text, images, padding, return_tensors):
        assert [one.count("<image>") for one in text] == [len(shown) for shown in images]
        longest = max(len(one.split()) for one in text)
        mask = torch.zeros(len(text), longest, dtype=torch.long)
        for n, one in enumerate(text):
            mask[n, longest - len(one.split()) :] = 1
        inputs = StandInInputs(input_ids=mask.clone(), attention_mask=mask)
        inputs["n_shown"] = torch.tensor([len(shown) for shown in images])
        return inputs


class StandInInputs(dict):
    def to(self, device, dtype):
        assert dtype == StandInNetwork.dtype
        return self


class StandInNetwork:
    """Answers `seen` once for each picture; by likelihood the last word that it knows."""

    dtype = torch.float32
    device = "cpu"
    config = SimpleNamespace(is_encoder_decoder=False, max_position_embeddings=1000)

    def eval(self):
        return self

    def to(self, device):
        return self

    def generate(self, input_ids, n_shown, max_new_tokens, **how):
        if how.get("output_logits"):
            likely = torch.arange(8.0).repeat(len(input_ids), 1)
            return SimpleNamespace(logits=[likely])
        written = [[7] * int(n) + [0] * (max_new_tokens - int(n)) for n in n_shown]
        return torch.cat([input_ids, torch.tensor(written)], dim=1)
