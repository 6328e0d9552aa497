"""EchoRoutes, their CRD and the cluster's identity, as the API server has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from echoroute.api.objects import API_VERSION, GROUP, PLURAL, EchoRouteObject
from echoroute.core.objects import JsonObject, Key
from echoroute.core.seen import Seen, key_of, seen
from echoroute.core.source import Listing
from echoroute.errors import KubernetesError
from echoroute.kube.api import KubernetesApi, object_path

FIELD_MANAGER = "echoroute-operator"
_SKEW = timedelta(seconds=60)
"""The gateway's clock and the API server's may differ by so much."""

_CRD_PATH = object_path("apiextensions.k8s.io/v1", "customresourcedefinitions", "", f"{PLURAL}.{GROUP}")


@dataclass(frozen=True, slots=True)
class Crd:
    """The EchoRoute CRD as it is now. Implements `echoroute.core.source.Origin`."""

    created: datetime
    deleting: bool
    uid: str

    @property
    def identity(self) -> str:
        return f"CRD {self.uid}"

    @property
    def stands(self) -> bool:
        return not self.deleting

    @property
    def complete(self) -> bool:
        return True

    def explains(self, created: datetime) -> bool:
        return self.created <= created

    def doubt(self, oldest_owned: datetime | None) -> str | None:
        if oldest_owned is None or self.created <= oldest_owned + _SKEW:
            return None
        return "the EchoRoute CRD is younger than the operator's oldest route (another cluster, a restore, a new CRD?)"


class EchoRoutes:
    """The EchoRoutes of the watched namespaces (none given: all) and one gateway class."""

    deletions_are_told = True

    def __init__(self, api: KubernetesApi, *, gateway_class: str, namespaces: Sequence[str]) -> None:
        self._api = api
        self._gateway_class = gateway_class
        self._namespaces = namespaces or ("",)

    async def list(self, *, metadata_only: bool) -> Listing:
        """List them all; with `metadata_only` just their versions, which costs a fifth. Raises `KubernetesError`."""
        listing = Listing()
        for namespace in self._namespaces:
            try:
                version = await self._list(namespace, listing, metadata_only=metadata_only)
            except KubernetesError as error:
                if error.status != 404:
                    raise
                # A namespace that does not exist has an empty list.
                raise KubernetesError(
                    "the EchoRoute CRD is not installed (kubectl apply -k crds)", status=404
                ) from None
            # Of several lists the oldest version is the one for which all of them speak.
            listing.version = min(listing.version or version, version)
        return listing

    async def _list(self, namespace: str, listing: Listing, *, metadata_only: bool) -> int:
        version = 0
        async for page in self._api.pages(_path(Key(namespace, "")), metadata_only=metadata_only):
            version = version or EchoRouteObject.from_raw(page).resource_version
            items = page.get("items")
            for item in items if isinstance(items, list) else ():
                if isinstance(item, dict):
                    self._take(item, listing, metadata_only=metadata_only)
        return version

    def _take(self, item: JsonObject, listing: Listing, *, metadata_only: bool) -> None:
        found = EchoRouteObject.from_raw(item)
        listing.versions[key_of(found)] = found.resource_version
        if not metadata_only:
            listing.objects.append(self.seen(item))

    async def read(self, key: Key) -> Seen | None:
        """Read one EchoRoute; None where it does not exist. Raises `KubernetesError`."""
        try:
            return self.seen(await self._api.get(_path(key)))
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    def seen(self, raw: JsonObject, *, deleted: bool = False) -> Seen:
        """What an API object (of a list, a watch event or an answer) tells."""
        return seen(raw, gateway_class=self._gateway_class, deleted=deleted)

    async def patch_status(self, key: Key, uid: str, status: JsonObject) -> Seen:
        """Merge a status; a member that is None is removed. Raises `KubernetesError`: 404, 409 if it is another life.

        The uid in the patch makes the API server refuse it when the object was deleted and created again meanwhile.
        """
        body: JsonObject = {"metadata": {"uid": uid}, "status": status}
        answer = await self._api.merge_patch(f"{_path(key)}/status", body, manager=FIELD_MANAGER)
        return self.seen(answer)

    async def read_origin(self) -> Crd | None:
        """Read the CRD itself; None where it does not exist. Raises `KubernetesError`."""
        try:
            found = EchoRouteObject.from_raw(await self._api.get(_CRD_PATH))
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise
        return Crd(
            created=datetime.fromisoformat(found.creation_timestamp),
            deleting=bool(found.deletion_timestamp),
            uid=found.uid,
        )

    async def cluster_uid(self) -> str:
        """The identity of the cluster: the uid of kube-system, which lives as long as the cluster does."""
        namespace = await self._api.get(object_path("v1", "namespaces", "", "kube-system"))
        return EchoRouteObject.from_raw(namespace).uid

    async def server_version(self) -> str:
        """The API server's version, such as `v1.37.2`. Raises `KubernetesError`."""
        return str((await self._api.get("/version")).get("gitVersion"))


def _path(key: Key) -> str:
    return object_path(API_VERSION, PLURAL, key.namespace, key.name)
