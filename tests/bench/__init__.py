"""How fast the server and its pages are: commands, not tests. They print targets and machine."""
