"""Reconciles EchoRoute resources into Apache APISIX routes whose upstreams are discovered in Consul."""
