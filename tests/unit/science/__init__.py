"""The science against formulas, golden numbers and the published code.

One room: every test needs the same small models.
"""
