"""The shared kernel: the words that browser, database, queue and science have in common.

Only pydantic and the standard library may be imported here.
"""
