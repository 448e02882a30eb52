"""A browser without a window, driven over its DevTools pipe: real keys, reloads and downloads, with no library."""

import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager

SECONDS = 60


def chromium():
    """A Chromium or Chrome of this machine; None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page:
    """One tab. What goes wrong in its scripts, and what it asks the network for, is in `errors` and `requests`."""

    def __init__(self, to_browser, from_browser):
        self._to, self._from, self._count, self._session = to_browser, from_browser, 0, None
        self.errors, self.requests, self.loads = [], [], 0
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while (answer := self._read()).get("id") != self._count:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _read(self):
        found = bytearray()
        while (byte := self._from.read(1)) != b"\0":
            assert byte, "the browser ended"
            found += byte
        return json.loads(found)

    def _note(self, event):
        params = event.get("params", {})
        if event["method"] == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"])
        elif event["method"] == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif event["method"] == "Page.loadEventFired":
            self.loads += 1

    def _load(self, method, **params):
        before = self.loads
        self.call(method, **params)
        while self.loads == before:
            self._note(self._read())

    def open(self, path):
        self._load("Page.navigate", url=path.as_uri())

    def reload(self):
        self._load("Page.reload")

    def close_browser(self):
        self._session = None
        self.call("Browser.close")

    def ask(self, expression):
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key, code=""):
        """A key of the keyboard: a letter, a digit, Enter or Backspace; `code` is its place."""
        text = {"Enter": "\r", "Backspace": ""}.get(key, key)
        number = {"Enter": 13, "Backspace": 8}.get(key, ord(key[0].upper()))
        about = {"key": key, "windowsVirtualKeyCode": number, "code": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **({"text": text} if text else {}), **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)


@contextmanager
def browser(profile, downloads):
    """A page of a new browser, which keeps its memory in `profile` and what it saves in `downloads`."""
    to_child, to_browser = os.pipe()
    from_browser, from_child = os.pipe()
    command = [chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
    command += ["--no-first-run", f"--user-data-dir={profile}"]

    # The browser reads from 3 and writes to 4. A shell puts the pipes there: code of ours between fork and exec is
    # what JAX's threads forbid. Copies first, lest one of the two is overwritten.
    ends = (to_child, from_child)
    place = f'exec 8<&{ends[0]} 9>&{ends[1]} && exec 3<&8 4>&9 8<&- 9>&- && exec "$@"'
    with open(os.devnull, "wb") as null:
        started = ["bash", "-c", place, "bash", *command]
        process = subprocess.Popen(started, pass_fds=ends, stdout=null, stderr=null)
    os.close(to_child)
    os.close(from_child)
    with open(to_browser, "wb") as to, open(from_browser, "rb") as source:
        try:
            page = Page(to, source)
            page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
            yield page
            page.close_browser()
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait(SECONDS)


def downloaded(folder):
    """The one file that was saved, once it is whole."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        found = list(folder.glob("*.json"))
        if found and found[0].stat().st_size and not list(folder.glob("*.crdownload")):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"{folder} holds {list(folder.iterdir())}")
