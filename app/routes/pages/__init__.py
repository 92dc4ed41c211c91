"""The pages and the blocks of them that are fetched again, a module for each."""
