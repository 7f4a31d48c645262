"""Recognition by the most frequent class."""
