"""What `optoscope up` says and decides."""
