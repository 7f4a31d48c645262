"""Local binary patterns with six intersection points."""
