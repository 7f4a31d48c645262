"""Language models of a few thousand random weights in Hugging Face's form, made without a download: they answer nonsense."""

import string

import pytest

from mebench.vqa.wording import COARSE, FINE

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ m['role'] }}: {% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}\n"
    "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)
SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}


def import_transformers():
    """The package transformers; without it the test is skipped."""
    try:
        import transformers
    except ImportError:
        pytest.skip("needs transformers: pip install 'mebench[transformers]'")
    return transformers


def make_tokenizer(transformers):
    """A tokenizer of single signs, and of whole words for classes."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    words = list(dict.fromkeys([*COARSE, *FINE, "yes", "no", "left", "right"]))
    vocabulary = ["<pad>", "<s>", "</s>", "<unk>", "<image>", *words, *string.printable.strip(), " ", "\n"]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(vocabulary)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("|".join(words) + "|."), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, additional_special_tokens=["<image>"], chat_template=TEMPLATE, **special
    )


def text_config(transformers, tokenizer, positions=2048):
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    return transformers.LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=positions, **SMALL, **ends)


def make_vision_language_model(folder, positions=2048, half=False):
    """Write a model that reads pictures of 28 pixels as four patches each; `half` in bfloat16."""
    transformers = import_transformers()
    import torch
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    tokenizer = make_tokenizer(transformers)
    torch.manual_seed(0)
    vision = transformers.CLIPVisionConfig(image_size=28, patch_size=14, projection_dim=16, **SMALL)
    config = transformers.LlavaConfig(
        vision_config=vision,
        text_config=text_config(transformers, tokenizer, positions),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=4,
    )
    network = transformers.LlavaForConditionalGeneration(config)
    (network.bfloat16() if half else network).save_pretrained(folder)
    processor = transformers.LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    processor.save_pretrained(folder)
    return folder


def make_language_model(folder):
    """Write a model that reads text alone."""
    transformers = import_transformers()
    import torch

    tokenizer = make_tokenizer(transformers)
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(text_config(transformers, tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
