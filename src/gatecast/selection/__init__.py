"""Choose between models: compare, tune, memory benchmark."""
