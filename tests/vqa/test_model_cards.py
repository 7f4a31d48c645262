"""What a model's card says of its training data."""

import pytest

from mebench.errors import DataError
from mebench.vqa.model_cards import card_in_words, read_model_card, trained_on_by_card

CARD = """---
license: apache-2.0
base_model: Qwen/Qwen2.5-VL-7B-Instruct
datasets:
- someone/me_vqa_samm_casme2_smic_v2
- HuggingFaceM4/the_cauldron
---
# A model of faces

It was fine-tuned on CAS(ME)^3 and on SAMM-LV. It was not trained on 4DME.

## Training data

- MMEW, all clips
- everything but DFME is excluded

## Evaluation

We test on CASME II.
"""


@pytest.fixture
def card(tmp_path):
    def write(text):
        file = tmp_path / "README.md"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    return write


def test_read_model_card_tells_training_from_mention(card):
    read = read_model_card(card(CARD))
    assert read.datasets == ("someone/me_vqa_samm_casme2_smic_v2", "HuggingFaceM4/the_cauldron")
    assert read.bases == ("Qwen/Qwen2.5-VL-7B-Instruct",)
    assert read.saw == ("casme2", "casme3", "mmew", "samm", "samm_lv", "smic")
    about_data = [sentence for sentence in read.sentences if "4DME" in sentence or "CASME II" in sentence]
    assert about_data == [
        "It was not trained on 4DME.",
        "We test on CASME II.",
    ]


def test_trained_on_by_card_says_what_is_unknown(card):
    read = read_model_card(card(CARD)).list_facts()
    assert trained_on_by_card(read).endswith("HuggingFaceM4/the_cauldron, unknown")
    assert "leaves open what Qwen/Qwen2.5-VL-7B-Instruct saw" in card_in_words(read)
    whole = read_model_card(card("---\ndatasets: laion/laion2B-en\n---\nTrained from scratch.\n")).list_facts()
    assert trained_on_by_card(whole) == "laion/laion2B-en"
    assert card_in_words(whole) == "its card names no micro-expressions as training data and lists laion/laion2B-en"
    assert trained_on_by_card(read_model_card(card("A model. Trained on faces.")).list_facts()) == "unknown"


@pytest.mark.parametrize("text", [b"\xff\xfe", "---\ndatasets: [a\n---\nText"])
def test_read_model_card_refuses_other_files(card, text):
    with pytest.raises(DataError, match="is no model's card"):
        read_model_card(card(text))


@pytest.mark.parametrize("facts", [3, [], {"saw": 3, "datasets": [1, {}]}, {"bases": "x"}])
def test_card_in_words_reads_damaged_facts(facts):
    assert trained_on_by_card(facts) == "unknown"
    assert isinstance(card_in_words(facts), str)
