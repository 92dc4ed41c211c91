"""Runs from launch to deletion: their states, their attempts, and the messages that wake workers."""
