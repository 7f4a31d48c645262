from mebench.core import Repair
from mebench.finding import Finding, sentences_of
from mebench.testing.checks import Check, CheckOutcome


def test_finding_sentence_leaves_out_empty_parts():
    assert str(Finding("error", "", "no file", "name one")) == "no file: name one"
    assert str(Finding("fine", "numpy", "2.1")) == "numpy: 2.1"
    assert str(Finding("fine", "", "all is there")) == "all is there"


def test_sentences_of_keeps_the_order_of_one_severity():
    findings = [Finding("warning", "", "b"), Finding("repair", "", "c"), Finding("warning", "x", "a")]
    assert sentences_of(findings, "warning") == ["b", "x: a"]
    assert sentences_of(findings, "error") == []


def test_Repair_finding_is_an_error_only_where_something_is_lost():
    kept, read = Repair(2, "Onset", "1", None, "odd"), Repair(None, "Apex", "0", "none", "not annotated", "s.xlsx: A")
    assert (kept.finding.severity, str(kept)) == ("warning", "row 2, Onset: '1': odd")
    assert (read.finding.severity, str(read)) == (
        "repair",
        "s.xlsx: A, all rows, Apex: '0' read as 'none': not annotated",
    )
    assert Repair(2, "Onset", "1", "none", "lost", altered=True).finding.severity == "error"


def test_check_outcome_finding_names_check_and_reason():
    check = Check("mine", "same_seed", "It is the same.", "fix it", lambda: None)
    assert CheckOutcome(check, "broken", "it differs. fix it").finding == Finding(
        "error", "mine-same_seed", "it differs. fix it"
    )
    assert CheckOutcome(check, "untold", "no data").finding.severity == "warning"
