"""ES-RNN: exponential smoothing and an LSTM, trained together."""
