"""The list of runs: filters, columns, groups, pages of it, and actions on many.

One room: all of it is about one filter, which says what is asked, shown, grouped and changed.
"""
