"""What depends on the machine: compiling, capturing, keeping and replaying programs."""
