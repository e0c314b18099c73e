"""Pretrained networks: features, network, head and training; no series of the user is needed to forecast."""
