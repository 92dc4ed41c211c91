"""A worker as a service: claims runs, starts trainers, watches them, is heard of, and stops."""
