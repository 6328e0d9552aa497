"""The sample service: answers /hello and registers itself in Consul."""
