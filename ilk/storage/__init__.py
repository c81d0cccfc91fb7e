"""A run folder, its checkpoints and its model bundle on disk: atomic, verified, without pickle.

Import from the modules: files, checksums, run, checkpoint, bundle, tables. Nothing is gathered here, so that a
model can be verified (`checksums`) before torch is imported.
"""
