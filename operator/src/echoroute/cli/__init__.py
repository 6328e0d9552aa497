"""The commands, each a module; `main` has their group."""
