"""A real OpenID Connect provider (npm `oidc-provider`) as a process, and a browser to meet it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey

__all__ = ["CLIENT", "SECRET", "RealProvider", "installed", "running", "write_keys"]

HERE = Path(__file__).parent.parent.parent / "oidc"
CLIENT = "epigate"
SECRET = "a-secret-of-the-tests-only-0123456789"
_SECONDS = 120


def installed() -> None:
    """Installs the provider's packages, once. Skips the test, with the reason, where it cannot."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node.js and npm: a real OpenID Connect provider is started by them")
    major = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(major.strip().lstrip("v").split(".")[0]) < 18:
        pytest.skip(f"needs Node.js 18 or later, not {major.strip()}")
    if (HERE / "node_modules" / "oidc-provider" / "package.json").exists():
        return
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"npm cannot install the OpenID Connect provider: {last[:200]}")


def write_keys(path: Path, kid: str) -> Path:
    """A file with one new private key."""
    key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})
    path.write_text(json.dumps({"keys": [key.as_dict(private=True)]}), "utf-8")
    return path


class RealProvider:
    """A running provider. `browser` keeps its cookies as one person's does."""

    def __init__(self, issuer: str, process: subprocess.Popen[str] | None = None) -> None:
        self.issuer, self._process = issuer, process
        self.browser = httpx.Client(follow_redirects=False, timeout=10)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.issuer.rpartition(":")[2])

    def stop(self) -> None:
        """Ends it; its port is free."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.communicate(timeout=20)

    def meet(self, url: str, who: Mapping[str, str]) -> str:
        """Signs in by the page of a URL, as `who` says; where the browser is sent in the end."""
        said = {f"x-test-{name}": value for name, value in who.items()}
        for _ in range(10):
            answer = self.browser.get(url, headers=said)
            assert answer.status_code in (302, 303), answer.text
            url = str(answer.url.join(answer.headers["location"]))
            if urlsplit(url).path == "/oidc/callback":
                return url
        raise AssertionError(f"the provider sends in circles: {url}")


@contextmanager
def running(gateway: str, keys: Path, port: int = 0) -> Iterator[RealProvider]:
    """A provider for the gateway of that address."""
    node = shutil.which("node")
    assert node
    process = subprocess.Popen(
        [node, "provider.mjs", str(port), gateway, str(keys)],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        issuer, lines = "", process.stdout
        assert lines is not None
        while not issuer.startswith("http"):
            line = lines.readline()
            assert line, "the provider does not start"
            issuer = line.strip()
        provider = RealProvider(issuer, process)
        with provider.browser:
            yield provider
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=20)
