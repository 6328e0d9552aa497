"""What the HTTP clients share: connections, TLS files, secrets that change, and the delays between tries."""
