#!/bin/sh
# Starts the app for `make run`, at HOST (default localhost) and PORT (default 8501). Beyond this machine it asks for a password,
# unless OPEN=1.
set -eu
cd "$(dirname "$0")/.."
host=${HOST:-localhost}
port=${PORT:-8501}

case $port in
    *[!0-9]* | '') echo "PORT=$port is not a number: name a port such as 8501." >&2; exit 2 ;;
esac
case ${OPEN:-} in
    '' | 0) ;;
    1) export LADDER_OPEN=1 ;;
    *) echo "OPEN=$OPEN says nothing: OPEN=1 lets everyone in, without it a password is asked for." >&2; exit 2 ;;
esac
set -- --server.address "$host" --server.port "$port"
case $host in
    localhost | 127.* | ::1) echo "Starting at http://$host:$port (stop with Ctrl-C)" ;;
    *)
        name=$(hostname 2>/dev/null || echo localhost)
        case $host in
            0.0.0.0 | ::)
                echo "Starting at http://localhost:$port, for others http://$name:$port (stop with Ctrl-C)"
                # Left to itself Streamlit asks an outside service for this machine's address.
                set -- "$@" --browser.serverAddress "$name" ;;
            *)
                echo "Starting at http://$host:$port (stop with Ctrl-C)"
                set -- "$@" --browser.serverAddress "$host" ;;
        esac ;;
esac
exec .venv/bin/python -m streamlit run app.py "$@"
