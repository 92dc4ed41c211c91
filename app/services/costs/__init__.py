"""What a run will cost: time, disk, memory; and what is too large to be launched."""
