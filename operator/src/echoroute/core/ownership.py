"""Whose a gateway object is: the owner id, the ids that follow from it, and the labels that say so on each object.

Ids in APISIX have 1 to 64 of `[a-zA-Z0-9-_.]`, names at most 256 characters, label values 1 to 256 without blanks. A
namespace is a DNS label (at most 63 characters) and an EchoRoute's name a DNS subdomain (at most 253), so that both fit
into labels as they are, and an id cut for length cannot be another namespace's.
"""

import hashlib
import json
import re
from collections.abc import Mapping

from pydantic import JsonValue

from echoroute.core.objects import JsonObject, Key

MANAGER = "echoroute"

_ID_MAX_LENGTH = 64
_NAME_MAX_LENGTH = 256
_HASH_LENGTH = 16  # hex digits: 64 bits
_CONTENTS_LENGTH = 12  # of one EchoRoute's Upstreams

_OWNER = re.compile("[0-9a-f]{8}")
_NAMESPACE = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile("(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def owner_id(cluster_uid: str, gateway_class: str) -> str:
    """The default owner id, 8 hex digits: of a cluster (uid of its kube-system namespace) and a gateway class."""
    return _digest(f"{cluster_uid}/{gateway_class}")[:8]


def is_owner_id(text: str) -> bool:
    """Whether a text has the form of an owner id: 8 lower-case hex digits."""
    return _OWNER.fullmatch(text) is not None


def is_namespace(text: str) -> bool:
    """Whether a text can be the name of a namespace (RFC 1123 label)."""
    return _NAMESPACE.fullmatch(text) is not None


def is_key(key: Key) -> bool:
    """Whether namespace and name are what Kubernetes lets them be (RFC 1123 label and subdomain)."""
    return is_namespace(key.namespace) and _NAME.fullmatch(key.name) is not None


def route_id(owner: str, key: Key) -> str:
    """The id of an EchoRoute's Route: `<owner>.<namespace>.<name>`, above 64 characters cut and ended with a hash."""
    return _cut(f"{owner}.{key.namespace}.{key.name}", _ID_MAX_LENGTH)


def upstream_id(owner: str, key: Key, contents: JsonValue) -> str:
    """The id of an EchoRoute's Upstream with these contents: the Route's and their hash, cut as the Route's is."""
    text = json.dumps(contents, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return _cut(f"{owner}.{key.namespace}.{key.name}.{_digest(text)[:_CONTENTS_LENGTH]}", _ID_MAX_LENGTH)


def route_name(key: Key) -> str:
    """The default name of a Route: `<namespace>/<name>`, above 256 characters cut and ended with a hash."""
    return _cut(str(key), _NAME_MAX_LENGTH)


def labels(owner: str, key: Key) -> JsonObject:
    """The labels that make a gateway object the property of an EchoRoute."""
    return {"manager": MANAGER, "owner": owner, "namespace": key.namespace, "name": key.name}


def owner_of(body: Mapping[str, JsonValue]) -> tuple[str, Key] | None:
    """The owner id and the EchoRoute that a gateway object belongs to; None where its labels do not say so fully.

    A body that carries an `id` (as lists and reads do) must also have one that starts with its owner id: a copy of a
    route that somebody made by hand, labels and all, is not ours to delete.
    """
    given = body.get("labels")
    if not isinstance(given, dict) or given.get("manager") != MANAGER:
        return None
    owner, namespace, name = given.get("owner"), given.get("namespace"), given.get("name")
    if not (isinstance(owner, str) and isinstance(namespace, str) and isinstance(name, str)):
        return None
    key = Key(namespace, name)
    if not (is_owner_id(owner) and is_key(key)):
        return None
    identity = body.get("id")
    if identity is not None and not str(identity).startswith(f"{owner}."):
        return None
    return owner, key


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return f"{text[: length - _HASH_LENGTH - 1]}-{_digest(text)[:_HASH_LENGTH]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
