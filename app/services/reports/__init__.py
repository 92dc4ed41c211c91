"""Reports: what pages show of a run, a comparison or a figure, as a file that needs no server."""
