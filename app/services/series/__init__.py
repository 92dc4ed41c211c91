"""What runs have measured: names, parts, thinning, tables, frames and the files of checkpoints."""
