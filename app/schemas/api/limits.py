"""How much one request may ask for, where several must agree."""

MOST_RUNS = 500  # that a request names; what a page may show, its stream may follow
