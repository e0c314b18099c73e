"""Fitted forecasting models as graphs of ONNX: raw values in, quantiles in the unit of the values out."""
