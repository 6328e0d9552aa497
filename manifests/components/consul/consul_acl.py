"""Gives Consul its ACL tokens: each policy of a folder, and a token with that policy alone whose secret is a file.

CONSUL_URL is Consul's own address. POLICIES holds NAME.hcl, TOKENS for each of them a file NAME with the secret, which
is a UUID, and beside them `management`, whose token may do everything. The policy `agent` is for Consul's own agent,
which is told its token. Secrets that were there before stay valid. None is printed.

    consul_acl.py keep      looks every ten seconds: a new policy, a new secret and an emptied Consul need no restart
    consul_acl.py wait      changes nothing, and ends once Consul knows all the tokens
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
from typing import NoReturn, TypedDict

_MANAGEMENT, _AGENT = "management", "agent"
_RETRY_SECONDS = 0.5
_KEEP_SECONDS = 10.0
_TIMEOUT_SECONDS = 5.0

# No proxy of the environment: secrets go to Consul and to nobody else.
_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Trouble(Exception):
    """Why it cannot be done now; the message is for people."""


class Policy(TypedDict):
    """https://developer.hashicorp.com/consul/api-docs/acl/policies"""

    ID: str
    Rules: str


class Consul:
    """What is asked of https://developer.hashicorp.com/consul/api-docs/acl."""

    def __init__(self, url: str, tokens: Path) -> None:
        self._url = url.rstrip("/")
        self._tokens = tokens

    def knows(self, name: str) -> bool:
        return self._send("GET", "acl/token/self", self._secret(name))[0] == 200

    def bootstrap(self) -> None:
        """Makes `management` the token that may do everything; only an empty Consul lets us."""
        if self.knows(_MANAGEMENT):
            return
        self._change("acl/bootstrap", {"BootstrapSecret": self._secret(_MANAGEMENT)}, anonymous=True)
        _tell("ACLs are bootstrapped")

    def set_policy(self, name: str, rules: str) -> None:
        """Creates or corrects it."""
        status, answer = self._send("GET", f"acl/policy/name/{name}", self._secret(_MANAGEMENT))
        if status == 200:
            found: Policy = json.loads(answer)
            if found["Rules"] == rules:
                return
            self._change(f"acl/policy/{found['ID']}", {"Name": name, "Rules": rules})
        else:
            self._change("acl/policy", {"Name": name, "Rules": rules})
        _tell(f"policy {name} is set")

    def add_token(self, name: str) -> None:
        if not self.knows(name):
            policies = [{"Name": name}]
            self._change("acl/token", {"SecretID": self._secret(name), "Description": name, "Policies": policies})
            _tell(f"the token of {name} is there")

    def tell_agent(self) -> None:
        """Without a token of its own the agent may not even keep its node in the catalog."""
        self._change("agent/token/agent", {"Token": self._secret(_AGENT)})

    def _secret(self, name: str) -> str:
        try:
            secret = (self._tokens / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Trouble(f"cannot read the token of {name}: {error}") from None
        if not secret:
            raise Trouble(f"there is no token in {self._tokens / name}")
        return secret

    def _change(self, path: str, body: dict[str, object], *, anonymous: bool = False) -> None:
        status, answer = self._send("PUT", path, "" if anonymous else self._secret(_MANAGEMENT), body)
        if status != 200:
            said = answer.replace(str(body.get("SecretID") or body.get("BootstrapSecret") or "\0"), "***")
            raise Trouble(f"Consul refuses {path} with {status}: {said[:300]}")

    def _send(self, method: str, path: str, token: str, body: dict[str, object] | None = None) -> tuple[int, str]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Consul-Token": token} if token else {}
        request = urllib.request.Request(f"{self._url}/v1/{path}", data=data, headers=headers, method=method)  # noqa: S310 (the scheme is the platform's)
        try:
            with _HTTP.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace").strip()
        except (OSError, http.client.HTTPException, ValueError) as error:
            # ValueError: a secret that can be no header. Its text would show it.
            said = error if isinstance(error, OSError) else type(error).__name__
            raise Trouble(f"{self._url} does not answer: {said}") from None


def ensure(consul: Consul, names: list[str], policies: Path) -> None:
    """One team's mistake keeps nobody else's token from being made."""
    consul.bootstrap()
    troubles = []
    for name in names:
        try:
            consul.set_policy(name, (policies / f"{name}.hcl").read_text(encoding="utf-8"))
            consul.add_token(name)
        except Trouble as trouble:
            troubles.append(str(trouble))
    consul.tell_agent()
    if troubles:
        raise Trouble("; ".join(troubles))


def wait(consul: Consul, names: list[str]) -> None:
    for name in names:
        if not consul.knows(name):
            raise Trouble(f"Consul does not know the token of {name} yet")


def main(command: str) -> None:
    signal.signal(signal.SIGTERM, _end)
    consul, policies = Consul(os.environ["CONSUL_URL"], Path(os.environ["TOKENS"])), Path(os.environ["POLICIES"])
    told = ""
    while True:
        names = sorted(file.stem for file in policies.glob("*.hcl"))
        try:
            if command == "wait":
                wait(consul, names)
                return
            ensure(consul, names, policies)
        except Trouble as trouble:
            if str(trouble) != told:
                _tell(told := str(trouble))
            time.sleep(_RETRY_SECONDS)
        else:
            told = ""
            time.sleep(_KEEP_SECONDS)


def _tell(line: str) -> None:
    print(f"consul_acl: {line}", file=sys.stderr, flush=True)  # noqa: T201 (its log)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    """As process 1 it would have no other way out."""
    sys.exit(0)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in {"keep", "wait"}:
        sys.exit(__doc__)
    main(sys.argv[1])
