"""Tests run without a network: only this machine can be reached. And start sooner: see the last function.

conftest.py calls `forbid` in the test process and puts this folder on PYTHONPATH, so that every child (a
notebook's kernel, a data loader's worker, a command) does the same when it starts.
"""

import ipaddress
import socket
import sys
from typing import Any

_MARK = "_course_without_network"


def forbid() -> None:
    """Let sockets connect to this machine only; everything else raises OSError at once."""
    if getattr(socket, _MARK, False):
        return
    setattr(socket, _MARK, True)
    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, _guarded_method(getattr(socket.socket, name)))
    socket.socket.sendto = _guarded_sendto(socket.socket.sendto)  # type: ignore[method-assign]
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        setattr(socket, name, _guarded_lookup(getattr(socket, name)))


def is_local(host: object) -> bool:
    """Tell whether the host name or address is this machine."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(what: object) -> None:
    raise OSError(f"tests run without network: {what!r} is not this machine")


def _check(family: int, address: Any) -> None:
    if family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
        _refuse(address)


def _guarded_method(original: Any) -> Any:
    def connect(self: socket.socket, address: Any) -> Any:
        _check(self.family, address)
        return original(self, address)

    return connect


def _guarded_sendto(original: Any) -> Any:
    def sendto(self: socket.socket, data: Any, *rest: Any) -> Any:
        _check(self.family, rest[-1])
        return original(self, data, *rest)

    return sendto


def _guarded_lookup(original: Any) -> Any:
    def lookup(host: Any, *rest: Any, **options: Any) -> Any:
        if not is_local(host):
            _refuse(host)
        return original(host, *rest, **options)

    return lookup


def leave_out_a_slow_import() -> None:
    """Let jsonschema do without its check of IRIs (RFC 3987), as it does where that library is not installed.

    It compiles its grammars in every process that imports nbformat, which takes a second or two; a notebook
    has no such field.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


if __name__ == "sitecustomize":
    forbid()
    leave_out_a_slow_import()
