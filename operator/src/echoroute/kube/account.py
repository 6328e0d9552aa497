"""Where the API server is and who we are to it: one address and one set of credentials, for lists and watch alike."""

import asyncio
import logging
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import yaml
from kubernetes.aio import client, config

from echoroute.errors import SettingsError
from echoroute.net.trouble import Trouble

log = logging.getLogger(__name__)

_IN_CLUSTER_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")

_EACH: Final = 60.0
"""Seconds after which what lies in a file is read again; the kubelet replaces tokens long before they expire."""
_AHEAD: Final = 60.0
"""Seconds before an exec plugin's credentials expire when it is run again; of short-lived ones half of their life."""
_SOONEST: Final = 5.0
"""Seconds between two tries after a failure, or after a refusal (401)."""


class Account:
    """As KUBECONFIG, the pod's account, or ~/.kube/config say; read again before it expires and after a refusal.

    It belongs to one event loop. `authorization` is the header's value, empty where certificates are all that is shown.
    `generation` grows with each change of the address or of certificates: connections have to be made anew then.
    """

    def __init__(self) -> None:
        self.configuration = client.Configuration()
        self.authorization = ""
        self.generation = 0
        self._due = 0.0
        self._read_at = 0.0
        self._shown: tuple[object, ...] = ()
        self._renewing = asyncio.Lock()
        self._trouble = Trouble(
            "credentials", "the credentials for Kubernetes cannot be read again", "the credentials could be read"
        )

    @classmethod
    async def open(cls) -> Self:
        """Raises `SettingsError` where none of the three can be used."""
        account = cls()
        try:
            await account._load()
        except _UNUSABLE as error:
            where = "the pod's service account" if in_cluster() else "the kubeconfig (KUBECONFIG or ~/.kube/config)"
            raise SettingsError(
                f"{where} cannot be used: {_first_line(error)}. Without Kubernetes: echoroute run --from DIR"
            ) from None
        return account

    @property
    def host(self) -> str:
        """The address of the API server, without a slash at its end."""
        return str(self.configuration.host)

    async def renew(self, *, refused: str | None = None) -> None:
        """Read the credentials again if it is time, or if the API server has refused this `authorization`.

        What cannot be read stays as it was, and is told once.
        """
        if not self._is_due(refused):
            return
        async with self._renewing:
            if not self._is_due(refused):
                return
            try:
                await self._load()
            except _UNUSABLE as error:
                self._read_at = time.monotonic()
                self._due = self._read_at + _SOONEST
                self._trouble.begin(_first_line(error), status=0)
            else:
                self._trouble.end()

    def _is_due(self, refused: str | None) -> bool:
        now = time.monotonic()
        if refused is None:
            return now >= self._due
        return self.authorization == refused and now >= self._read_at + _SOONEST

    async def _load(self) -> None:
        configuration = client.Configuration()
        if in_cluster():
            config.load_incluster_config(client_configuration=configuration, try_refresh_token=False)
            again_in = _EACH
        else:
            loader = await config.load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=configuration)
            again_in = _renewed_in(loader, configuration)
        self._read_at = time.monotonic()
        self._due = self._read_at + again_in
        self.authorization = str(configuration.api_key.get("BearerToken", ""))
        shown = _shown(configuration)
        if shown != self._shown:
            self.configuration, self._shown = configuration, shown
            self.generation += 1


_UNUSABLE = (config.ConfigException, yaml.YAMLError, OSError)


def in_cluster() -> bool:
    """Whether to use the pod's own account: KUBECONFIG, where it is set, says otherwise."""
    return "KUBECONFIG" not in os.environ and _IN_CLUSTER_TOKEN.exists()


def _renewed_in(loader: config.kube_config.KubeConfigLoader, configuration: client.Configuration) -> float:
    """In how many seconds what a kubeconfig says is read again by itself; it is after each refusal."""
    user = loader._user  # noqa: SLF001 - the library has no other way to tell what it has used
    if user is not None and "exec" in user:
        if not configuration.api_key and not configuration.cert_file:
            raise config.ConfigException("the exec plugin has given no credentials; the log has its error")
        expiry = getattr(loader, "exec_plugin_expiry", None)
        left = (expiry - datetime.now(UTC)).total_seconds() if expiry is not None else float("inf")
        return max(left - _AHEAD, min(_AHEAD, max(left / 2, _SOONEST)))
    return _EACH if user is not None and "tokenFile" in user else float("inf")


def _shown(configuration: client.Configuration) -> tuple[object, ...]:
    """What connections are made with: other files with the same content are the same."""
    files = (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
    return (
        configuration.host,
        configuration.proxy,
        configuration.verify_ssl,
        configuration.tls_server_name,
        *(Path(file).read_bytes() if file else None for file in files),
    )


def _first_line(error: BaseException) -> str:
    """What went wrong, without the lines of a file that YAML's errors show: they may hold a token."""
    return str(error).partition("\n")[0].rstrip(".")
