"""Feature difference contrast: spotting by what a frame's texture has that the frames before and after it lack."""
