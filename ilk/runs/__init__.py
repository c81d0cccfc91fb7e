"""What happens to a run folder, without a terminal: each file holds one thing that is done to it, as functions.

They return values and speak through `ilk.runs.events.Events`; the command line is one listener, a program another.
"""
