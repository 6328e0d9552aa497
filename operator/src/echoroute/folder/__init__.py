"""File mode: EchoRoutes in the YAML files of a folder, with what an API server does for them in a cluster."""
