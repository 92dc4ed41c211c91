"""Networks that tests make: machines of their own, and TLS before servers."""
