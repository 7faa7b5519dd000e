"""One headless Chromium for many pages, steered by its DevTools protocol: sizes, schemes, requests.

Protocol: chromedevtools.github.io/devtools-protocol. `websocket` comes with JupyterLab.
"""

import itertools
import json
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from headless_browser import FLAGS, chromium

STEERED = ("--headless=new", "--remote-debugging-port=0", "--remote-allow-origins=*")
HEIGHT = 900


class Browser:
    """A tab: `open` a page, `show` it at a width and in a scheme, `evaluate` JavaScript in it.

    `requests` and `complaints` collect what the pages asked for, and errors and warnings of the console.
    """

    def __init__(self, folder: Path) -> None:
        import websocket

        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._events: list[str] = []
        self._numbers = itertools.count(1)
        command = [chromium(), *FLAGS, *STEERED, f"--user-data-dir={folder}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port_file, deadline = folder / "DevToolsActivePort", time.monotonic() + 60
        while not (port_file.is_file() and port_file.read_text().count("\n")):
            assert self._process.poll() is None and time.monotonic() < deadline, "the browser did not start"
            time.sleep(0.05)
        port = port_file.read_text().split("\n")[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
            address = next(tab for tab in json.load(answer) if tab["type"] == "page")["webSocketDebuggerUrl"]
        self._socket = websocket.create_connection(address, timeout=120)
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self._socket.close()
        self._process.terminate()
        self._process.wait(30)

    def open(self, page: Path, query: str = "") -> None:
        """Load a file and wait until it is there with its pictures."""
        self._events.clear()
        self._call("Page.navigate", url=page.resolve().as_uri() + query)
        while "Page.loadEventFired" not in self._events:
            self._receive()

    def show(self, width: int, scheme: str) -> None:
        """Give the window a width in pixels, and prefer "light" or "dark"."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=HEIGHT,
            deviceScaleFactor=1,
            mobile=False,
        )
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def evaluate(self, expression: str) -> Any:
        """Give the value of an expression, plain data; a promise is waited for."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def _call(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = self._receive()
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    def _receive(self) -> Any:
        message = json.loads(self._socket.recv())
        method, values = message.get("method", ""), message.get("params", {})
        self._events.append(method)
        if method == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(values["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(values["args"])[:500])
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{values['entry'].get('url', '')}: {values['entry']['text']}")
        return message
