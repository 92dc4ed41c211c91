"""Runs from launch to deletion: their states, their attempts, the messages that wake workers.

One room: all of it moves the same row, by the same table of moves.
"""
