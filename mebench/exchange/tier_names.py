"""What the name of a tier says of its marks."""

from mebench.annotations.names import kind_of

EMOTION = "emotion"
"""The tier with the emotions of the marks on the tiers of kinds."""


def what_tier_holds(name: str) -> str | None:
    """`micro`, `macro` or `emotion` from the name of a tier; None for another tier. `@...` and numbers at the end are ignored.

    >>> [what_tier_holds(name) for name in ("micro", "MaE@anna", "micro 2", "Emotion", "gaze")]
    ['micro', 'macro', 'micro', 'emotion', None]
    """
    plain = name.partition("@")[0].strip(" 0123456789_-").casefold()
    return EMOTION if plain.startswith("emotion") else kind_of(plain)
