"""What the program does, in rooms by subject.

Nothing here knows HTTP, and every SQL is in `app.db`.
"""
