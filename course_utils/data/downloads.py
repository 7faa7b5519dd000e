"""Download one file of which size and SHA-256 are known, over https only.

What arrives is written beside the target and renamed when both fit, so a wrong, cut off or redirected
download leaves nothing. torchvision's `download_url`, by comparison, falls back to http.
"""

import hashlib
import http.client
import ipaddress
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO, Any

from course_utils import files
from course_utils.data.progress import progress_bar

_BLOCK = 1 << 16


def download(
    url: str,
    *,
    target: str | Path,
    sha256: str,
    size: int,
    progress: bool = False,
    timeout_s: float = 30.0,
    allow_loopback_http: bool = False,
) -> Path:
    """Fetch `url` into the file `target` and give it back.

    `sha256` (64 hexadecimal digits) and `size` (bytes) must be those of the file. `allow_loopback_http` is
    for tests: plain http to this very machine; a redirect to http is refused even then. Raises ValueError for
    a wrong address, size or checksum, RuntimeError when the server cannot be reached.
    """
    _check_url(url, allow_loopback_http)
    opener = urllib.request.build_opener(_SafeRedirects, *([_NO_PROXY] if allow_loopback_http else []))
    digest, received = hashlib.sha256(), 0
    files.require_space(target, size)
    try:
        with (
            opener.open(url, timeout=timeout_s) as response,
            files.atomic_path(target) as partial,
            partial.open("wb") as sink,
            progress_bar(size, Path(target).name, shown=progress, unit="B") as bar,
        ):
            while block := response.read(min(_BLOCK, size + 1 - received)):
                received += len(block)
                if received > size:
                    raise ValueError(f"{url} sends more than the expected {size:,} bytes; nothing was kept")
                digest.update(block)
                sink.write(block)
                bar.update(len(block))
            sink.flush()
            _check_content(url, received, size, digest.hexdigest(), sha256)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise RuntimeError(
            f"{url} cannot be fetched ({error}). Check the network, or fetch the file by hand to {target}."
        ) from error
    return Path(target)


def _check_content(url: str, received: int, size: int, found: str, expected: str) -> None:
    if received != size:
        raise ValueError(f"{url} was cut off: {received:,} of {size:,} bytes; nothing was kept. Try again.")
    if found != expected.lower():
        raise ValueError(f"{url} has the SHA-256 {found}, expected {expected}; nothing was kept")


def _check_url(url: str, allow_loopback_http: bool) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if allow_loopback_http and parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return
    raise ValueError(f"{url}: only https addresses are fetched")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _check_url(newurl, allow_loopback_http=False)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_NO_PROXY = urllib.request.ProxyHandler({})
