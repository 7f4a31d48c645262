"""Models on the user's own disk, in the form of Hugging Face's transformers: nothing is downloaded, and no code of theirs runs.

The package transformers comes with the extra `transformers`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.errors import ConfigError, DataError, RunError
from mebench.lazy_imports import load_lazily
from mebench.metrics.bootstrap import derived_seed
from mebench.vqa.asking import AskedQuestion, AskSettings, Reply, Turn, reply_of_choice
from mebench.vqa.constraints import CHOICES, request_fields
from mebench.vqa.questions import id_of
from mebench.vqa.wording import meaning_of

if TYPE_CHECKING:
    import torch
    from PIL import Image
else:
    torch = load_lazily("torch")
    Image = load_lazily("PIL.Image")

AUTO = "auto"
DEVICE = re.compile(r"auto|cpu|mps|cuda(?::\d+)?")
LOCAL = {"local_files_only": True, "trust_remote_code": False}
"""How every part is loaded."""
CACHE_FOLDER = re.compile(r"models--(.+)--(.+)")
"""A model's folder in Hugging Face's own cache, whose subfolders have hashes for names."""


@dataclass(frozen=True)
class LocalModel:
    """A model that answers in this process.

    Attributes:
        name: its name in the row.
        place: its folder.
        network: the network, on its device.
        processor: its processor of text and pictures; a tokenizer if it reads text alone.
        reads_pictures: False for a model of text alone.
        settings: how it is asked.
    """

    name: str
    place: str
    network: Any
    processor: Any
    reads_pictures: bool
    settings: AskSettings

    def list_facts(self) -> dict[str, str]:
        """Name, program and type of numbers, as facts of a row."""
        dtype = str(self.network.dtype).removeprefix("torch.")
        return {"model": self.name, "program": f"transformers {_import_transformers().__version__}, {dtype}"}

    def answer(self, asked: Sequence[AskedQuestion]) -> Iterator[Reply]:
        """A reply to each of some questions, which are computed together.

        Raises:
            ConfigError: there are pictures, and the model reads text alone.
            RunError: memory does not suffice.
        """
        if not self.reads_pictures and any(turn.pictures for one in asked for turn in one.turns):
            raise ConfigError(
                f"{self.place} reads text alone: with --see none it answers as a floor, without a picture"
            )
        replies: dict[str, Reply] = {}
        for chooses in (False, True):
            batch = [one for one in asked if self._chooses(one) == chooses]
            if batch:
                replies |= zip((id_of(one.row) for one in batch), self._try_answer(batch, chooses))
        return (replies[id_of(one.row)] for one in asked)

    def _chooses(self, one: AskedQuestion) -> bool:
        """Whether the answer is the likeliest of some classes."""
        return "logprobs" in request_fields(self.settings.constraint, one.row["question"])

    def _try_answer(self, batch: Sequence[AskedQuestion], chooses: bool) -> list[Reply]:
        """The replies to a batch; with the fault that it has, if any."""
        try:
            with torch.random.fork_rng(), torch.inference_mode():
                torch.manual_seed(derived_seed(self.settings.seed or 0, "vqa", id_of(batch[0].row)))
                return self._answer(batch, chooses)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                return [Reply(fault=_reason(error))] * len(batch)
            raise RunError(
                f"{self.place}: memory does not suffice for {len(batch)} questions at a time. The same command continues with a lower "
                "--parallel; with fewer --frames or a smaller --size, name another file with -o"
            ) from None
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            return [Reply(fault=_reason(error))] * len(batch)

    def _answer(self, batch: Sequence[AskedQuestion], chooses: bool) -> list[Reply]:
        """The replies to a batch."""
        inputs = self._inputs(batch)
        n_read = [int(n) for n in inputs["attention_mask"].sum(dim=1)]
        self._check_length(max(n_read), 1 if chooses else self.settings.max_tokens)
        complete = self._choices_by_likelihood if chooses else self._choices_in_words
        choices = complete(batch, inputs)
        return [
            reply_of_choice(choice, n + n_written, self.settings, one.row["question"])
            for one, n, (choice, n_written) in zip(batch, n_read, choices)
        ]

    def _inputs(self, batch: Sequence[AskedQuestion]) -> Any:
        """Tokens and pictures of a batch, on the network's device."""
        texts = [self._text(one.turns) for one in batch]
        pictures = [[Image.fromarray(picture) for turn in one.turns for picture in turn.pictures] for one in batch]
        # A template of a conversation often begins with the token that the tokenizer would put before it.
        start = getattr(self._tokenizer, "bos_token", None)
        begun = start is not None and all(text.startswith(start) for text in texts)
        shown = {"images": pictures} if any(pictures) else {}
        inputs = self.processor(
            text=texts, **shown, padding=True, return_tensors="pt", **({"add_special_tokens": False} if begun else {})
        )
        if not self.reads_pictures:
            return inputs.to(self.network.device)
        return inputs.to(self.network.device, dtype=self.network.dtype)  # pixels in the weights' type of numbers

    def _text(self, turns: Sequence[Turn]) -> str:
        """A conversation as text, by the model's own template if it has one."""
        if getattr(self.processor, "chat_template", None):
            messages = [{"role": turn.role, "content": self._content(turn)} for turn in turns]
            return str(self.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))
        mark = getattr(self.processor, "image_token", "")
        return "\n".join(f"{mark * len(turn.pictures)}{turn.text}" for turn in turns) + "\n"

    def _content(self, turn: Turn) -> Any:
        """The content of a message in the form of the model's template."""
        if not self.reads_pictures:
            return turn.text
        return [*({"type": "image"} for _ in turn.pictures), {"type": "text", "text": turn.text}]

    @property
    def _tokenizer(self) -> Any:
        """The tokenizer of the processor."""
        return getattr(self.processor, "tokenizer", self.processor)

    def _check_length(self, n_read: int, n_written: int) -> None:
        """Refuse a text beyond the positions that the network knows, where its answers are nonsense."""
        config = self.network.config
        of_text = config.get_text_config() if hasattr(config, "get_text_config") else config
        most = getattr(of_text, "max_position_embeddings", None)
        if most and n_read + n_written > most:
            raise ValueError(
                f"{n_read} tokens with an answer of {n_written} are more than the {most} that it reads: show fewer --frames or a "
                "smaller --size, or allow fewer --max-tokens"
            )

    def _choices_in_words(
        self, batch: Sequence[AskedQuestion], inputs: Mapping[str, Any]
    ) -> list[tuple[dict[str, Any], int]]:
        """What is generated for each question, with the number of tokens."""
        is_drawn = self.settings.temperature > 0
        drawing = {"temperature": self.settings.temperature} if is_drawn else {}
        written = self.network.generate(
            **inputs, max_new_tokens=self.settings.max_tokens, do_sample=is_drawn, num_beams=1, **drawing
        )
        if not self.network.config.is_encoder_decoder:
            written = written[:, inputs["input_ids"].shape[1] :]
        texts = self._tokenizer.batch_decode(written, skip_special_tokens=True)
        special = torch.tensor(self._tokenizer.all_special_ids, device=written.device)
        n_written = (~torch.isin(written, special)).sum(dim=1).tolist()
        return [({"message": {"content": text}}, n) for text, n in zip(texts, n_written)]

    def _choices_by_likelihood(
        self, batch: Sequence[AskedQuestion], inputs: Mapping[str, Any]
    ) -> list[tuple[dict[str, Any], int]]:
        """The likelihood of each token with which a class begins."""
        out = self.network.generate(
            **inputs, max_new_tokens=1, do_sample=False, num_beams=1, output_logits=True, return_dict_in_generate=True
        )
        logprobs = torch.log_softmax(out.logits[0].float(), dim=-1)
        choices = []
        for one, row in zip(batch, logprobs):
            names = CHOICES[meaning_of(one.row["question"]).kind]
            tokens = [{"token": word, "logprob": float(row[n])} for n, word in self._first_words[names]]
            choices.append(({"logprobs": {"content": [{"top_logprobs": tokens}]}}, 1))
        return choices

    @cached_property
    def _first_words(self) -> dict[tuple[str, ...], list[tuple[int, str]]]:
        """The tokens with which a class can begin, and their texts, by classes."""
        texts = self._tokenizer.batch_decode([[n] for n in range(len(self._tokenizer))])
        words = [(n, str(text).strip().lower()) for n, text in enumerate(texts)]
        return {
            names: [(n, word) for n, word in words if word and any(name.startswith(word) for name in names)]
            for names in CHOICES.values()
        }


def load_local_model(folder: Path, settings: AskSettings, name: str = "", device: str = AUTO) -> LocalModel:
    """A model from a folder with `config.json`, safetensors and the files of its tokenizer.

    Args:
        folder: its folder.
        settings: how it is asked.
        name: its name in the row; by default that of the folder.
        device: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto` for a GPU if there is one.

    Raises:
        ConfigError: transformers is not installed, the device is absent, or the settings need what the model has not.
        DataError: the folder holds no such model.
    """
    check_model_folder(folder)
    if settings.constraint == "schema":
        raise ConfigError(
            "--constrain schema needs a server that keeps to a grammar, with --endpoint; a model on this machine takes --constrain "
            "likelihood"
        )
    transformers = _import_transformers()
    place = _device(device)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        config = transformers.AutoConfig.from_pretrained(folder, **LOCAL)
        reads_pictures = type(config) in transformers.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        processor, network = _load(folder, reads_pictures)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, TypeError, AttributeError) as error:
        if "trust_remote_code" in str(error):
            raise DataError(
                f"{folder} brings code of its own, which mebench does not run: serve the model elsewhere, and name its address with "
                "--endpoint"
            ) from None
        if "torchvision" in str(error).lower():
            raise DataError(
                f"the processor of {folder} needs torchvision: install the one that belongs to your PyTorch "
                f"({torch.__version__}), from the same place"
            ) from None
        raise DataError(f"{folder} cannot be loaded by transformers ({_reason(error)})") from None
    return LocalModel(
        name or name_of_folder(folder), str(folder), network.eval().to(place), processor, reads_pictures, settings
    )


def _import_transformers() -> Any:
    """The package transformers, which only local models need.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise ConfigError(
            f'models on this machine need transformers ({error}): pip install "mebench[transformers]"'
        ) from None
    return transformers


def _load(folder: Path, reads_pictures: bool) -> tuple[Any, Any]:
    """The processor and the network of a folder."""
    transformers = _import_transformers()
    if reads_pictures:
        processor = transformers.AutoProcessor.from_pretrained(folder, **LOCAL)
        kind = transformers.AutoModelForImageTextToText
    else:
        processor = transformers.AutoTokenizer.from_pretrained(folder, **LOCAL)
        kind = transformers.AutoModelForCausalLM
    tokenizer = getattr(processor, "tokenizer", processor)
    tokenizer.padding_side = "left"  # answers begin where the text ends
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return processor, kind.from_pretrained(folder, use_safetensors=True, dtype="auto", **LOCAL)


def check_model_folder(folder: Path) -> None:
    """Refuse what is no folder of a model, before anything of it is opened.

    Raises:
        DataError: it lacks a file, or its weights could run code.
    """
    if folder.is_file():
        raise DataError(
            f"{folder} is a file: a model on this machine is a folder with config.json and safetensors. A .gguf runs behind llama.cpp: "
            f"llama-server -m {folder.name}, then --endpoint http://localhost:8080/v1 --model NAME"
        )
    if not (folder / "config.json").is_file():
        raise DataError(f"{folder} is no folder of a model: it has no config.json")
    if (folder / "adapter_config.json").is_file():
        raise DataError(
            f"{folder} holds an adapter, whose other weights lie elsewhere: save the whole model, as merge_and_unload() of peft gives it"
        )
    if not any(folder.glob("*.safetensors")):
        raise DataError(
            f"{folder} has no .safetensors: weights in other files (.bin, .pt) run code when they are opened, so save them with "
            "save_pretrained of transformers first"
        )


def name_of_folder(folder: Path) -> str:
    """The name of a model by its folder.

    >>> name_of_folder(Path("models/SmolVLM-256M-Instruct"))
    'SmolVLM-256M-Instruct'
    >>> name_of_folder(Path("hub/models--HuggingFaceTB--SmolVLM-256M-Instruct/snapshots/7e3e67e"))
    'HuggingFaceTB/SmolVLM-256M-Instruct'
    """
    place = folder.absolute()
    cached = CACHE_FOLDER.fullmatch(place.parent.parent.name) if place.parent.name == "snapshots" else None
    return f"{cached[1]}/{cached[2]}" if cached else place.name


def _device(name: str) -> str:
    """The device on which a model computes.

    Raises:
        ConfigError: it is unknown or absent.
    """
    if not DEVICE.fullmatch(name):
        raise ConfigError(f"--device must be auto, cpu, cuda, cuda:N or mps, not {name!r}")
    absent = f"--device {name}: this machine has none that PyTorch can use; --device cpu works everywhere"
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    has_mps = torch.backends.mps.is_available()
    if name == AUTO and n_gpus:
        return "cuda"
    if name == AUTO:
        return "mps" if has_mps else "cpu"
    if name == "mps" and not has_mps:
        raise ConfigError(absent)
    if name.startswith("cuda") and int(name.partition(":")[2] or 0) >= n_gpus:
        raise ConfigError(absent)
    return name


def _is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory does not suffice, on a GPU or a CPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "not enough memory" in str(error)


def _reason(error: Exception) -> str:
    """An error in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
