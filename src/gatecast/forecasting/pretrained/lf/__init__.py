"""The low-frequency network: yearly to weekly series, seasons up to 52 steps."""
