"""Any runs beside each other: aligned, subtracted, grouped, as curves, tables and a page."""
