"""Networks as ONNX files: graphs of standard operators, made of layers, that other runtimes execute."""
