"""The log of a workspace: what went wrong where nobody was looking, with its traceback.

Standard logging, below the logger "core". At the default level none of the user's texts is logged: ids, names and counts are.
"""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler

from core.workspace import Workspace

_BYTES, _OLDER = 1_000_000, 3  # of one file, and how many before it are kept
_LINE = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"


def keep_log(workspace: Workspace, name: str) -> None:
    """Writes what core logs from now on to log/NAME.log in the workspace, and to older files beside it once that is full.

    name: of the kind of process ("app", "child"): two processes must not turn over one file. Called again it changes nothing;
    for another workspace it moves there.
    """
    file = workspace.path("log", f"{name}.log")
    if file.is_dir():
        workspace.set_aside(file, "it is a folder")
    logger = logging.getLogger("core")
    for handler in [handler for handler in logger.handlers if isinstance(handler, RotatingFileHandler)]:
        if handler.baseFilename == str(file.absolute()):
            return
        logger.removeHandler(handler)
        handler.close()
    try:
        file.open("a", encoding="utf-8").close()
    except OSError:  # what is worth a warning goes to standard error then
        return
    handler = RotatingFileHandler(file, maxBytes=_BYTES, backupCount=_OLDER, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(_LINE))
    logger.addHandler(handler)
    logger.setLevel(min(logger.level or logging.INFO, logging.INFO))


def show_log() -> None:
    """Prints what core logs to standard error as well, details included: for --verbose."""
    logger = logging.getLogger("core")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_LINE))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
