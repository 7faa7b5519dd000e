"""The tests' own guard: neither this process nor a child, nor a kernel, reaches another machine."""

import socket
import subprocess
import sys
import threading

import nbformat
import pytest
from nbclient import NotebookClient

TRY = """
import socket, urllib.request
for attempt in (
    lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
    lambda: socket.getaddrinfo("example.org", 443),
    lambda: urllib.request.urlopen("https://example.org", timeout=1),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
):
    try:
        attempt()
        print("reached")
    except OSError as error:
        print("tests run without network" in str(error))
"""


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80, 0, 0)])
def test_this_process_cannot_connect(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    for name in ("connect", "connect_ex"):
        with (
            socket.socket(family) as client,
            pytest.raises(OSError, match=r"tests run without network: \('"),
        ):
            getattr(client, name)(address)


@pytest.mark.parametrize("lookup", ["gethostbyname", "gethostbyname_ex"])
def test_this_process_looks_up_no_name(lookup):
    with pytest.raises(OSError, match=r"tests run without network: 'example\.org'"):
        getattr(socket, lookup)("example.org")


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].sendall(b"hello"))
        thread.start()
        with socket.create_connection(("localhost", server.getsockname()[1]), timeout=10) as client:
            assert client.recv(5) == b"hello"
        thread.join()


def test_a_child_process_cannot_connect():
    done = subprocess.run([sys.executable, "-c", TRY], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 4


def test_a_kernel_cannot_connect():
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(TRY)])
    NotebookClient(nb, kernel_name="python3").execute()
    assert nb.cells[0].outputs[0].text.split() == ["True"] * 4
