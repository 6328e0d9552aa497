"""A pod is in Consul exactly while it can serve."""
