"""Forms that launch: of a new run, from a preset, of a fork."""
