"""The bench: how many phones one machine answers, beside a bare form endpoint. `make bench` runs it."""
