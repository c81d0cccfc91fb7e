"""The trained model: what answers, the folder that it is saved as, and what proves that it is whole."""
