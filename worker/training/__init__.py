"""One attempt of a cohort: state to start from, donors, the loop of reports, and its errors."""
