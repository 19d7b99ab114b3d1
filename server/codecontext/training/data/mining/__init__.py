"""Finds pairs in an unlabelled repository: one module per source; ``mine`` runs them all and sifts what they find."""
