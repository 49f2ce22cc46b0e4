"""Trained models in use: scored on a split, or asked about new inputs."""
