# The echo service's pods, and those of samples/native-sidecar: each registers its own service, and no other.
service "echo" { policy = "write" }
service "echo-sidecar" { policy = "write" }
