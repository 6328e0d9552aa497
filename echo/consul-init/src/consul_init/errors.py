"""What can go wrong, as one small tree.

ConsulInitError
├── SettingsError          a variable is missing or wrong: the person who wrote the pod spec must act
├── ControlError           no keeper answers on the control socket
│   └── TakenError         another process has it
└── ConsulError            about Consul: the keeper tries again
    ├── UnreachableError   no answer: what Consul did is unknown
    ├── DeniedError        401 or 403: the token does not allow it
    ├── RejectedError      any other answer that is no success
    └── NotKeptError       Consul said yes and does not have it
"""


class ConsulInitError(Exception):
    """Everything this library raises."""


class SettingsError(ConsulInitError):
    """A setting is missing or wrong. Its message is one line that starts with the variable's name."""

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable} {problem}")
        self.variable = variable


class ControlError(ConsulInitError):
    """The control socket of a keeper cannot be reached or belongs to somebody else."""


class TakenError(ControlError):
    """Another process keeps this very instance."""


class ConsulError(ConsulInitError):
    """Consul could not be asked, or did not do what it was asked."""


class UnreachableError(ConsulError):
    """No answer came: the request may or may not have been carried out. Not so where it was not even sent."""

    def __init__(self, message: str, *, was_sent: bool = False) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class RejectedError(ConsulError):
    """Consul answered with a status that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class DeniedError(RejectedError):
    """Consul answered 401 or 403. The message names the permission that is missing."""


class NotKeptError(ConsulError):
    """Consul accepted the registration, and reading it back does not find it."""
