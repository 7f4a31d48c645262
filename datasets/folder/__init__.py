"""Videos that nobody annotated."""
