"""Evaluation results as model repositories of the Hugging Face Hub keep them."""

import json
from pathlib import Path

import pytest
import yaml

from mebench.errors import ConfigError
from mebench.intake.hub_results import eval_results, write_eval_results
from mebench.records.record import read_record
from mebench.runs import RunFolder

RECORDS = Path(__file__).parents[2] / "leaderboards/records"
SPOTTER = "auw_gcn-synthetic-kfold-seed0-e9d23601"
LEAKING = "htnet-megc2019_flow-loso-seed0-leak-last-2655d0c5"


def record_named(name):
    return read_record(RunFolder(RECORDS / name))


def test_write_eval_results_keeps_form_of_hub(tmp_path):
    """Keys as https://huggingface.co/docs/hub/eval-results lists them; the value is that of the record."""
    file = write_eval_results(record_named(SPOTTER), "our-lab/field", tmp_path, "https://example.org/field")
    assert file == tmp_path / ".eval_results" / f"{SPOTTER}.yaml"
    (entry,) = yaml.safe_load(file.read_text())
    assert entry.keys() <= {"dataset", "value", "verifyToken", "date", "source", "notes"}
    assert entry["dataset"] == {
        "id": "our-lab/field",
        "task_id": "spotting-synthetic-kfold-preset_field_protocol_folds_2-f1",
    }
    assert entry["source"]["url"] == "https://example.org/field"
    summary = json.loads((RECORDS / SPOTTER / "record.json").read_text())["summary"]
    assert entry["value"] == round(summary["spotting"]["micro"]["scores"]["f1"]["value"], 4)
    assert "95 % interval over people [" in entry["notes"]


def test_eval_results_say_that_epoch_was_chosen_on_tested_people():
    (entry,) = eval_results(record_named(LEAKING), "our-lab/megc2019")
    assert "HTNet; preset settled" in entry["notes"]
    assert "epoch chosen on the tested people" in entry["notes"]
    assert "source" not in entry


@pytest.mark.parametrize(
    ("benchmark", "source", "refusal"),
    [("field", "", "owner/name, not 'field'"), ("our-lab/field", "example.org", "begins with https://")],
)
def test_eval_results_refuse_other_forms(benchmark, source, refusal):
    with pytest.raises(ConfigError, match=refusal):
        eval_results(record_named(SPOTTER), benchmark, source)
