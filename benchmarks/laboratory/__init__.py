"""What several benchmarks share: labeled images, contestants, rows that are kept, the figure; the steps of speed.py."""
