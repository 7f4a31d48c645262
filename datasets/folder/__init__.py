"""Videos without annotations."""
