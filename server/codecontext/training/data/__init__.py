"""Query-code pairs: mined, hidden in the code that they are trained on, labelled and split."""
