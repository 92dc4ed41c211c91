"""Clamps as data: where they act, what kinds there are, what each means and whether it has an
effect.
"""
