"""The Kubernetes API: kopf's watch, lists, status patches, Events."""
