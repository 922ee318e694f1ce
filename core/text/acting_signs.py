"""Signs of a text that act instead of being shown: they control a screen, or turn what is written after them around."""

from __future__ import annotations

import re

# Control characters but white space, and what overrides or embeds a direction of writing: somebody's name that leaves one open
# would turn the numbers of the sentence that names it.
_ACTING = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")


def spell_acting(text: str, signs: re.Pattern[str] = _ACTING) -> str:
    """The text with the number of each such sign in its place, as programs write it, which can be seen and does nothing.

    signs: for another screen, on which others act.
    """
    return signs.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
