"""Runs from launch to deletion: their states, their attempts, the messages that wake workers."""
