"""What a training has to say, written down: a queue, one transaction a flush, files in a store."""
