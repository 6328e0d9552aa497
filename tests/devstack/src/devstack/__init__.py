"""Real etcd, Kubernetes API, Consul and a stand-in gateway as local processes, for tests and demonstrations."""
