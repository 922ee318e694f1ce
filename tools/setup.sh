#!/bin/sh
# Makes .venv and installs what is asked for; does nothing when that is already so. Called by the Makefile.
#
#   tools/setup.sh app       requirements.txt
#   tools/setup.sh dev       requirements.txt and requirements-dev.txt
#   tools/setup.sh python    only prints the interpreter that .venv would be made with
#
# The environment variable PYTHON names the interpreter to use instead of the first that fits.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

# Prints "3.11 yes" (version, and whether it can make virtual environments), or nothing if it does not run: a
# version manager leaves commands on PATH that only print an error.
probe() {
    "$1" -c '
import sys
try:
    import ensurepip, venv
    able = "yes"
except ImportError:
    able = "no"
print("%d.%d %s" % (sys.version_info[0], sys.version_info[1], able))' 2>/dev/null || true
}

# Prints the interpreter, or says in one sentence what to do and fails.
find_python() {
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3.13 python3.12 python3.11 python3; fi
    unable='' unfit=''
    for candidate in "$@"; do
        found=$(probe "$candidate")
        version=${found% *}
        case $found in
            '') ;;
            '3.11 yes' | '3.12 yes' | '3.13 yes') printf '%s\n' "$candidate"; return 0 ;;
            '3.11 no' | '3.12 no' | '3.13 no') unable=${unable:-$version} ;;
            *) unfit=${unfit:-$version} ;;
        esac
    done
    if [ -n "$unable" ]; then
        say "Python $unable is here but cannot make virtual environments: run 'sudo apt install python$unable-venv'" \
            "(or install Python 3.11, 3.12 or 3.13 from python.org) and call make again."
    elif [ -n "$unfit" ]; then
        say "Found Python $unfit, but this needs 3.11, 3.12 or 3.13: install one of them and call make again," \
            "or name it: make setup PYTHON=/path/to/python3.12."
    elif [ -n "${PYTHON:-}" ]; then
        say "PYTHON=$PYTHON does not run: name a Python 3.11, 3.12 or 3.13, or leave PYTHON out."
    else
        say "No Python was found: install Python 3.11, 3.12 or 3.13 and call make again," \
            "or name it: make setup PYTHON=/path/to/python3.12."
    fi
    return 1
}

# True if .venv holds an interpreter that fits and a working pip (an interrupted set-up leaves neither).
venv_works() {
    [ -x .venv/bin/python ] || return 1
    case $(probe .venv/bin/python) in
        '3.11 '* | '3.12 '* | '3.13 '*) .venv/bin/python -m pip --version >/dev/null 2>&1 ;;
        *) return 1 ;;
    esac
}

# True if the record of the last complete installation says the same as the files do now.
installed() {
    [ -x .venv/bin/python ] || return 1
    cat "$@" | cmp -s - "$record"
}

case ${1:-} in
    app) record=.venv/installed-app.txt; set -- requirements.txt ;;
    dev) record=.venv/installed-dev.txt; set -- requirements.txt requirements-dev.txt ;;
    python) find_python; exit ;;
    *) say "usage: tools/setup.sh app|dev|python"; exit 2 ;;
esac

if installed "$@"; then
    # The record stays when the interpreter behind the environment was removed or upgraded away.
    .venv/bin/python -c '' 2>/dev/null && exit 0
fi
if ! venv_works; then
    python=$(find_python)
    say "Making .venv with $python ($("$python" -c 'import platform; print(platform.python_version())'))."
    "$python" -m venv --clear .venv
elif [ -n "${PYTHON:-}" ]; then
    say ".venv is there already and is kept; to make it anew with $PYTHON, remove the folder .venv first."
fi
exec .venv/bin/python tools/install.py "$record" "$@"
