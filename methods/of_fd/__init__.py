"""OF-FD: how regions of the face move against the first frame of a stretch, and where that rises and falls (He 2021)."""
