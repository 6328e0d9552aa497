"""The reasons of conditions: one CamelCase word each, part of the API (`kubectl get er -o wide` shows them)."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a condition is as it is. docs/operations.md says for each what to do about it."""

    ACCEPTED = "Accepted"
    INVALID = "Invalid"
    NOT_ALLOWED = "NotAllowed"
    CONFLICTED = "Conflicted"
    NOT_ACCEPTED = "NotAccepted"

    RESOLVED_REFS = "ResolvedRefs"
    SERVICE_NOT_FOUND = "ServiceNotFound"
    FORBIDDEN_ADDRESS = "ForbiddenAddress"
    CONSUL_NOT_CONFIGURED = "ConsulNotConfigured"
    CONSUL_UNREACHABLE = "ConsulUnreachable"
    CONSUL_ACCESS_DENIED = "ConsulAccessDenied"

    PROGRAMMED = "Programmed"
    PENDING = "Pending"
    REFS_NOT_RESOLVED = "RefsNotResolved"
    GATEWAY_UNREACHABLE = "GatewayUnreachable"
    GATEWAY_UNAUTHORIZED = "GatewayUnauthorized"
    GATEWAY_REJECTED = "GatewayRejected"
    FOREIGN_OBJECT = "ForeignObject"

    READY = "Ready"
    DISABLED = "Disabled"
    NO_HEALTHY_INSTANCES = "NoHealthyInstances"
    UNUSABLE_INSTANCES = "UnusableInstances"
