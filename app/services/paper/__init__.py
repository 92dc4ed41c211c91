"""The gallery of the paper's figures: which runs they have here, how they look, what they show."""
