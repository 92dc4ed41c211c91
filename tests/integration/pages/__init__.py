"""Pages as HTML, without a browser."""
