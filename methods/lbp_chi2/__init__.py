"""Feature difference contrast: spotting by the difference of a frame's texture from the frames before and after it."""
