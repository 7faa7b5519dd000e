"""Downloads on the loopback address: only the right bytes, over an allowed address, are kept (F31)."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from course_utils.data.downloads import download

CONTENT = bytes(range(256)) * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _, rest = self.path.partition("?")
        if path == "/redirect":
            self.send_response(302)
            self.send_header("Location", rest)
            self.end_headers()
            return
        if path == "/missing":
            self.send_error(404)
            return
        body = {"/cut": CONTENT[:1000], "/long": CONTENT + b"x", "/other": CONTENT[::-1]}.get(path, CONTENT)
        self.send_response(200)
        # "/cut" and "/broken" promise everything; the first keeps quiet about its length.
        if path != "/cut":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if path == "/broken" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def fetch(url: str, target: Path, **changes: object) -> Path:
    options = {"sha256": DIGEST, "size": len(CONTENT), "allow_loopback_http": True} | changes
    return download(url, target=target, **options)


def test_F31_the_right_file_arrives(server: str, tmp_path: Path) -> None:
    path = fetch(f"{server}/good", tmp_path / "new folder" / "file.gz")
    assert path.read_bytes() == CONTENT
    assert [item.name for item in path.parent.iterdir()] == ["file.gz"]


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("cut", ValueError, "was cut off: 1,000 of 256,000 bytes"),
        ("broken", (ValueError, RuntimeError), "cut off|IncompleteRead"),
        ("long", ValueError, "more than the expected 256,000 bytes"),
        ("other", ValueError, f"has the SHA-256 .*, expected {DIGEST}"),
        ("missing", RuntimeError, "cannot be fetched.*404.*by hand"),
        ("redirect?http://127.0.0.1/good", ValueError, "http://127.0.0.1/good: only https"),
        ("redirect?http://example.org/good", ValueError, "http://example.org/good: only https"),
        ("redirect?file:///etc/passwd", (ValueError, RuntimeError), "https|not allowed"),
    ],
)
def test_F31_anything_else_is_refused_and_nothing_is_left(
    server: str, tmp_path: Path, path: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        fetch(f"{server}/{path}", tmp_path / "file")
    assert server.split("//")[1] in str(caught.value) or "only https" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_F31_an_existing_file_stays_when_the_download_fails(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(ValueError, match="SHA-256"):
        fetch(f"{server}/other", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "ftp://example.org/x", "file:///etc/passwd", "https:///x", "x"]
)
def test_F31_only_https_is_asked(tmp_path: Path, url: str) -> None:
    for options in ({}, {"allow_loopback_http": False}):
        with pytest.raises(ValueError, match="only https addresses are fetched"):
            fetch(url, tmp_path / "file", **options)


def test_F31_plain_http_needs_the_explicit_argument(server: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only https"):
        fetch(f"{server}/good", tmp_path / "file", allow_loopback_http=False)


def test_F31_a_server_that_is_not_there(tmp_path: Path) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_port
    with pytest.raises(RuntimeError, match="cannot be fetched"):
        fetch(f"http://127.0.0.1:{port}/good", tmp_path / "file", timeout_s=5)
    assert list(tmp_path.iterdir()) == []
