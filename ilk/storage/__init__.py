"""A run folder, its tables, checkpoints and lock on disk: atomic, verified, without pickle.

Import from the modules; nothing is gathered here, so that a run is opened and verified before torch is imported.
"""
