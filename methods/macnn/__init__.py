"""MACNN on maps of the motion between onset and apex."""
