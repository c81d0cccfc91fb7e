"""What the benchmarks of accuracy share: labeled images, contestants, rows that are kept, and the figure."""
