"""Programs as edits of activations: compiled to parts, bound to a batch, applied in passes."""
