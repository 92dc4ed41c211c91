"""`optoscope up`: servers, children, migrations."""
