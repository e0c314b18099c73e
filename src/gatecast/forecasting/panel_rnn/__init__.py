"""The panel RNN: one recurrent network for all series."""
