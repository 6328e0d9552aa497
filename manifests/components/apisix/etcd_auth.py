"""Switches etcd's authentication on: its user root gets the password of a file. Nothing needs doing a second time.

ETCD_URL and ETCD_PASSWORD_FILE say where etcd and the password are; neither of the commands prints the password.

    etcd_auth.py enable     tries until it is on
    etcd_auth.py keep       likewise, and looks again every ten seconds
    etcd_auth.py wait       changes nothing, and ends once etcd takes the password
"""

import http.client
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType
from typing import NoReturn

_ROOT = "root"
_RETRY_SECONDS = 0.5
_KEEP_SECONDS = 10.0
_TIMEOUT_SECONDS = 5.0

# No proxy of the environment: the password goes to etcd and to nobody else.
_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Trouble(Exception):
    """Why it cannot be done now; the message is for people."""


class Etcd:
    """Its JSON API: https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/#authentication."""

    def __init__(self, url: str, password_file: Path) -> None:
        self._url = url.rstrip("/")
        self._password_file = password_file

    def is_open(self) -> bool:
        """Whether a request without a password is answered: then authentication is off."""
        return self._post("kv/range", {"key": "AA=="}) == ""

    def takes_password(self) -> bool:
        """Raises Trouble where etcd has another password."""
        refusal = self._post("auth/authenticate", {"name": _ROOT, "password": self._password()})
        if "authentication is not enabled" in refusal:
            return False
        if refusal:
            raise Trouble(f"etcd refuses the password of {self._password_file}: {refusal}")
        return True

    def enable(self) -> None:
        """Leads to the same end from wherever an earlier attempt has stopped."""
        password = self._password()
        self._do("auth/role/add", {"name": _ROOT}, unless="role name already exists")
        self._do("auth/user/add", {"name": _ROOT, "password": password}, unless="user name already exists")
        self._do("auth/user/changepw", {"name": _ROOT, "password": password})
        self._do("auth/user/grant", {"user": _ROOT, "role": _ROOT})
        self._do("auth/enable", {})

    def _password(self) -> str:
        try:
            password = self._password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Trouble(f"cannot read the password: {error}") from None
        if not password:
            raise Trouble(f"there is no password in {self._password_file}")
        return password

    def _do(self, path: str, body: dict[str, str], unless: str = "") -> None:
        refusal = self._post(path, body)
        if refusal and not (unless and unless in refusal):
            raise Trouble(f"etcd refuses {path}: {refusal}")

    def _post(self, path: str, body: dict[str, str]) -> str:
        """What etcd said where it refused, else nothing. Raises Trouble when there is no answer."""
        request = urllib.request.Request(f"{self._url}/v3/{path}", data=json.dumps(body).encode(), method="POST")  # noqa: S310 (the scheme is the platform's)
        try:
            with _HTTP.open(request, timeout=_TIMEOUT_SECONDS):
                return ""
        except urllib.error.HTTPError as error:
            return _message(error.read().decode(errors="replace")) or f"HTTP {error.code}"
        except (OSError, http.client.HTTPException) as error:
            raise Trouble(f"{self._url} does not answer: {error}") from None


def _message(answer: str) -> str:
    """The words of etcd's JSON, or the beginning of whatever else answered."""
    try:
        return str(json.loads(answer)["message"])
    except (ValueError, KeyError, TypeError):
        return answer[:200]


def ensure(etcd: Etcd) -> None:
    if etcd.is_open():
        etcd.enable()
        _tell("authentication is on now")
    etcd.takes_password()


def wait(etcd: Etcd) -> None:
    if not etcd.takes_password():
        raise Trouble("authentication is not on yet")


def main(command: str) -> None:
    signal.signal(signal.SIGTERM, _end)
    action = {"enable": ensure, "keep": ensure, "wait": wait}[command]
    etcd = Etcd(os.environ["ETCD_URL"], Path(os.environ["ETCD_PASSWORD_FILE"]))
    told = ""
    while True:
        try:
            action(etcd)
        except Trouble as trouble:
            if str(trouble) != told:
                _tell(told := str(trouble))
            time.sleep(_RETRY_SECONDS)
            continue
        told = ""
        if command != "keep":
            return
        time.sleep(_KEEP_SECONDS)


def _tell(line: str) -> None:
    print(f"etcd_auth: {line}", file=sys.stderr, flush=True)  # noqa: T201 (its log)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    """As process 1 it would have no other way out."""
    sys.exit(0)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in {"enable", "keep", "wait"}:
        sys.exit(__doc__)
    main(sys.argv[1])
