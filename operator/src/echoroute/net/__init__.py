"""What the HTTP clients share: connections, TLS files, and secrets that change while the process runs."""
