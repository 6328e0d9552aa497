"""A Kubernetes cluster of one real node, in namespaces of its own, without Docker."""
