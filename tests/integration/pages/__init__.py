"""Pages as HTML, without a browser.

One room: whoever changes a page looks here for its name, and all share fixtures of rows.
"""
