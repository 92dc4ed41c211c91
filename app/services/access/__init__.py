"""Who is let in: tokens of programs and sessions of browsers."""
