"""Fixtures for all tests: those of the devstack (a running etcd, Kubernetes API, Consul and gateway)."""

pytest_plugins = ["devstack.pytest_plugin"]
