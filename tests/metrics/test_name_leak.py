"""What names give away is found where they say something, and is the commonest class where they do not."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from mebench.datasets.megc2019_flow import dataset as megc2019_flow

from mebench.metrics import Tables, name_leak
from tests.helpers.outside import flow_maps

CLASSES = ("negative", "positive", "surprise")


def tables(rows):
    """Clips as (dataset, person, name, class)."""
    keys = [f"{dataset}/{person}/{name}" for dataset, person, name, _ in rows]
    videos = pd.DataFrame(
        {"video": keys, "subject": [f"{row[0]}/{row[1]}" for row in rows], "dataset": [row[0] for row in rows]}
    )
    truth = [row[3] for row in rows]
    clips = pd.DataFrame({"video": keys, "onset": 0, "offset": 50, "truth": truth, "predicted": truth})
    none = pd.DataFrame(columns=["video", "kind", "onset", "apex", "offset", "emotion"])
    return Tables(videos.assign(n_frames=100, fps=100.0, first=1), none, clips=clips)


def others(table):
    """Who trains where each person is tested once."""
    people = sorted(set(table.videos["subject"]))
    return {person: [other for other in people if other != person] for person in people}


def answers(rows):
    table = tables(rows)
    return name_leak.answers_by_name(table, others(table), CLASSES)


def test_name_leak_code_that_is_the_class_answers_all():
    code = {"negative": "ne", "positive": "po", "surprise": "sur"}
    table = tables(
        [
            ("smic", f"s{p}", f"s{p}_{code[name]}_{p + n:02}", name)
            for p in range(4)
            for n, name in enumerate([CLASSES[p % 3]] * (p + 1) + list(CLASSES))
        ]
    )
    scores = name_leak.names_chance(table, others(table), CLASSES)

    assert scores["recognition"]["scores"]["uf1"]["value"] == 1
    assert scores["reads"] == {"recognition": {"smic": {"code 3": 4}}}


def test_answers_by_name_reads_order_of_filming():
    names = iter("abcdefghijkl")
    found, reads = answers([("lab", f"p{p}", next(names), name) for p in range(4) for name in CLASSES])
    assert found.tolist() == list(CLASSES) * 4
    assert reads == {"lab": {"the rank among the person's clips": 4}}


def test_answers_by_name_else_gives_the_commonest_class():
    found, reads = answers([("lab", f"p{p}", name, "positive" if p else "surprise") for p, name in enumerate("abcde")])
    assert set(found) == {"positive"}
    assert reads == {"lab": {"nothing": 5}}


def test_answers_by_name_of_untrained_dataset_is_commonest_class():
    table = tables([("lab", f"p{p}", "a", "surprise") for p in range(3)] + [("other", "q", "a", "positive")])
    found, _ = name_leak.answers_by_name(table, others(table), CLASSES)
    assert found.tolist() == ["surprise"] * 4


ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from(CLASSES)), min_size=8, max_size=16)


def rows_of(drawn):
    return [("lab", f"p{p}", f"{chr(97 + n)}{code}", name) for n, (p, code, name) in enumerate(drawn)]


@given(ROWS, st.permutations(CLASSES))
def test_answers_by_name_ignores_labels_of_the_tested_person(drawn, other):
    rows = rows_of(drawn)
    bent = [(d, p, n, other[CLASSES.index(name)] if p == "p0" else name) for d, p, n, name in rows]
    own = [k for k, row in enumerate(rows) if row[1] == "p0"]
    assert answers(rows)[0][own].tolist() == answers(bent)[0][own].tolist()


def test_answers_by_name_equals_counts_by_hand():
    """The code that p0's clip bears stands at three surprises and a positive of the others."""
    rows = [("lab", "p0", "a7", "negative"), *[("lab", f"p{p}", f"{c}{code}", name) for p, c, code, name in (
        (1, "b", 7, "surprise"), (2, "c", 7, "surprise"), (3, "d", 7, "positive"), (4, "e", 8, "positive"), (5, "f", 8, "positive"),
        (6, "g", 8, "positive"), (7, "h", 7, "surprise"),
    )]]  # fmt: skip
    assert answers(rows)[0][0] == "surprise"
    assert Counter(row[3] for row in rows[1:]).most_common(1)[0][0] == "positive"


def test_names_chance_on_megc2019_equals_networks():
    """A rule made by hand (SMIC's code, the commonest class elsewhere) has UF1 .7187; what is found on the training people reads that."""
    dataset = megc2019_flow.Megc2019Flow(megc2019_flow.Megc2019Flow.Params(root=str(flow_maps())))
    scheme = next(iter(dataset.schemes.values()))
    clips = [
        (v.dataset, str(v.subject_key).partition("/")[2], v.key.rpartition("/")[2], scheme.class_of(e))
        for v in dataset.videos()
        for e in scheme.scored(v)
    ]
    table = tables(clips)
    scores = name_leak.names_chance(table, others(table), scheme.classes)

    assert scores["recognition"]["scores"]["uf1"]["value"] == pytest.approx(0.7103, abs=5e-5)
    assert list(scores["reads"]["recognition"]["smic"].values()) == [16]


FILMS = {"disgust": [(20, 34), (60, 74)], "joke": [(80, 94)], "nothing": []}
"""What is watched, and where whoever watches it expresses."""


def watching(people, shift=0, films=tuple(FILMS), emotions=None):
    """Videos named after their films, which each person sees in another order; people express at the same places of a film, but for
    `shift` frames a person.
    """
    videos, truths = [], []
    for p in range(people):
        for n, film in enumerate(films):
            videos.append((f"lab/p{p}/{(n + p) % len(films)}_{film}", f"lab/p{p}", "lab", 100, 30.0))
            truths += [
                (videos[-1][0], "micro", a + p * shift, np.nan, b + p * shift, (emotions or {}).get(film))
                for a, b in FILMS[film]
            ]
    return Tables(
        pd.DataFrame(videos, columns=["video", "subject", "dataset", "n_frames", "fps"]),
        pd.DataFrame(truths, columns=["video", "kind", "onset", "apex", "offset", "emotion"]),
        pd.DataFrame(columns=["video", "kind", "onset", "apex", "offset", "confidence", "emotion", "draw"]),
    )


def spotted(table, kinds=("micro",)):
    return name_leak.intervals_by_name(table, others(table), CLASSES, kinds)


def test_names_chance_spots_by_the_film_in_a_name():
    table = watching(6, emotions={"disgust": "negative", "joke": "positive", "nothing": None})
    scores = name_leak.names_chance(table, others(table), CLASSES, ["micro"])
    assert scores["reads"] == {"spotting": {"lab": {"code 2": 6}}}
    assert scores["spotting"]["micro"]["scores"]["f1"]["value"] == 1
    assert scores["analysis"]["strs"]["value"] == 1  # the film says the class, too


def test_name_leak_spots_common_place_if_names_say_nothing():
    """Then the same place in all videos is spotted, and nothing where no two people express at one place."""
    alike, reads = spotted(watching(6, films=["joke"]))
    assert reads == {"lab": {"nothing": 6}}
    assert (alike["onset"].tolist(), set(alike["confidence"])) == ([80] * 6, {1.0})
    apart, _ = spotted(watching(4, shift=-20, films=["joke"]))
    assert apart.empty


def test_name_leak_spots_nothing_beyond_a_video():
    table = watching(6, films=["joke"])
    short = table.videos.assign(n_frames=[90, *[100] * 5])
    found, _ = spotted(Tables(short, table.truths, table.predictions))
    assert found["video"].nunique() == 5
    assert "lab/p0/0_joke" not in set(found["video"])


PLACES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 80)), min_size=6, max_size=16)


@given(PLACES, st.integers(0, 80))
def test_name_leak_spots_without_the_tested_person(drawn, other):
    def table(place_of):
        keys = [(f"lab/p{p}/{film}", f"lab/p{p}", "lab", 100, 30.0) for p in range(4) for film in range(3)]
        rows = [(f"lab/p{p}/{film}", "micro", at, np.nan, at + 14, None) for p, film, at in map(place_of, drawn)]
        return Tables(
            pd.DataFrame(keys, columns=["video", "subject", "dataset", "n_frames", "fps"]),
            pd.DataFrame(rows, columns=["video", "kind", "onset", "apex", "offset", "emotion"]),
        )

    (before, _), (after, _) = (
        spotted(table(place_of)) for place_of in (lambda row: row, lambda row: row if row[0] else (0, row[1], other))
    )
    own = [found[found["video"].str.startswith("lab/p0/")].values.tolist() for found in (before, after)]
    assert repr(own[0]) == repr(own[1])


def hits(spotted, truths):
    """Whether an interval hits one of some others: an IoU of at least a half."""
    onset, offset = spotted
    for begin, end in truths:
        common = min(offset, end) - max(onset, begin) + 1
        if 3 * common >= (offset - onset + 1) + (end - begin + 1):  # 2 * common >= the union
            return True
    return False


def shares_by_hand(truths):
    """The disjoint intervals of some people's videos: (onset, offset, share of the others' videos that each hits)."""
    candidates = []
    for person, places in truths.items():
        others = [person_places for other, person_places in truths.items() if other != person]
        n_others = max(len(others), 1)
        candidates += [(*place, sum(hits(place, other) for other in others) / n_others) for place in places]
    chosen = []
    while candidates and (best := max(candidates, key=lambda row: row[2]))[2] > 0:
        chosen.append(best)
        candidates = [row for row in candidates if row[0] > best[1] or row[1] < best[0]]
    return chosen


def spotted_by_hand(truths):
    """What some people's videos say: with the best F1 when a fifth of them is left out in turn."""
    tries = []
    for part in range(name_leak.N_PARTS):
        left_out = [person for person in truths if person % name_leak.N_PARTS == part]
        learnt = {person: places for person, places in truths.items() if person not in left_out}
        for onset, offset, share in shares_by_hand(learnt):
            tries += [(share, hits((onset, offset), truths[person])) for person in left_out]
    f1_of = {}
    for least in {share for share, _ in tries}:
        right = [hit for share, hit in tries if share >= least]
        f1_of[least] = 2 * sum(right) / (len(right) + sum(map(len, truths.values())))
    least = max(f1_of, key=lambda share: (f1_of[share], share), default=np.inf)
    return [row for row in shares_by_hand(truths) if row[2] >= least]


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([10, 14, 17, 30, 36, 60])), min_size=4, max_size=12))
def test_intervals_by_name_equal_counts_by_hand(drawn):
    """Where all names are equal."""
    truths = {person: [(at, at + 14) for other, at in drawn if other == person] for person in range(6)}
    keys = [(f"lab/{person}/v", f"lab/{person}", "lab", 100, 30.0) for person in truths]
    rows = [(f"lab/{person}/v", "micro", a, np.nan, b, None) for person in truths for a, b in truths[person]]
    table = Tables(
        pd.DataFrame(keys, columns=["video", "subject", "dataset", "n_frames", "fps"]),
        pd.DataFrame(rows, columns=["video", "kind", "onset", "apex", "offset", "emotion"]),
    )
    found, _ = spotted(table)
    for person in truths:
        cells = found.loc[found["video"] == f"lab/{person}/v", ["onset", "offset", "confidence"]]
        others = {other: places for other, places in truths.items() if other != person}
        assert list(cells.itertuples(index=False, name=None)) == spotted_by_hand(others)
