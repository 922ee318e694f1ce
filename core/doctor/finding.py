"""A finding: something in a workspace that is damaged, left behind or of no use, and what mending does about it."""

from __future__ import annotations

from dataclasses import dataclass

DAMAGED, LEFTOVER, ASIDE, UNUSED = KINDS = ("damaged", "left behind", "set aside", "not used")
REMOVE, SET_ASIDE, DROP_ROWS, END_JOB, BY_HAND, REMOVE_MADE_BY, REMOVE_MADE_FOR = ACTS = (
    *("remove", "set aside", "drop rows", "end job", "by hand"),
    *("remove made by", "remove made for"),  # a model, a corpus
)
# What mending does, as the end of a sentence about the file.
ACT_WORDS = {
    REMOVE: "removed",
    SET_ASIDE: "set aside in the folder damaged/",
    DROP_ROWS: "rid of the damaged rows",
    END_JOB: "marked as interrupted",
    BY_HAND: "left alone",
    REMOVE_MADE_BY: "removed",
    REMOVE_MADE_FOR: "removed with all that is made for this corpus alone",
}


@dataclass(frozen=True, order=True)
class Finding:
    """kind: of KINDS. path: below the workspace, with "/". bytes: that mending sets free. what: is wrong with it. act: of ACTS,
    what mending does. cure: what happens then, or what a person can do; "" where nothing is left to do."""

    kind: str
    path: str
    bytes: int
    what: str
    act: str
    cure: str = ""

    @property
    def sentence(self) -> str:
        """ "jobs/x.alive: a lock that no process holds" """
        return f"{self.path}: {self.what}" + (f"; {self.cure}" if self.cure else "")
