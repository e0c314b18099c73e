"""SegRNN: a recurrent network over segments of a series, for long look-backs and long horizons."""
