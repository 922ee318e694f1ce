"""Refuses every connection to another machine, and remembers who tried.

Works through an audit hook, which also sees connections that libraries make through the C socket module and cannot be
removed again. (A name handed to a bare socket is looked up before the hook is asked; the connection is still refused.)
Standard library only: sitecustomize.py loads it into child processes before anything else.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
import traceback

CONNECTING = {"socket.connect", "socket.sendto", "socket.sendmsg"}  # (socket, address)
RESOLVING = {"socket.getaddrinfo", "socket.gethostbyname"}  # (host, ...)
MARK = "OUTSIDE NETWORK"  # begins every refusal, so that it can be found in a log

_attempts: list[str] = []
_own_names = {"", "localhost", "localhost.localdomain", "ip6-localhost", socket.gethostname().lower()}
_installed = False


class OutsideNetworkRefused(ConnectionError):
    """Something tried to reach another machine. A ConnectionError: what handles "no network" must handle this."""


def is_local(host: object, *, resolving: bool = False) -> bool:
    """True for this machine. When resolving, any numeric address passes: it asks nobody."""
    if isinstance(host, bytes):
        host = host.decode("ascii", errors="replace")
    if not isinstance(host, str):  # None, or the numbers of a kernel socket
        return True
    name = host.lower().rstrip(".").split("%")[0]
    if name in _own_names:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return resolving or address.is_loopback or address.is_unspecified


def take_attempts() -> list[str]:
    """The attempts since the last call, each with the place in the code it came from."""
    taken = _attempts[:]
    _attempts.clear()
    return taken


def install(*, log: bool = False) -> None:
    """Refuses from now on, in this process. With `log`, also writes each refusal to standard error."""
    global _installed
    if _installed:
        return
    _installed = True

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event in CONNECTING:
            address = arguments[1]
            # Addresses of local sockets are paths, those of the network are tuples that begin with the host.
            host = address[0] if isinstance(address, tuple) and address else None
            if is_local(host):
                return
        elif event in RESOLVING:
            host = arguments[0]
            if is_local(host, resolving=True):
                return
        else:
            return
        message = f"{MARK}: {event} to {host!r} was refused. Tests and the app under test must not leave this machine."
        place = "".join(traceback.format_stack(limit=7)[:-1])
        _attempts.append(f"{message}\n{place}")
        if log:
            sys.stderr.write(f"{message}\n{place}\n")
            sys.stderr.flush()
        raise OutsideNetworkRefused(message)

    sys.addaudithook(refuse)
