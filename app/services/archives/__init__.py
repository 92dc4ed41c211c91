"""Runs and studies as one file that another Optoscope reads, with everything that is known of them
(docs/adr/0034)."""
