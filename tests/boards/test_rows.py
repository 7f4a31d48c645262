"""Words of the tables: what tells two rows of one method apart."""

from types import SimpleNamespace

import pytest

from mebench.boards.rows import settings_of_row, shared_facts
from mebench.output.number_format import format_table_number


@pytest.mark.parametrize(
    ("settings", "own"),
    [
        (["flow=dis"], [""]),
        (["flow=dis", "flow=dis; variant=peaks"], ["", "variant=peaks"]),
        (["flow=dis; variant=a", "flow=dis; variant=b", "flow=dis"], ["variant=a", "variant=b", ""]),
        (["", "p=0.3"], ["", "p=0.3"]),
    ],
)
def test_distinguishing_settings_omit_shared_ones(settings, own):
    rows = [row("strain", words) for words in settings] + [row("another", "flow=tvl1")]
    assert [settings_of_row(one, rows) for one in rows] == [*own, ""]


def row(method, settings, **more):
    return SimpleNamespace(
        **{"method": method, "settings": settings, "measured": True, "member": "", "sent_by": ""} | more
    )


@pytest.mark.parametrize("what", [{"member": "samm"}, {"measured": False}])
def test_distinguishing_settings_omit_members_and_chance(what):
    rows = [row("strain", "p=0.3", **what), row("strain", "", **what)]
    assert [settings_of_row(one, rows) for one in rows] == ["", ""]


@pytest.mark.parametrize(
    ("value", "text"), [(9.999, "9.999"), (10.0, "10.0"), (10.26, "10.3"), (-9.5, "-9.500"), (-10.5, "-10.5")]
)
def test_digits_keeps_one_from_ten_on(value, text):
    assert format_table_number(value) == text


def test_common_has_what_measured_rows_share():
    def row(measured=True, **changes):
        versions = {"torch": "2.13.0", "python": changes.pop("python", "3.11")}
        stated = {"convention": "strict", "selection": "last", "transductive": "", "remark": ""} | changes
        return SimpleNamespace(measured=measured, versions=versions, **stated)

    rows = [row(), row(selection="valid", python="3.12"), row(measured=False, convention="mean2022")]
    assert shared_facts(rows) == {"convention": "strict", "torch": "2.13.0", "remark": ""}
