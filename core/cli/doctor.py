"""python -m core doctor: what a workspace holds, what is wrong with it, and mending that."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.lookup import open_workspace
from core.cli.terminal import JSON_HELP, WORKSPACE_HELP, align, check_target, print_words, write_result
from core.text.phrases import count_of


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    parser.add_argument(
        "--mend",
        action="store_true",
        help="set aside what is damaged; remove what was left behind, and what was set aside before",
    )
    parser.add_argument(
        "--remove-unused", action="store_true", help="remove what was made for data and models that nothing refers to any more"
    )
    parser.add_argument("--workspace", type=Path, metavar="DIR", help=WORKSPACE_HELP)
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE", help=JSON_HELP)
    parser.set_defaults(run=run_doctor)


def run_doctor(options: argparse.Namespace) -> int:
    """doctor: 0 if the workspace is healthy, or was mended; 1 if something was found, or is left to be done by hand. What is
    not used is no fault."""
    from core.doctor.examine import examine, mend

    check_target("--json", options.json)
    workspace = open_workspace(options.workspace)
    found = examine(workspace)
    chosen = (found.troubles if options.mend else ()) + (found.unused if options.remove_unused else ())
    done = mend(chosen, workspace) if chosen else []
    rows = [[kind, f"{size:,}"] for kind, size in found.sizes.items()]
    lines = [f"Workspace {workspace.folder}", "", *(align([["", "bytes"], *rows], left=1) if rows else ["It is empty."]), ""]
    for kind in dict.fromkeys(finding.kind for finding in found.findings):
        lines += [f"{kind}:", *(f"  - {finding.sentence}" for finding in found.findings if finding.kind == kind), ""]
    lines += [f"note: {note}" for note in found.notes]
    if done:
        lines += ["done:", *(f"  - {sentence}" for sentence in done)]
    if found.troubles and not options.mend:
        lines += [f"{count_of(len(found.troubles), 'finding')}. `python -m core doctor --mend` mends what can be mended."]
    if found.unused and not options.remove_unused:
        freed = sum(finding.bytes for finding in found.unused)
        lines += [
            f"{freed:,} bytes serve nothing that is here. `python -m core doctor --remove-unused` removes them; making them "
            "again may take long."
        ]
    if found.is_healthy:
        lines += ["Nothing is wrong with it."]
    print_words("\n".join(lines), options.json)
    if options.json:
        write_result({**found.to_json(), "mended": done}, options.json)
    return 0 if found.is_healthy or (options.mend and len(done) >= len(chosen)) else 1


OPTIONS = {"doctor": add_options}
