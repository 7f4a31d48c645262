"""A scheme of one action unit: shown or absent, whatever the side, the intensity and the emotion."""

import pytest

from mebench.annotations import schemes
from mebench.core import Expression, Video
from mebench.errors import ConfigError


def video(dataset, *cells, kind="micro"):
    expressions = tuple(Expression(20 * i, 20 * i + 9, kind, action_units=units) for i, units in enumerate(cells))
    return Video(dataset, "01", "v", 30.0, 200, expressions)


def test_one_unit_ignores_sides_intensities_and_doubts():
    clips = video("samm", ("L12A",), ("6", "12(B/C)"), ("12?", "4"), ("4", "L7B"), ())
    scheme = schemes.one_unit(12, [clips])
    assert (scheme.name, scheme.classes) == ("AU12", ("absent", "AU12"))
    assert [scheme.class_of(e) for e in clips.expressions] == ["AU12", "AU12", "AU12", "absent", None]
    assert scheme.native_label(clips.expressions[1]) == "6+12(b/c)"


def test_one_unit_leaves_out_text_without_units():
    clips = video("samm", ("4",), ("neutral",))
    assert [schemes.one_unit(4, [clips]).class_of(e) for e in clips.expressions] == ["AU4", None]


def test_one_unit_beside_unread_text_is_never_absent():
    clips = video("samm", ("4", "talking"), ("12", "talking"), ("4", "SOFT FOCUS"), ("L12 or L14",), ("ref(24)", "4"))
    shown = {
        number: [schemes.one_unit(number, [clips]).class_of(e) for e in clips.expressions] for number in (12, 14, 24)
    }
    assert shown[12] == [None, "AU12", None, "AU12", "absent"]
    assert shown[14] == [None, None, None, "AU14", "absent"]
    assert shown[24][-1] == "AU24"
    assert schemes.one_unit(12, [clips]).left_out(clips.expressions) == {"4+talking": 1, "4+soft focus": 1}


def test_one_unit_takes_several_datasets():
    scheme = schemes.one_unit(4, [video("casme2", ("4", "7")), video("samm", ("12",))])
    assert scheme.mapping == {"4+7": "AU4", "12": "absent"}


@pytest.mark.parametrize(
    ("number", "videos", "reason"),
    [
        (4, [video("casme2", ("4",)), video("smic_hs", ())], "needs action units, and smic_hs annotates none"),
        (4, [video("cas_me2", ("4",), kind="macro")], "cas_me2 annotates none for its micro-expressions"),
        (9, [video("samm", ("4", "R7"), ("4",))], r"no micro-expression shows AU9: choose .* AU4 \(2\), AU7 \(1\)"),
    ],
)
def test_one_unit_refuses_units_nobody_annotates(number, videos, reason):
    with pytest.raises(ConfigError, match=reason):
        schemes.one_unit(number, videos)


@pytest.mark.parametrize("name", ["AU", "AU4+7", "unit 4", "xAU4", "4"])
def test_unit_number_declines_other_names(name):
    assert schemes.unit_number(name) is None
