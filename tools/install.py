"""Runs pip for tools/setup.sh: a line for each package that was asked for, the rest into a log file.

    .venv/bin/python tools/install.py RECORD REQUIREMENTS...

RECORD gets the text of the requirements files once all of them are installed, and not before, so that a failed or
interrupted installation is taken up again by the next call. Standard library only: nothing else is installed yet.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

LARGE_MB = 20  # downloads from this size on are announced: they are what one waits for
LOG_LINES_SHOWN = 15


def describe_line(line: str) -> str | None:
    """What to show for a line of pip's output, None for nothing.

    >>> describe_line("Collecting numpy==2.4.6 (from -r requirements.txt (line 10))")
    '  numpy==2.4.6'
    >>> describe_line("  Downloading torch-2.13.0-cp311-cp311-linux_x86_64.whl (883.4 MB)")
    '    downloading torch (883.4 MB)'
    >>> describe_line("Installing collected packages: a, b, c")
    '  installing 3 packages, this takes a minute or two'
    """
    if found := re.match(r"Collecting (\S+) \(from -r [^)]*requirements", line):
        return f"  {found[1]}"
    if found := re.match(r"\s+Downloading (\S+?)-\d\S* \(([\d.]+) (MB|GB)\)", line):
        large = found[3] == "GB" or float(found[2]) >= LARGE_MB
        return f"    downloading {Path(found[1]).name} ({found[2]} {found[3]})" if large else None
    if line.startswith("Installing collected packages:"):
        return f"  installing {line.count(',') + 1} packages, this takes a minute or two"
    return None


def run_pip(requirements: list[str], log: Path) -> int:
    """Installs the files together, so that they are resolved together; returns pip's exit status."""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    for file in requirements:
        command += ["-r", file]
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
        ) as pip,
    ):
        for line in pip.stdout or ():
            out.write(line)
            if shown := describe_line(line):
                print(shown, flush=True)
    return pip.returncode


def main(record: Path, requirements: list[str]) -> int:
    """Installs, then writes the record. Returns the exit status."""
    wanted = "".join(Path(file).read_text(encoding="utf-8") for file in requirements)
    log = record.parent / "install.log"
    print(f"Installing {' and '.join(requirements)} into {record.parent} (everything pip says: {log}).", flush=True)
    if platform.system() == "Linux" and not shutil.which("nvidia-smi"):
        print("  No NVIDIA card was found: README.md says how to get torch's CPU build (0.6 GB instead of 3).")
    started = time.perf_counter()
    status = run_pip(requirements, log)
    if status:
        tail = log.read_text(encoding="utf-8").splitlines()[-LOG_LINES_SHOWN:]
        print("\n".join(tail), file=sys.stderr)
        print(f"The installation failed; the lines above are the end of {log}. Call again to go on.", file=sys.stderr)
        return status
    record.write_text(wanted, encoding="utf-8")
    print(f"Installed in {time.perf_counter() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
