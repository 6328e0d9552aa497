"""The Consul HTTP API: health of the services in use."""
