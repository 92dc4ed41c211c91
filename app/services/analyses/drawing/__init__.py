"""Plotly figures of analyses, as the paper draws them: a module for each kind of question."""
