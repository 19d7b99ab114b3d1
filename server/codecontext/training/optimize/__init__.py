"""What training changes and minimises: encoder, losses, loop, checkpoints."""
