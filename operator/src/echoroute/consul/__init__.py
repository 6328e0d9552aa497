"""The Consul HTTP API: how many instances of a service are healthy, followed as it changes."""
