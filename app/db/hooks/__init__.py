"""Webhooks: what is to be told to other servers, and how far they have been told."""
