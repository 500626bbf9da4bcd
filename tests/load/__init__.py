"""
Clients that do everything at random, a model of what they were told, and those who compare.

Both `tests.races` and `tests.chaos` put this load on their daemons.
"""
