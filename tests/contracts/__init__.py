"""What the tree itself promises: rooms, names, diagrams and paths that are as they are said."""
