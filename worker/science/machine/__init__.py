"""What depends on the machine and not on the science: compiler, devices, products, operations."""
