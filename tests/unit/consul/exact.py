"""A follower that is told all that is in use, and forgets the rest."""

from collections.abc import Set as AbstractSet

from echoroute.api.selection import Service
from echoroute.consul.follower import Follower


class ExactFollower(Follower):
    def follow_exactly(self, services: AbstractSet[Service], *, resolved: AbstractSet[Service] = frozenset()) -> None:
        for service in self._watches.keys() - services:
            self.forget(service)
        for service in services:
            self.follow(service, resolved=service in resolved)
