# The EchoRoute operator: follows the health of the services that EchoRoutes name.
service_prefix "" { policy = "read" }
node_prefix "" { policy = "read" }
