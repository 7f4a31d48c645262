"""Frames are drawn anew, for that is what these tests are about."""

import pytest


@pytest.fixture(autouse=True)
def _drawn(each_frame_drawn: None) -> None:
    """Whenever they are asked for."""
