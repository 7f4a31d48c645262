"""Answers made from the true ones: some right, some of another question, in other letters or words, some empty."""

from mebench.vqa.wording import meaning_of


def vary_answers(rows):
    """The questions, each with its true answer, the next one of its kind, a sentence around it, or none; in turns of seven."""
    of_kind = {}
    for row in rows:
        of_kind.setdefault(meaning_of(row["question"]).kind, []).append(row["answer"])
    place = dict.fromkeys(of_kind, 0)
    varied = []
    for n, row in enumerate(rows):
        kind = meaning_of(row["question"]).kind
        place[kind] += 1
        other = of_kind[kind][place[kind] % len(of_kind[kind])]
        forms = (
            row["answer"],
            row["answer"].upper(),
            other,
            f"Perhaps {other}, not {row['answer']}.",
            "",
            f" {other} ",
            "No idea!",
        )
        varied.append({**row, "answer": forms[n % 7]})
    return varied
