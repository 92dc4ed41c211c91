"""Small models, clamped ones, golden numbers and the published code's semantics."""
