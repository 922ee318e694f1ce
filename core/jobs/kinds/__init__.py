"""We say here what each kind of job does: a file for a kind, and the table of them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.errors import NotInWorkspace

if TYPE_CHECKING:
    from core.jobs.kinds.kind import JobKind

# As they stand in a job's file, where a version was once called a deployment.
COMPARE, ASSESS, SCORE, CHECK, TRAIN, VERSIONS, SCALE = "compare", "assess", "score", "check", "train", "deploy", "scale"
_FILES = {
    COMPARE: "compare",
    ASSESS: "assess",
    SCORE: "own_systems",
    CHECK: "own_systems",
    TRAIN: "train",
    VERSIONS: "versions",
    SCALE: "scaling",
}


def find_kind(name: str) -> JobKind[Any]:
    """What jobs of this kind do. Only the kind's own file is imported: a comparison needs nothing that a training needs.

    Raises NotInWorkspace for a kind that this version does not know: another one may have left its job here.
    """
    if name not in _FILES:
        raise NotInWorkspace(f"Jobs of the kind {name!r} are not known to this version of the product; a newer one made it.")
    module = import_module(f"{__name__}.{_FILES[name]}")
    return next(kind for kind in module.KINDS if kind.name == name)
