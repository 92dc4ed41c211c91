"""Trained models, looked at: any number of them, under any number of programs, over all sequences
of their task. `evaluation.measured` is the door."""
