# APISIX's discovery: which services there are, and their healthy instances.
service_prefix "" { policy = "read" }
node_prefix "" { policy = "read" }
