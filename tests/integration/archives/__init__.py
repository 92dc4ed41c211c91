"""Archives: runs and studies as one file, there and back, and what harms one."""
