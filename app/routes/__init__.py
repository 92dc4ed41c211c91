"""HTTP: what a request asks for, and what it is answered with. Thin; the services do the work."""
