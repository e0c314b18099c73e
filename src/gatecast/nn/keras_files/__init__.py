"""Files that Keras has written: ``.keras`` archives, ``.h5`` models and ``.weights.h5``, read as data alone."""
