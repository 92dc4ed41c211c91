"""Streams of events from measurement to client."""
