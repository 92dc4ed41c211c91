"""How much one request may ask for, where several must agree."""

MOST_RUNS = 500  # that a request names; what a page may show, its stream may follow
MOST_RUNS_OF_TABLE = 2000  # sent piece by piece; their ids fill a third of a longest address
