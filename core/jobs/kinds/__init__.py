"""We say here what each kind of job does: a file for a kind, which has its name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.errors import NotInWorkspace

if TYPE_CHECKING:
    from core.jobs.kinds.kind import JobKind

COMPARE, ASSESS, SCORE, CHECK = "compare", "assess", "score", "check"
TRAIN, VERSIONS, SCALING = "train", "versions", "scaling"


def find_kind(name: str) -> JobKind[Any]:
    """What jobs of this kind do. Only the kind's own file is imported: a comparison needs nothing that a training needs.

    Raises NotInWorkspace for a kind that this version does not know: another one may have left its job here.
    """
    unknown = NotInWorkspace(f"Jobs of the kind {name!r} are not known to this version of the product; a newer one made it.")
    if not name.isidentifier():
        raise unknown
    try:
        kind = getattr(import_module(f"{__name__}.{name}"), "KIND", None)
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise unknown from error
    if kind is None or kind.name != name:
        raise unknown
    return kind
