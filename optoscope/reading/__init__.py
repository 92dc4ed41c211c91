"""What answers become: typed facts, tables, points, arrays, figures, cards."""
