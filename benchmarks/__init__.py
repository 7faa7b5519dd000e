"""Each claim of speed as a program: ours and the usual way, in one run."""
