"""What the API is asked and answers, and the messages between web and worker.

One room: each module is the requests and answers about one thing, called as what it is.
"""
