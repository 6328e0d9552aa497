"""The four calls to Consul's agent API that keep one registration."""

import json
from typing import NotRequired, TypedDict, cast

from consul_init.consul_settings import ConsulSettings
from consul_init.endpoint import Endpoint, Target
from consul_init.errors import DeniedError, RejectedError
from consul_init.log import LOGGER, Log
from consul_init.registration import FoundInstance, Registration
from consul_init.settings import REQUEST_TIMEOUT
from consul_init.transport import Answer, Transport

# `GET /v1/agent/health/service/id/` tells the worst check's status by its code: passing, warning, critical.
_HEALTH_CODES = (200, 429, 503)
# How Consul's own 404 to a deregistration begins; any other is that of something in front of it.
_UNKNOWN_SERVICE = "Unknown service ID"
# What Consul says beside a 200 where it has nothing to say.
_NOTHING = ("", "null")
# What reading an answer raises that is JSON of another shape, or none.
_GARBAGE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
# Nothing was registered yet; no token is empty.
_UNKNOWN = ""


class _Service(TypedDict):
    Service: str
    Address: str
    Port: int
    Tags: list[str] | None
    Meta: dict[str, str] | None
    Weights: dict[str, int] | None


class _Check(TypedDict):
    Node: str
    CheckID: str
    Name: str
    Output: NotRequired[str]


class _ServiceHealth(TypedDict):
    """https://developer.hashicorp.com/consul/api-docs/agent/service#get-local-service-health-by-its-id"""

    AggregatedStatus: str
    Service: _Service | None
    Checks: list[_Check] | None


class Agent:
    """One Consul agent, asked by one thread at a time.

    Each call raises UnreachableError when there is no answer, DeniedError for 401 and 403, RejectedError otherwise.
    """

    def __init__(self, settings: ConsulSettings, log: Log = LOGGER) -> None:
        self._transport = Transport(settings, log)
        scope = {"ns": settings.namespace, "partition": settings.partition}
        self._scope = {key: value for key, value in scope.items() if value is not None}
        self.address = str(settings.address)
        self._registered_with: str | None = _UNKNOWN

    def register(self, registration: Registration) -> None:
        """Register, or replace what is there under this id, its other checks included."""
        try:
            answer = self._transport.request(
                "PUT",
                "/v1/agent/service/register",
                query={**self._scope, "replace-existing-checks": "true"},
                body=registration.payload(),
            )
        finally:
            if self._registered_with == _UNKNOWN:  # an answer that was lost may have been a yes
                self._registered_with = self._transport.sent_token
        if answer.status != 200:
            raise _refusal(answer, "register", registration.name, "write")
        self._registered_with = self._transport.sent_token

    @property
    def has_a_new_token(self) -> bool:
        """Whether the last request had another token than the registration.

        The agent keeps the token of the register call, and tells the servers of the check's changes with it: once
        that one is revoked, an instance that has died passes on.
        """
        return self._transport.sent_token != self._registered_with

    def find(
        self, registration: Registration, *, timeout: float = REQUEST_TIMEOUT, at: Target | None = None
    ) -> FoundInstance | None:
        """What this agent holds under the id, None if nothing. One instance's data, however many the agent has."""
        answer = self._transport.request(
            "GET",
            f"/v1/agent/health/service/id/{registration.id}",
            query={**self._scope, "format": "json"},
            timeout=timeout,
            at=at,
        )
        if answer.status not in (404, *_HEALTH_CODES):
            raise _refusal(answer, "read", registration.name, "read")
        try:
            return _found(answer, registration.check_id)
        except _GARBAGE as error:
            raise _not_consuls(answer) from error

    def deregister(
        self, registration: Registration, *, timeout: float = REQUEST_TIMEOUT, at: Target | None = None
    ) -> bool:
        """Remove it. False when it was not there."""
        return self._remove(registration.id, registration.name, timeout, at)

    def beat(self, registration: Registration, *, passing: bool) -> None:
        """Tell the agent how the service is, which it does not ask by itself (a check of the type ttl)."""
        answer = self._transport.request(
            "PUT", f"/v1/agent/check/{'pass' if passing else 'fail'}/{registration.check_id}", query=self._scope
        )
        if answer.status != 200:
            raise _refusal(answer, "update the check of", registration.name, "write")

    def node_name(self, *, timeout: float, at: Target) -> str | None:
        """The name of the agent's node; None where the token may not know it (agent:read)."""
        answer = self._transport.request("GET", "/v1/agent/self", query={}, timeout=timeout, at=at)
        try:
            config = json.loads(answer.content)["Config"] if answer.status == 200 else {}
            return str(config["NodeName"])
        except _GARBAGE:
            return None

    @property
    def endpoint(self) -> Endpoint:
        """Where the agent is."""
        return self._transport.endpoint

    def remove_dead_pods(self, registration: Registration) -> list[str]:
        """Remove what pods that had this address and port before have left behind; returns the ids.

        Such an instance can be of any service. It is another pod's when both say which pod they are (`pod-uid`).
        """
        answer = self._transport.request(
            "GET",
            "/v1/agent/services",
            query={**self._scope, "filter": f'Address == "{registration.address}" and Port == {registration.port}'},
        )
        if answer.status != 200:
            raise _refusal(answer, "list the services at the address of", registration.name, "read")
        try:
            here: dict[str, _Service] = json.loads(answer.content)
            dead = {key: each["Service"] for key, each in here.items() if registration.is_of_another_pod(_meta(each))}
        except _GARBAGE as error:
            raise _not_consuls(answer) from error
        return [key for key, name in dead.items() if self._remove(key, name, REQUEST_TIMEOUT)]

    def _remove(self, service_id: str, name: str, timeout: float, at: Target | None = None) -> bool:
        answer = self._transport.request(
            "PUT", f"/v1/agent/service/deregister/{service_id}", query=self._scope, timeout=timeout, at=at
        )
        if answer.status == 404 and answer.content.startswith(_UNKNOWN_SERVICE):
            return False
        if answer.status != 200:
            raise _refusal(answer, "deregister", name, "write")
        if answer.content.strip() not in _NOTHING:
            raise _not_consuls(answer)
        return True


def _refusal(answer: Answer, action: str, name: str, permission: str) -> RejectedError:
    said = " ".join(answer.body.split())[:300] or "nothing more"
    message = f"Consul refused to {action} {name!r} with {answer.status} ({said})"
    if answer.status in (401, 403):
        hint = f"the token needs service:{permission} on {name!r}; see CONSUL_HTTP_TOKEN and CONSUL_HTTP_TOKEN_FILE"
        return DeniedError(answer.status, f"{message}: {hint}")
    return RejectedError(answer.status, message)


def _found(answer: Answer, check_id: str) -> FoundInstance | None:
    document = _health(answer)
    service = document["Service"]
    if service is None:
        return None
    checks, weights = document.get("Checks") or [], service.get("Weights") or {}
    return FoundInstance(
        name=service["Service"],
        address=service["Address"],
        port=service["Port"],
        tags=tuple(service.get("Tags") or ()),
        meta=_meta(service),
        status=document["AggregatedStatus"],
        node=next((check["Node"] for check in checks), None),
        checks={check["CheckID"]: check["Name"] for check in checks},
        output=next(
            (" ".join((check.get("Output") or "").split())[:300] for check in checks if check["CheckID"] == check_id),
            "",
        ),
        weights=(weights.get("Passing", 1), weights.get("Warning", 1)),
    )


def _health(answer: Answer) -> _ServiceHealth:
    document: object = json.loads(answer.content)
    if isinstance(document, dict) and "AggregatedStatus" in document:
        is_there = document.get("Service") is not None
        if is_there == (answer.status != 404):
            return cast("_ServiceHealth", document)
    # A load balancer's own 404 or 503, Consul's own rate limit: no statement about the registration.
    raise _not_consuls(answer)


def _meta(service: _Service) -> dict[str, str]:
    return service.get("Meta") or {}


def _not_consuls(answer: Answer) -> RejectedError:
    return RejectedError(answer.status, f"no answer of Consul's agent: {answer.status} {answer.body[:200]!r}")
