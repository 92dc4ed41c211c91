"""REST: boards, and what their figures show."""
