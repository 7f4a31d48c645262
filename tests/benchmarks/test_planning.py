"""The page of what many people cost says what its record holds."""

import json

import planning


def test_planning_page_holds_the_tables_of_its_record():
    record = json.loads(planning.RECORD.read_text("utf-8"))
    page = planning.PAGE.read_text("utf-8")
    assert planning.with_tables(page, record) == page
    changed = [{**row, "seconds": row["seconds"] + 100} for row in record["commands"]]
    assert planning.with_tables(page, {**record, "commands": changed}) != page


def test_planning_record_is_below_its_aims():
    """Messages that do not grow with people, and growth below five times for four times the people."""
    record = json.loads(planning.RECORD.read_text("utf-8"))
    assert all(row["message_bytes"] < 10_000 and row["plan_s"] < 5 for row in record["plan"])
    seconds = {(row["command"], row["people"]): row["seconds"] for row in record["commands"]}
    assert all(seconds[command, 1000] < 5 * seconds[command, 250] for command, _ in seconds)
