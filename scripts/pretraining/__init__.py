"""Parts of scripts/pretrain.py: made series in batches, the state of a run, its tables, its loop."""
