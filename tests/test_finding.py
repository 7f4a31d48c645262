from mebench.finding import Finding, sentences_of


def test_finding_sentence_leaves_out_empty_parts():
    assert str(Finding("error", "", "no file", "name one")) == "no file: name one"
    assert str(Finding("fine", "numpy", "2.1")) == "numpy: 2.1"
    assert str(Finding("fine", "", "all is there")) == "all is there"


def test_sentences_of_keeps_the_order_of_one_severity():
    findings = [Finding("warning", "", "b"), Finding("repair", "", "c"), Finding("warning", "x", "a")]
    assert sentences_of(findings, "warning") == ["b", "x: a"]
    assert sentences_of(findings, "error") == []
