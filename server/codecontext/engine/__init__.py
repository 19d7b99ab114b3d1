"""The engine: one folder behind ``Engine``, many in a process of their own behind ``EngineClient``.

Nothing is imported here: the language server needs the client without what the engine itself needs.
"""
