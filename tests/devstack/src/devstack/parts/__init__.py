"""The running parts of a stack."""
