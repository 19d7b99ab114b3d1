"""Trains LoRA adapters on a repository's own vocabulary and measures them against the base model.

``trainer`` and ``evaluator`` are the two entry points. Below them, imports point one way: ``release`` (adapter folder,
card, reports, promotion), ``optimize`` (encoder, objectives, loop), ``evaluation`` (rankings, metrics, results),
``data`` (pairs, the corpus that hides their sources, splits), ``config``.
"""
