"""Time Keras: `fit` over many batches, as users call it. usage: keras_side.py THREADS."""

import os
import statistics
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
start = time.perf_counter()
import keras
import numpy as np
import tensorflow as tf
from article import CASES, RATE, UNITS, report, steps
from keras.layers import LSTM, Dense, Dropout, Input

IMPORT = time.perf_counter() - start


def main():
    tf.config.threading.set_intra_op_parallelism_threads(int(sys.argv[1]))
    tf.config.threading.set_inter_op_parallelism_threads(int(sys.argv[1]))
    for B, T in CASES:
        keras.utils.set_random_seed(0)
        rng, count = np.random.default_rng(0), max(8, steps(B, T) // 4)
        x, y = rng.normal(size=(B * count, T, 1)).astype("f"), rng.normal(size=(B * count, 1)).astype("f")
        hidden = [
            layer for last in (False, False, True) for layer in (LSTM(UNITS, return_sequences=not last), Dropout(RATE))
        ]
        model = keras.Sequential([Input((T, 1)), *hidden, Dense(1)])
        model.compile(loss="mean_squared_error", optimizer="adam")
        model.fit(x, y, epochs=1, batch_size=B, verbose=0)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            model.fit(x, y, epochs=1, batch_size=B, verbose=0)
            times.append((time.perf_counter() - start) / count * 1e3)
        report("keras", "fit", B, T, statistics.median(times), version=keras.__version__, import_s=IMPORT)


main()
