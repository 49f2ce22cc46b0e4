"""What a language model is worth."""
