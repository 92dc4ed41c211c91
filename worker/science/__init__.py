"""The science core: torch, numpy and `app.schemas`, nothing else of ours. Runs without services."""
