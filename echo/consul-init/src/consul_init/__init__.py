"""A pod is in Consul exactly while it can serve.

What is in `__all__` is public, and stays as semantic versioning promises; the README lists it. Modules and all else
may change in any release.
"""

from consul_init.consul_settings import ConsulAddress, ConsulSettings
from consul_init.context import Registered
from consul_init.errors import ConsulInitError, SettingsError
from consul_init.health_check import CheckType
from consul_init.identity import InstanceGuard
from consul_init.lifespan import consul_lifespan
from consul_init.registration import Registration
from consul_init.settings import LEAVE_BUDGET, Settings
from consul_init.state import State

__all__ = [
    "LEAVE_BUDGET",
    "CheckType",
    "ConsulAddress",
    "ConsulInitError",
    "ConsulSettings",
    "InstanceGuard",
    "Registered",
    "Registration",
    "Settings",
    "SettingsError",
    "State",
    "consul_lifespan",
]
