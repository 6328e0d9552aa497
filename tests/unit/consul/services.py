"""Services by their names, as many as a test asks for."""

from echoroute.api.selection import Service


def services(*names: str) -> set[Service]:
    return {Service(name) for name in names}


def names(count: int) -> list[str]:
    return [f"service-{n}" for n in range(count)]
