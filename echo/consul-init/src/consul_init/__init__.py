"""A pod is in Consul exactly while it can serve."""

from consul_init.context import Registered
from consul_init.errors import ConsulInitError, SettingsError
from consul_init.identity import InstanceGuard
from consul_init.lifespan import consul_lifespan
from consul_init.registration import Registration
from consul_init.settings import LEAVE_BUDGET, Settings

__all__ = [
    "LEAVE_BUDGET",
    "ConsulInitError",
    "InstanceGuard",
    "Registered",
    "Registration",
    "Settings",
    "SettingsError",
    "consul_lifespan",
]
