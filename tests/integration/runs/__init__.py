"""The life of runs: forks, grafts, cohorts in line, and runs that were lost."""
