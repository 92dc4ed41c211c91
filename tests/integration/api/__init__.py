"""The REST API, over HTTP.

One room: all of it asks the same server, as strangers and programs do.
"""
