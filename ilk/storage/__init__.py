"""A run folder, its checkpoints and its model bundle on disk: atomic, verified, without pickle.

Import from the modules: files, run, checkpoint, tables, pixels; and for a model, each on top of the one before,
checksums, headers, members, bundle, onnx_file. Nothing is gathered here, so that the files of a model can be verified
(`members`) before torch is imported.
"""
