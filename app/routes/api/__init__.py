"""The REST API, a module for each kind of thing that it serves.

One room: lists of addresses, each module called as what it serves.
"""
