"""Typed handles on the APIs of a running stack, for tests and demonstrations."""
