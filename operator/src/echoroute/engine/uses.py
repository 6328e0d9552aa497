"""Which EchoRoutes look at which selections of instances, counted, so that an edit costs what that EchoRoute has."""

from collections import Counter
from collections.abc import Iterable, Iterator

from echoroute.api.selection import Resolver, Selection, Service
from echoroute.core.objects import Key


class Uses:
    """Counted references: the keys by selection, and by service how many selections each of the two resolves."""

    def __init__(self) -> None:
        self._keys: dict[Selection, set[Key]] = {}
        self._resolvers: dict[Service, Counter[Resolver]] = {}
        self._changed: set[Selection] = set()

    def __iter__(self) -> Iterator[Selection]:
        """What is looked at."""
        return iter(self._keys)

    def __contains__(self, selection: Selection) -> bool:
        return selection in self._keys

    def of(self, selection: Selection) -> frozenset[Key]:
        """Those that look at it."""
        return frozenset(self._keys.get(selection, ()))

    def resolvers(self, service: Service) -> frozenset[Resolver]:
        """Who resolves a service; nobody where it is not in use."""
        return frozenset(self._resolvers.get(service, ()))

    def add(self, key: Key, selections: Iterable[Selection]) -> None:
        """The key looks at these."""
        for selection in selections:
            keys = self._keys.setdefault(selection, set())
            if not keys:
                self._resolvers.setdefault(selection.service, Counter())[selection.resolver] += 1
                self._changed.add(selection)
            keys.add(key)

    def drop(self, key: Key, selections: Iterable[Selection]) -> None:
        """The key looks at these no longer."""
        for selection in selections:
            keys = self._keys[selection]
            keys.discard(key)
            if not keys:
                del self._keys[selection]
                self._end(selection)

    def _end(self, selection: Selection) -> None:
        """Nobody looks at it any more."""
        self._changed.add(selection)
        counts = self._resolvers[selection.service]
        counts[selection.resolver] -= 1
        if not counts[selection.resolver]:
            del counts[selection.resolver]
        if not counts:
            del self._resolvers[selection.service]

    @property
    def has_changed(self) -> bool:
        """Whether a selection has come into use, or is out of it, since they were taken."""
        return bool(self._changed)

    def take_changed(self) -> set[Selection]:
        """Those that came into use, or went out of it, since they were last taken; some may have done both."""
        changed, self._changed = self._changed, set()
        return changed
