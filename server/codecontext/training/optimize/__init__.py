"""Trains: the encoder, what is minimised for each side, the loop, checkpoints."""
