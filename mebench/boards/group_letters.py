"""The letters of significance groups: rows that share a letter are not distinguishable."""

import re


def name_groups(n_groups: int) -> list[str]:
    """A letter for each group, from `a` on; after `z` comes `a1`.

    >>> name_groups(3), name_groups(28)[26:]
    (['a', 'b', 'c'], ['a1', 'b1'])
    """
    return [f"{chr(ord('a') + n % 26)}{n // 26 or ''}" for n in range(n_groups)]


def split_letters(group: str) -> list[str]:
    """The letters that a row shows together.

    >>> split_letters("aba1")
    ['a', 'b', 'a1']
    """
    return re.findall(r"[a-z]\d*", group)
