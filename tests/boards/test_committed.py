"""The records of the repository are what their runs wrote, and score to what they say."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from scipy.stats import spearmanr

from mebench.boards.board_pages import MADE, board_pages, level_name
from mebench.boards.chance_rows import chance_methods
from mebench.boards.method_names import MethodNames
from mebench.boards.named_boards import board_contents, read_named_boards
from mebench.boards.power import find_detectable
from mebench.boards.takeaways import ClaimError, takeaway_of
from mebench.boards.written_tables import read_written_table
from mebench.grouping import group_by
from mebench.intake import integrity
from mebench.intake.integrity import check_record, check_scores
from mebench.metrics import epoch_choices
from mebench.records.published import read_published
from mebench.records.record import read_committed_record
from mebench.records.schema import FORMAT
from mebench.runs import RunFolder
from mebench.vqa.question_rows import build_question_tables, collect_answer_records
from mebench.vqa.question_tables import guest_table
from tests.helpers.nightly import NIGHTLY

RECORDS = sorted(Path(__file__).parents[2].glob("leaderboards/records/*/record.json"))


def test_committed_records_have_exported_hashes():
    """Each file has the hash that was taken when the record was scored again and merged."""
    for file in RECORDS:
        stored = integrity.check_hashes(RunFolder(file.parent))  # what it raises names the record
        assert set(stored["files"]) | {"record.json"} == {one.name for one in file.parent.iterdir()}, file.parent.name


SCORED = RECORDS if NIGHTLY else RECORDS[::24]
"""All of them take a minute, and each was scored when it was merged."""


@pytest.mark.parametrize("file", SCORED, ids=[file.parent.name for file in SCORED])
def test_committed_record_scores_as_stored(file):
    if json.loads(file.read_text())["format"] < FORMAT:
        pytest.skip(f"of an older format than {FORMAT}: it enters no table until its run is exported again")
    record = RunFolder(file.parent)
    check_record(record)
    check_scores(record)
    assert read_committed_record(record).find_missing_facts() == []


ROOT = Path(__file__).parents[2]
BOARDS = ROOT / "leaderboards"


def rows_of(text, heading):
    """The first table below a heading, a dictionary for each row."""
    table = text.partition(heading)[2].partition("\n|")[2].partition("\n\n")[0].splitlines()
    head, _, *rows = [[cell.strip(" `") for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in table]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_readme_agrees_with_table_of_selection():
    printed = rows_of((ROOT / "README.md").read_text(), "## What choosing on the tested person is worth")
    tables = rows_of((ROOT / "leaderboards/tables/selection.md").read_text(), "# What selection is worth")
    with_year = MethodNames.from_published(read_published(BOARDS / "published.csv")).with_year
    of_maps = [row for row in tables if row["dataset"] == "megc2019_flow"]
    there = {}
    for row in of_maps:
        id_, _, settings = row["method"].replace("\\", "").removesuffix(")").partition(" (")
        there[with_year(id_, settings)] = row
    names = printed.pop()
    assert (names["method (year)"], names["honest"]) == (
        f"*{level_name('names')}*",
        f"{uf1_of('megc2019_flow-loso', 'names'):.3f}",
    )
    assert {row["method (year)"] for row in printed} == there.keys()
    assert len(printed) == 10 + 1  # "ten networks and logistic regression"
    for row in printed:
        method = row.pop("method (year)")
        assert row == {name: there[method][name].replace("\\", "") for name in row}


def test_opening_pages_give_range_of_selection_board():
    """README, the first page of the documentation and the index of boards open with one range."""
    said = committed_takeaway(next(board for board in read_named_boards(BOARDS) if board.id == "selection"))
    over_boards = re.search(r"adds (0\.\d+ to 0\.\d+ of UF1 over \w+ boards), by person (0\.\d+ to 0\.\d+)", said)
    of_all, by_person = over_boards.groups()
    for page in ("README.md", "docs/index.md", "leaderboards/README.md"):
        words = " ".join((ROOT / page).read_text().split())
        assert f"adds {of_all}, by person {by_person}" in words, page
    selection = " ".join((ROOT / "docs/understand/selection.md").read_text().split())
    assert f"adds {by_person} of UF1, over six boards {of_all.partition(' of')[0]}" in selection


def rows_of_board(name):
    """The rows of the first part of a recognition board."""
    return json.loads((ROOT / f"leaderboards/tables/recognition-{name}.json").read_text())["parts"][0]["rows"]


def uf1_of(name, method, selection="fixed"):
    """UF1 of a method on a recognition board, as its only row of a kind of selection has it."""
    (row,) = (row for row in rows_of_board(name) if (row["method"], row["selection"]) == (method, selection))
    return row["scores"]["uf1"]["value"]


def test_readme_says_who_is_better_from_database_to_database():
    rows = {row["method"]: row for row in rows_of_board("megc2019_flow-pairs") if row["selection"] == "fixed"}
    linear, htnet = rows["logistic"], rows["htnet"]
    assert not set(linear["group"]) & set(htnet["group"])  # no letter in common: the two are told apart
    assert linear["scores"]["uf1"]["value"] > htnet["scores"]["uf1"]["value"]
    for page in ("README.md", "docs/index.md"):
        words = " ".join((ROOT / page).read_text().split())
        assert "From one database to another, logistic regression is better than HTNet (preset `settled`)." in words


def test_readme_says_how_htnet_was_trained():
    words = " ".join((ROOT / "README.md").read_text().split())
    board = "megc2019_flow-loso_named-protocol_test_smic_s03_casme2_su_5a3cd2bf"
    gain = uf1_of(board, "htnet", "test") - uf1_of(board, "htnet")
    assert f"the choice adds {gain:.3f} to the released one".replace("0.", ".") in words
    presets = yaml.safe_load((ROOT / "methods/htnet/config.yaml").read_text())["presets"]
    (row,) = (r for r in rows_of_board("megc2019_flow-loso") if (r["method"], r["selection"]) == ("htnet", "fixed"))
    assert row["settings"].startswith("preset settled")
    assert "bf16" in row["settings"]
    assert f"{presets['settled']['epochs']} epochs in shuffled batches of {presets['settled']['batch_size']}" in words


def test_readme_agrees_with_clips_sources_and_settings():
    """The figures of its text, and of the page of selection, that are no scores measured here."""
    words = " ".join((ROOT / "README.md").read_text().split())
    (clips,) = {row["n"] for row in rows_of_board("megc2019_flow-loso") if row["selection"] == "fixed"}
    assert f"composite ({clips:g} clips of" in words
    released = (ROOT / "methods/htnet/params.py").read_text()
    epochs, batch = (re.search(rf"{name}: int = (\d+)", released)[1] for name in ("epochs", "batch_size"))
    assert f"where the released program trains {epochs} in batches of {batch};" in words
    spotting = " ".join((ROOT / "docs/understand/selection.md").read_text().split())
    (printed,) = {
        row.value
        for row in read_published(BOARDS / "published.csv")
        if (row.method, row.dataset, row.kind, row.metric) == ("LGSNet", "cas_me2", "overall", "f1")
        and row.source.startswith("yu2023lgsnet ")
    }
    assert f"(published: {printed:.4f})" in spotting
    files = (BOARDS / "rescored").glob("*.json")
    sets = sum(len(json.loads(file.read_text())["sets"]) for file in files if file.stem != "lgsnet_cas_me2")
    assert f"[{sets} more sets](" in spotting


def test_numbers_page_agrees_with_factors_of_field():
    """How far F1 on `field` is from the published one of the methods that have one on SAMM Long Videos."""
    rows = rows_of((ROOT / "docs/understand/field.md").read_text(), "<!-- published -->")
    on_samm = {row["method"]: row for row in rows if "samm_lv" in row["published"]}
    factors = {method: row["factor"] for method, row in on_samm.items()}
    lowest, *others = sorted(factors.values(), key=float)
    held_out = [float(row["factor"]) for row in on_samm.values() if row["half"] == "held out"]
    within = sum(0.5 <= factor <= 2 for factor in held_out)
    words = " ".join((ROOT / "docs/understand/numbers.md").read_text().split())
    assert (len(factors), len(held_out), within) == (8, 5, 2)
    assert "of the eight methods with a published F1 there, OF-FD has" in words
    assert factors["of_fd"] == lowest
    assert f"OF-FD has {lowest} times it and the others have {others[0]} to {others[-1]} times" in words
    assert "of the five held out, two lie within a factor of two" in words


LEAST_F1 = 0.01
"""F1 below this counts as this, since the ratio of two such values says nothing."""


def short(value):
    """Two digits, as the page of `field` writes shares and factors: .36, 1.8."""
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}".lstrip("0")


def micro_f1(preset, method, metric):
    """The first row of a method on the drawn faces."""
    name = {"field": "preset_field_protocol_folds_2", "board": "preset_board_protocol_folds_10"}[preset]
    part = json.loads((BOARDS / f"tables/spotting-synthetic-kfold-{name}.json").read_text())["parts"][0]
    rows = (row for row in part["rows"] if row["method"] == method and row["provenance"] == "measured")
    return next(rows)["scores"][metric]["value"]


def published_f1(name, dataset, printed):
    """The published F1 that a cell of the page rounds."""
    values = {
        row.value
        for row in read_published(BOARDS / "published.csv")
        if (row.task, row.kind, row.metric, row.dataset) == ("spotting", "micro", "f1", dataset)
        and row.method == name
        and f"{row.value:.2f}".lstrip("0") == printed
    }
    (value,) = values
    return value


def test_field_page_agrees_with_committed_table():
    """Each value of its table, and each figure of its text."""
    text = (ROOT / "docs/understand/field.md").read_text()
    rows = rows_of(text, "<!-- published -->")
    measured, printed = {}, {}
    for row in rows:
        value, name, dataset = re.fullmatch(r"(\.\d+) \((.*), (\w+)\)", row["published"]).groups()
        measured[row["method"]] = max(micro_f1("field", row["method"], f"f1@{dataset}"), LEAST_F1)
        printed[row["method"]] = max(published_f1(name, dataset, value), LEAST_F1)
        assert row["field`, all 60 people"] == short(measured[row["method"]])
        assert row["factor"] == short(measured[row["method"]] / printed[row["method"]])
    held_out = [row["method"] for row in rows if row["half"] == "held out"]

    def spearman(methods):
        found = spearmanr([measured[method] for method in methods], [printed[method] for method in methods])
        return f"{found.statistic:.2f}".lstrip("0")

    factor = {row["method"]: row["factor"] for row in rows}
    calibrated = sorted((float(row["factor"]), row["factor"]) for row in rows if row["half"] == "calibrated on")
    words = " ".join(text.split())
    for sentence in (
        f"Spearman's correlation is {spearman(measured)} over the nine methods with a published value, "
        f"{spearman(held_out)} over the held-out five.",
        f"without OF-FD it is {spearman([method for method in measured if method != 'of_fd'])}.",
        f"lie between {calibrated[0][1]} and {calibrated[-1][1]} times their published F1, all within a factor of two",
        f"Concat-CNN has {factor['concat_cnn']} times its published F1, TSMSNet {factor['tsmsnet']}, MTSN {factor['mtsn']}, "
        f"OF-FD {factor['of_fd']}. MDMD, which needs no training, has {factor['mdmd']} times its own",
        f"its {measured['mdmd']:.3f}".replace("0.", "."),
        f"F1 below {short(LEAST_F1)} counts as {short(LEAST_F1)}",
        f"AUW-GCN has an F1 of {short(micro_f1('board', 'auw_gcn', 'f1'))} there and a published one of "
        f"{short(printed['auw_gcn'])}. On `field` it has {short(micro_f1('field', 'auw_gcn', 'f1'))}.",
    ):
        assert sentence in words, sentence
    assert calibrated[0][0] >= 0.5
    assert calibrated[-1][0] <= 2


SCORE = re.compile(r"([+-]?0?\.\d{3,4})(?:\*\*)?(?:<br>| )\[([+-]?0?\.\d{3,4}), ([+-]?[01]?\.\d{3,4})\]")
"""A score with its interval, as tables and texts print it."""


def test_scores_in_docs_are_of_committed_records():
    """Of a run, of rescored files or of their tables."""

    def noted(content):
        if {"value", "low", "high"} <= content.keys() and None not in (
            content["value"],
            content["low"],
            content["high"],
        ):
            there.add(tuple(round(content[end], 3) for end in ("value", "low", "high")))

    def printed(text):
        return {tuple(round(float(number), 3) for number in found.groups()) for found in SCORE.finditer(text)}

    there = set()
    for page in (ROOT / "leaderboards/tables").glob("*.md"):
        there |= printed(page.read_text().replace("\\", ""))
    for file in (*ROOT.glob("leaderboards/rescored/*.json"), *ROOT.glob("leaderboards/records/*/*.json")):
        json.loads(file.read_text(), object_hook=noted)
    stored = {
        (page.name, score)
        for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
        for score in printed(" ".join(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL).split()))
    }
    assert len(stored) > 12
    assert {one for one in stored if one[1] not in there} == set()


def test_selection_page_agrees_with_scores_of_lgsnet():
    """Each rule's F1, and the gain of those that look at the tested people."""
    page = (ROOT / "docs/understand/selection.md").read_text()
    printed = rows_of(page, "LGSNet's authors publish its answers after every epoch.")
    (scored,) = json.loads((ROOT / "leaderboards/rescored/lgsnet_cas_me2.json").read_text())["sets"]
    by_words = {epoch_choices.RULES[r["choice"]]: r for r in scored["results"] if r["convention"] == "lgsnet2023"}

    gains = {
        epoch_choices.RULES[pair["leaking"]]: pair["f1"]["difference"]
        for pair in scored["selection"]
        if pair["honest"] == "last"
    }
    assert [row["the rule keeps"].partition(" (")[0] for row in printed] == [
        epoch_choices.RULES[r] for r in ("person", "pooled", "others", "last")
    ]
    for row in printed:
        rule = row["the rule keeps"].partition(" (")[0]
        assert row["F1"] == f"{by_words[rule]['summary']['spotting']['overall']['scores']['f1']['value']:.3f}"
        gain = gains.get(rule)
        assert row["over the last epoch"] == (
            f"{gain['value']:+.3f} [{gain['low']:.3f}, {gain['high']:.3f}]" if gain else ""
        )
    assert by_words[epoch_choices.RULES["pooled"]]["summary"]["spotting"]["micro"]["tp"] == 0

    note = "none of the 57 micro-expressions is found by an interval of its kind; by intervals of any kind the program counts 2"
    assert note in yaml.safe_load((ROOT / "leaderboards/rescored/lgsnet_cas_me2.yaml").read_text())["notes"]
    words = " ".join(page.split())
    assert (
        "finds none of the 57 micro-expressions by an interval of their kind, and 2 by intervals of any kind" in words
    )

    lifted = f"from {printed[3]['F1']} to {printed[0]['F1']}".replace("0.", ".")
    for name in ("README.md", "docs/index.md", "docs/understand/selection.md"):
        assert f"lifts the F1 of LGSNet on CAS(ME)² {lifted}" in " ".join((ROOT / name).read_text().split())


def test_selection_gains_quote_value_of_composite():
    """Others print values of one method on each of its databases, some of them under the wrong name."""
    printed = [
        row for row in read_published(ROOT / "leaderboards/published.csv") if row.source.startswith("wang2023htnet ")
    ]
    of_all = [row for row in printed if row.dataset == "megc2019" and row.metric == "uf1" and not row.member]
    # A variant is somebody's own run of the program.
    whole = {row.method: row for row in of_all if not row.method_variant}
    names = {
        "off_apexnet": "OFF-ApexNet",
        "ststnet": "STSTNet",
        "rcn": "RCN-A",
        "dual_inception": "Dual-Inception",
        "htnet": "HTNet",
    }
    tables = rows_of((ROOT / "leaderboards/tables/selection.md").read_text(), "# What selection is worth")
    clips = [row for row in tables if row["score"] == "UF1 of clips"]
    published = {row["method"].partition(" ")[0]: row["published"] for row in clips if row["published"] != "–"}
    assert published
    assert published == {id_: f"{whole[names[id_]].value:.4f}" for id_ in published}


def test_readme_agrees_with_power_of_first_board(committed_contents):
    contents, _ = committed_contents
    (content,) = (one for one in contents if one.board.id == "megc2019")
    found = find_detectable(content)
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert (
        f"not distinguishable (a true difference shows reliably from about {found.of_all:.2f} on".replace("0.", ".")
        in text
    )


def test_readme_agrees_with_group_of_linear_layer():
    board = json.loads((ROOT / "leaderboards/tables/recognition-megc2019_flow-loso.json").read_text())
    honest = [
        row for row in board["parts"][0]["rows"] if row["selection"] != "test" and row["provenance"] == "measured"
    ]
    (linear,) = (set(row["group"]) for row in honest if row["method"] == "logistic")
    assert linear
    assert all(linear & set(row["group"]) for row in honest)


def test_dataset_cards_agree_with_names_rows():
    compared = 0
    for file in ROOT.glob("leaderboards/tables/recognition-*-loso.json"):
        table = json.loads(file.read_text())
        for row in (row for row in table["parts"][0]["rows"] if row["method"] == "names"):
            sentence = (
                f"The names of its {row['n']:g} clips alone, without any picture, score UF1 "
                f"{row['scores']['uf1']['value']:.3f} under `loso` (row *names* of the leaderboards)."
            )
            card = (ROOT / "datasets" / table["dataset"] / "README.md").read_text()
            assert sentence in " ".join(card.split())
            compared += 1
    assert compared == 4


LARGEST = 200_000
"""Bytes that a file of tables may have: GitHub shows larger pages of Markdown as text, or not at all."""


@pytest.fixture(scope="module")
def committed_contents():
    """What each named board shows of the committed tables, and the gains of the board of selection."""
    boards = read_named_boards(BOARDS)
    tables = [
        read_written_table(file)
        for file in sorted((BOARDS / "tables").glob("*.json"))
        if file.stem.partition("-")[0] not in ("selection", "questions")
    ]
    contents = board_contents(boards, tables, chance_methods())
    gains = {}
    for board in boards:
        page = BOARDS / "boards" / f"{board.id}.md"
        if board.boards:
            by_method = rows_of(page.read_text(), board.about)
            gains[board.id] = {
                column: [
                    float(found[1]) for row in by_method if (found := re.match(r"\*\*([+-]\d\.\d{3})\*\*", row[column]))
                ]
                for column in [*by_method[0]][1:]
            }
    return contents, gains


def test_named_boards_are_few_and_have_rows():
    boards = read_named_boards(BOARDS)
    assert len(boards) <= 20
    index = (BOARDS / "README.md").read_text()
    places = [index.index(f"**[{board.title}](boards/{board.id}.md)**") for board in boards]
    assert places == sorted(places)
    assert "No row yet." not in index


def test_tables_count_ranks_among_their_own_rows():
    """No range goes beyond the ranked rows of its part and member, and each holds its row's rank."""
    checked = 0
    for file in sorted((BOARDS / "tables").glob("*.json")):
        table = json.loads(file.read_text())
        parts = table.get("parts", []) if isinstance(table, dict) else []  # the files of answers hold lists
        for part in parts:
            for rows in group_by(part["rows"], key=lambda row: row["member"]).values():
                ranges = [row["ranks"] for row in rows if row["ranks"]]
                checked += len(ranges)
                for rank, (first, last) in enumerate(ranges, 1):
                    assert 1 <= first <= rank <= last <= len(ranges), file.name
    assert checked > 100


def test_named_boards_show_every_method_or_say_why(committed_contents):
    contents, _ = committed_contents
    shown = {id_ for content in contents for row in content.rows for id_ in row.method.split(" + ")}
    shown &= {folder.parent.name for folder in ROOT.glob("methods/*/config.yaml")}
    reasons = yaml.safe_load((BOARDS / "without_board.yaml").read_text())
    missing = {folder.parent.name for folder in ROOT.glob("methods/*/config.yaml")} - shown
    assert missing == reasons.keys()
    assert all(len(reason.split()) > 5 for reason in reasons.values())


def committed_takeaway(board):
    """The sentence of a committed page."""
    text = (BOARDS / "boards" / f"{board.id}.md").read_text()
    return text.partition(f"**{board.question}** ")[2].partition("\n")[0]


def test_committed_answers_make_committed_tables():
    """Records of answers give the committed tables again, and the sentence of their boards."""
    records = collect_answer_records(BOARDS / "questions", pytest.fail)
    tables = [guest_table(table) for table in build_question_tables(records)]
    assert {table.part for table in tables} == {"clips", "videos"}
    for table in tables:
        for ending, text in table.make_texts(MADE).items():
            assert (BOARDS / "tables" / f"{table.name}.{ending}").read_bytes() == text.encode(), table.name
    boards = [board for board in read_named_boards(BOARDS) if board.task == "questions"]
    pages = board_pages(boards, [], [], (), MethodNames.from_published([]), pytest.fail, tables)
    assert [page.takeaway for page in pages] == [committed_takeaway(board) for board in boards]


COMPARING = [board for board in read_named_boards(BOARDS) if board.task != "questions"]
"""The boards whose sentences compare runs."""


@pytest.mark.parametrize("board", COMPARING, ids=lambda board: board.id)
def test_committed_sentence_is_borne_by_groups(board, committed_contents):
    """Made again from the committed tables, as the page says it: no claim fails, and no number differs."""
    contents, gains = committed_contents
    (content,) = (one for one in contents if one.board == board)
    assert takeaway_of(content, contents, gains) == committed_takeaway(board)


def test_changed_group_refuses_committed_sentence(committed_contents):
    contents, gains = committed_contents
    for content in contents:
        if "{better" in content.board.takeaway:
            alike = tuple(replace(place, row=replace(place.row, group="a")) for place in content.places)
            with pytest.raises(ClaimError, match="is better than"):
                takeaway_of(replace(content, places=alike), contents, gains)


def test_committed_files_are_small():
    files = [file for file in BOARDS.rglob("*") if file.is_file() and "records" not in file.parts]
    large = {file.name: file.stat().st_size for file in files if file.stat().st_size > LARGEST}
    assert large == {}


def test_committed_board_pages_have_seven_columns():
    for page in (BOARDS / "boards").glob("*.md"):
        head = next(line for line in page.read_text().splitlines() if line.startswith("|"))
        assert head.count("|") - 1 <= 7, page.name


def test_committed_board_pages_link_to_existing_files():
    for page in (BOARDS / "README.md", *(BOARDS / "boards").glob("*.md")):
        links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text())
        assert links
        assert [link for link in links if not (page.parent / link).exists()] == [], page.name


def test_committed_gains_are_in_every_form():
    gains = json.loads((BOARDS / "tables/selection.json").read_text())
    with (BOARDS / "tables/selection.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [gain["gain"]["value"] for gain in gains] == pytest.approx([float(row["gain"]) for row in written], abs=1e-6)
    assert (BOARDS / "tables/selection.tex").read_text().count(r"\\") > len(gains)


def test_rescored_answers_stand_beside_their_own_printed_value():
    """TSMSNet's table prints .2275 of micro-expressions for both stages; only the answers of the first give it."""
    content = json.loads((ROOT / "leaderboards/tables/spotting-cas_me2-loso.json").read_text(encoding="utf-8"))
    (part,) = (part for part in content["parts"] if part["name"] == "micro")
    rows = [row for row in part["rescored"] if row["method"].startswith("TSMSNet") and row["printed"]]
    assert [row["method"] for row in rows] == ["TSMSNet (w/o STCNet)"]
    assert round(rows[0]["scores"]["f1"]["value"], 4) == float(rows[0]["printed"]["f1"])
