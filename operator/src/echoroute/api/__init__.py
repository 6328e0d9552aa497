"""EchoRoute as pydantic models: what a field means, in one place, and the CRD generated from it."""
