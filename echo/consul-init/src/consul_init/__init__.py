"""A pod is in Consul exactly while it can serve.

What is in `__all__` is public, and stays as semantic versioning promises; the README lists it. Modules and all else
may change in any release.

Names are loaded when they are used (PEP 562): the command `consul-init` holds signals back before it loads the rest.
"""

TYPE_CHECKING = False  # type checkers take this name for true, and importing it from `typing` costs what is saved here
if TYPE_CHECKING:
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

_MODULES = {
    "LEAVE_BUDGET": "settings",
    "CheckType": "health_check",
    "ConsulAddress": "consul_settings",
    "ConsulInitError": "errors",
    "ConsulSettings": "consul_settings",
    "InstanceGuard": "identity",
    "Registered": "context",
    "Registration": "registration",
    "Settings": "settings",
    "SettingsError": "errors",
    "State": "state",
    "consul_lifespan": "lifespan",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - as above

    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
