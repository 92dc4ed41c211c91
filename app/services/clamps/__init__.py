"""Clamps as they are shown: the model lit by a program, its circuit, the palette, the text form."""
