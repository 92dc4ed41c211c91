"""Workers and trainers as processes, training for real."""
