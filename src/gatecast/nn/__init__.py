"""Networks: layers, optimizers, training, inspection. Nothing in here knows of time series."""
