"""The sample pod says what the library reads, and waits long enough."""

from pathlib import Path

import yaml
from consul_init.settings import Settings

SAMPLES = Path(__file__).parents[3] / "echo" / "consul-init" / "samples"
DOWNWARD = {"status.podIP": "10.0.0.7", "status.hostIP": "10.1.0.1", "metadata.uid": "uid-1"}


def deployment(sample: str) -> dict:
    return yaml.safe_load((SAMPLES / sample).read_text())["spec"]


def settings_of(container: dict) -> Settings:
    """As Kubernetes fills them in."""
    environ: dict[str, str] = {}
    for variable in container["env"]:
        value = variable.get("value")
        if value is None:
            value = DOWNWARD.get(variable["valueFrom"]["fieldRef"]["fieldPath"], "x")
        environ[variable["name"]] = value.replace("$(HOST_IP)", environ.get("HOST_IP", ""))
    return Settings.from_env(environ)


def test_settings():
    found = deployment("lifespan.yaml")
    spec = found["template"]["spec"]
    (container,) = spec["containers"]
    settings = settings_of(container)
    assert (settings.name, settings.address, settings.address_variable) == ("orders", "10.0.0.7", "POD_IP")
    assert str(settings.consul.address) == "http://10.1.0.1:8500"
    assert set(settings.meta) == {"pod", "pod-uid", "namespace", "node"}
    assert settings.stop_timeout < spec["terminationGracePeriodSeconds"]
    (port,) = container["ports"]
    assert settings.port == port["containerPort"]
    assert not spec["enableServiceLinks"], "a Service called `service` would set SERVICE_PORT"
    # Ready is what the kubelet finds; Consul and the gateway each look a second later.
    assert found["minReadySeconds"] >= settings.check_interval + settings.drain
    assert found["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
