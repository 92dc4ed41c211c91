"""The list of runs: its table, queries and views of it, pinned rows, groups, the shelf."""
