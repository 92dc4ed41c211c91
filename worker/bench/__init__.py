"""How fast this machine trains: cohorts, clamps, and the paper's runs projected."""
