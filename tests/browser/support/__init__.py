"""What browser tests share: the program, a Chromium, axe, and eyes for charts."""
