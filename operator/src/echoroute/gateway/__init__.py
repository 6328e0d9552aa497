"""The APISIX Admin API."""
