# Consul's own agent: keeps its node in the catalog.
node "consul" { policy = "write" }
