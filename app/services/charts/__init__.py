"""Figures of any page: axes, curves, marks, heatmaps and style, as plain dicts that Plotly draws."""
