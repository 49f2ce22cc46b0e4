"""Sequence models by name: `build_model(ModelConfig("lstm"), vocab, context)`."""
