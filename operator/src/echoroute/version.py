"""The operator's version, from the one place that has it: its own package metadata."""

from importlib.metadata import version

VERSION = version("echoroute-operator")
