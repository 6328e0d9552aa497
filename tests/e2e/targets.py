"""The gateway that end-to-end tests ask: the stand-in of a stack, or a real APISIX."""

from pathlib import Path

from devstack.stack import Stack

from ..contract.target import Target


def standin_target(stack: Stack) -> Target:
    """The stand-in of a stack."""
    key = stack.gateway.admin_key_file.read_text().splitlines()[0]
    gateway = stack.gateway
    return Target(gateway.admin_url, key, "", gateway.url, stack.consul.url, is_standin=True, settle=0)


def settings_for(target: Target, folder: Path) -> dict[str, str]:
    """The operator's settings that name a gateway and its Consul; the key comes to lie in the folder."""
    key_file = folder / "admin-key"
    key_file.write_text(target.admin_key)
    return {
        "ECHOROUTE_APISIX_ADMIN_URL": target.admin_url,
        "ECHOROUTE_APISIX_ADMIN_KEY_FILE": str(key_file),
        "CONSUL_HTTP_ADDR": target.consul_url,
        "ECHOROUTE_DRIFT_INTERVAL": "2s",
    }
