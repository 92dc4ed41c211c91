"""Figures of any page: axes, curves, marks, heatmaps and style, plain dicts that Plotly draws."""
