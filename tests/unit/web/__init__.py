"""Scripts and templates, read as text: what one asks for, the other has."""
