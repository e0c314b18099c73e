"""Names of Keras by module of gatecast: what to write instead of those that gatecast does not have.

`tests/nn/golden/keras_names.json` has all names of Keras, and the tests want each of them here or in its module.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ADVICE"]

_ARRAYS = "Use NumPy: losses, metrics and callbacks get arrays."
_LOSS = "Pass a function of (y_true, y_pred) that returns the losses and their gradient."
_METRIC = "Pass a function of (y_true, y_pred) that returns a value per sample, or derive from Metric to divide sums."
_STORED = "Write model.save(path): a file has the settings of layers, losses, metrics and optimizers."
_OWN = "Leave it out: a saved model contains no objects of yours."
_OBJECT = "Pass the object itself, or its name; get(name) makes the object."
_LAYER = "Derive a class from gatecast.layers.BaseLayer with a forward and a backward pass."
_FRAMEWORK = "Leave it out: there is no graph, and no tensors with types and devices of their own."
_IMAGES = "There are no image networks: layers take (samples, time, features)."
_PREPARE = "Prepare the data before the model, with NumPy, pandas or scikit-learn."
_DIRECTORIES = "Read the files yourself, and pass arrays or batches of them."
_CALLED = "Write gatecast.losses.{0}()(y_true, y_pred)."
_METRIC_CALLED = "Write gatecast.metrics.{0}()(y_true, y_pred)."

_COMMON: Mapping[str, Mapping[str, str]] = {
    "gatecast": {
        "applications": "There are no pretrained image networks.",
        "distribution": "Training uses all cores of one machine.",
        "KerasTensor": "Describe an input with gatecast.layers.Input.",
        "mixed_precision": "Leave it out: training is in float32.",
        "ops": _ARRAYS,
        "random": "Use numpy.random, and gatecast.utils.set_random_seed.",
        "saving": "Write model.save(path) and gatecast.models.load_model(path).",
        "Variable": "Keep state in attributes of your callback or metric.",
        "wrappers": "Wrap fit and predict in a class of your own.",
    },
    "gatecast.layers": {
        "Conv2D": "Use TimeDistributed(Conv1D(...)) for steps that are sequences.",
        "ConvLSTM1D": "Use TimeDistributed(Conv1D(...)), TimeDistributed(Flatten()) and an LSTM.",
        "ConvLSTM2D": "Use TimeDistributed(Conv1D(...)), TimeDistributed(Flatten()) and an LSTM.",
        "CuDNNGRU": "Write GRU.",
        "CuDNNLSTM": "Write LSTM.",
        "Lambda": "Transform the data before the model; for the last step leave return_sequences out.",
        "Normalization": "Scale the data before the model, or use BatchNormalization.",
    },
    "gatecast.backend": {
        "get_value": "Write float(model.optimizer.learning_rate).",
        "set_value": "Write model.optimizer.learning_rate = value.",
        "set_floatx": "Leave it out: weights and outputs are float32.",
        "set_session": "Leave it out: there is no session.",
        "set_learning_phase": "Leave it out: fit drops out values, predict does not.",
    }
    | dict.fromkeys(("abs", "exp", "log", "max", "maximum", "mean", "pow", "sqrt", "square", "sum"), _ARRAYS),
    "gatecast.callbacks": {
        "CallbackList": "Pass a list: fit(callbacks=[...]).",
        "ProgbarLogger": "Leave it out: fit(verbose=1) shows the progress.",
        "RemoteMonitor": "Send the logs from LambdaCallback(on_epoch_end=...).",
        "SwapEMAWeights": "Compile with gatecast.optim.chain(Adam().transformation(), gatecast.optim.ema()).",
        "TensorBoard": "Write the logs with CSVLogger('log.csv').",
    },
    "gatecast.losses": {
        "BinaryFocalCrossentropy": _LOSS,
        "CategoricalHinge": _LOSS,
        "CosineSimilarity": _LOSS,
        "Hinge": _LOSS,
        "SparseCategoricalCrossentropy": "Write CategoricalCrossentropy with gatecast.utils.to_categorical(y).",
        "SquaredHinge": _LOSS,
        "Tversky": _LOSS,
    },
    "gatecast.metrics": dict.fromkeys(
        ("AUC", "F1Score", "FBetaScore", "Hinge", "IoU", "Precision", "Recall", "TopKCategoricalAccuracy"), _METRIC
    ),
    "gatecast.models": {
        "model_from_json": "Write model.save(path) and load_model(path).",
        "save_model": "Write model.save(path).",
    },
    "gatecast.optim": dict.fromkeys(
        ("Adam", "AdamW", "SGD", "RMSprop", "Nadam", "Adagrad"), "Import it from gatecast.optimizers."
    ),
    "gatecast.optimizers": {
        "Adadelta": "Use Adam or RMSprop.",
        "Adafactor": "Use Adam.",
        "Adamax": "Use Adam.",
        "Ftrl": "Use Adagrad.",
        "Lamb": "Use AdamW.",
        "legacy": "Import it from gatecast.optimizers.",
        "Lion": "Use AdamW.",
        "LossScaleOptimizer": "Leave it out: training is in float32.",
        "Muon": "Use AdamW.",
    },
    "gatecast.optimizers.schedules": {
        "CosineDecayRestarts": "Derive a class from LearningRateSchedule and define __call__(self, step).",
    },
    "gatecast.preprocessing": {
        "image": "There are no image networks.",
        "image_dataset_from_directory": "There are no image networks.",
        "text": "Number the words yourself, and use gatecast.layers.Embedding.",
        "text_dataset_from_directory": "Number the words yourself, and use gatecast.layers.Embedding.",
    },
    "gatecast.utils": {
        "get_custom_objects": _OWN,
        "model_to_dot": "Write model.summary().",
        "normalize": "Use NumPy.",
        "plot_model": "Write model.summary().",
        "Progbar": "fit(verbose=1) shows the progress.",
        "register_keras_serializable": _OWN,
    },
}
"""Names of Keras that scripts often ask for."""

_MORE: Mapping[str, Mapping[str, str]] = {
    "gatecast": {
        **dict.fromkeys(("Function", "Operation"), "Write gatecast.models.Model(inputs, outputs)."),
        "Initializer": "Import it from gatecast.initializers.",
        "InputSpec": _LAYER,
        "Layer": _LAYER,
        "Loss": "Import it from gatecast.losses.",
        "Metric": "Import it from gatecast.metrics.",
        "Optimizer": "Import it from gatecast.optimizers.",
        "Regularizer": "Import it from gatecast.regularizers.",
        **dict.fromkeys(("DTypePolicy", "FloatDTypePolicy", "dtype_policies"), "Leave it out: training is in float32."),
        **dict.fromkeys(("Quantizer", "quantizers"), "Leave it out: weights are float32."),
        **dict.fromkeys(
            ("RematScope", "StatelessScope", "SymbolicScope", "device", "name_scope", "remat", "src", "tree"),
            _FRAMEWORK,
        ),
        "distillation": "Train the small model on the predictions of the large one: fit(x, large.predict(x)).",
        "export": "Write model.save(path), or model.to_torch() for PyTorch.",
        "legacy": "Write the names of Keras 3.",
        "version": "Read gatecast.__version__.",
        "visualization": "Use matplotlib.",
    },
    "gatecast.activations": {
        **dict.fromkeys(("deserialize", "serialize"), _OBJECT),
        "celu": "Use elu, which is celu with alpha=1.",
        "glu": "Multiply two Dense layers, one of them with sigmoid: gatecast.layers.Multiply.",
        **dict.fromkeys(("hard_silu", "hard_swish", "mish"), "Use silu, which is close to it."),
        **dict.fromkeys(("hard_shrink", "soft_shrink", "tanh_shrink", "threshold"), "Use relu or tanh."),
        **dict.fromkeys(("hard_tanh",), "Use tanh or softsign."),
        "log_sigmoid": "Use linear outputs, and losses.BinaryCrossentropy(from_logits=True).",
        "log_softmax": "Use linear outputs, and losses.CategoricalCrossentropy(from_logits=True).",
        **dict.fromkeys(("sparse_plus", "squareplus"), "Use softplus, which is close to it."),
        "sparse_sigmoid": "Use hard_sigmoid, which is close to it.",
        "sparsemax": "Use softmax.",
    },
    "gatecast.backend": {
        **dict.fromkeys(("image_data_format", "set_image_data_format"), "Time comes before features here."),
        **dict.fromkeys(("is_float_dtype", "is_int_dtype", "result_type", "standardize_dtype"), _ARRAYS),
        "get_uid": "Pass name= to the layer.",
        "is_keras_tensor": _FRAMEWORK,
        "set_epsilon": "Pass epsilon= to the layer or the optimizer.",
    },
    "gatecast.callbacks": {"OrbaxCheckpoint": "Write ModelCheckpoint(path) or BackupAndRestore(folder)."},
    "gatecast.constraints": dict.fromkeys(("deserialize", "serialize"), _OBJECT),
    "gatecast.initializers": {
        **dict.fromkeys(("deserialize", "serialize"), _OBJECT),
        **dict.fromkeys(("STFT", "STFTInitializer", "stft"), "Take the spectrum with numpy.fft before the model."),
    },
    "gatecast.layers": {
        **dict.fromkeys(("deserialize", "serialize"), _STORED),
        **dict.fromkeys(
            (
                *(
                    "AdaptiveAveragePooling2D",
                    "AdaptiveAveragePooling3D",
                    "AdaptiveMaxPooling2D",
                    "AdaptiveMaxPooling3D",
                ),
                *(
                    "AugMix",
                    "AutoContrast",
                    "AveragePooling2D",
                    "AveragePooling3D",
                    "AvgPool2D",
                    "AvgPool3D",
                    "CenterCrop",
                ),
                *("ContrastLimitedAdaptiveHistogramEqualization", "Conv2DTranspose", "Conv3D", "Conv3DTranspose"),
                *("Convolution2D", "Convolution2DTranspose", "Convolution3D", "Convolution3DTranspose", "ConvLSTM3D"),
                *("Cropping2D", "Cropping3D", "CutMix", "DepthwiseConv2D", "Equalization", "GlobalAveragePooling2D"),
                *("GlobalAveragePooling3D", "GlobalAvgPool2D", "GlobalAvgPool3D", "GlobalMaxPool2D", "GlobalMaxPool3D"),
                *("GlobalMaxPooling2D", "GlobalMaxPooling3D", "MaxNumBoundingBoxes", "MaxPool2D", "MaxPool3D"),
                *(
                    "MaxPooling2D",
                    "MaxPooling3D",
                    "MixUp",
                    "RandAugment",
                    "RandomBrightness",
                    "RandomColorDegeneration",
                ),
                *("RandomColorJitter", "RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing"),
                *(
                    "RandomFlip",
                    "RandomGaussianBlur",
                    "RandomGrayscale",
                    "RandomHue",
                    "RandomInvert",
                    "RandomPerspective",
                ),
                *("RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear"),
                *(
                    "RandomTranslation",
                    "RandomZoom",
                    "Resizing",
                    "SeparableConv2D",
                    "SeparableConvolution2D",
                    "Solarization",
                ),
                *(
                    "SpatialDropout2D",
                    "SpatialDropout3D",
                    "UpSampling2D",
                    "UpSampling3D",
                    "ZeroPadding2D",
                    "ZeroPadding3D",
                ),
            ),
            _IMAGES,
        ),
        **dict.fromkeys(
            (
                *("CategoryEncoding", "Discretization", "HashedCrossing", "Hashing", "IntegerLookup", "MelSpectrogram"),
                *("Pipeline", "Rescaling", "STFTSpectrogram", "StringLookup", "TextVectorization"),
            ),
            _PREPARE,
        ),
        **dict.fromkeys(
            ("AdditiveAttention", "Attention", "GroupQueryAttention", "MultiHeadAttention"),
            "Use a recurrent layer: there is no attention.",
        ),
        **dict.fromkeys(
            ("FlaxLayer", "InputSpec", "JaxLayer", "TFSMLayer", "TorchModuleWrapper", "Wrapper", "EinsumDense"), _LAYER
        ),
        "ActivityRegularization": "Use kernel_regularizer=, which penalizes weights.",
        "AdaptiveAveragePooling1D": "Use AveragePooling1D(steps // outputs), or GlobalAveragePooling1D.",
        "AdaptiveMaxPooling1D": "Use MaxPooling1D(steps // outputs), or GlobalMaxPooling1D.",
        **dict.fromkeys(("AlphaDropout", "GaussianDropout"), "Use Dropout or GaussianNoise."),
        **dict.fromkeys(
            ("Conv1DTranspose", "Convolution1DTranspose", "UpSampling1D"),
            "Use RepeatVector, or Dense and Reshape, to make more steps.",
        ),
        "Cropping1D": "Cut the data before the model.",
        **dict.fromkeys(
            ("DepthwiseConv1D", "SeparableConv1D", "SeparableConvolution1D"), "Use Conv1D, which mixes the features."
        ),
        **dict.fromkeys(("Dot", "dot"), "Use Multiply, and Dense(1) to sum with weights."),
        **dict.fromkeys(("GroupNormalization", "UnitNormalization"), "Use LayerNormalization or RMSNorm."),
        "Identity": "Leave it out, or write Activation('linear').",
        "PReLU": "Use LeakyReLU, whose slope is fixed.",
        "RMSNormalization": "Use gatecast.layers.RMSNorm.",
        "ReversibleEmbedding": "Use Embedding, and Dense for the way back.",
        "SpectralNormalization": "Use kernel_constraint='unit_norm'.",
        "ZeroPadding1D": "Use Conv1D(padding='same') or Conv1D(padding='causal'), or pad the data before the model.",
    },
    "gatecast.losses": {
        **dict.fromkeys(("deserialize", "serialize"), _STORED),
        **dict.fromkeys(
            (
                *("CTC", "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy", "Circle", "Dice"),
                *("binary_focal_crossentropy", "categorical_focal_crossentropy", "categorical_hinge", "circle", "ctc"),
                *(
                    "categorical_generalized_cross_entropy",
                    "cosine_similarity",
                    "dice",
                    "hinge",
                    "squared_hinge",
                    "tversky",
                ),
            ),
            _LOSS,
        ),
        "huber": _CALLED.format("Huber"),
        "kl_divergence": _CALLED.format("KLDivergence"),
        "poisson": _CALLED.format("Poisson"),
        "sparse_categorical_crossentropy": "Write categorical_crossentropy with gatecast.utils.to_categorical(y).",
    },
    "gatecast.metrics": {
        **dict.fromkeys(("deserialize", "serialize"), _STORED),
        **dict.fromkeys(
            (
                *("BinaryIoU", "CategoricalHinge", "ConcordanceCorrelation", "FalseNegatives", "FalsePositives"),
                *("KLDivergence", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "PearsonCorrelation", "Poisson"),
                *(
                    "PrecisionAtRecall",
                    "RecallAtPrecision",
                    "SensitivityAtSpecificity",
                    "SparseCategoricalCrossentropy",
                ),
                *("SparseTopKCategoricalAccuracy", "SpecificityAtSensitivity", "SquaredHinge", "TrueNegatives"),
                *("TruePositives", "binary_focal_crossentropy", "categorical_focal_crossentropy", "categorical_hinge"),
                *("concordance_correlation", "hinge", "pearson_correlation", "sparse_categorical_crossentropy"),
                *("sparse_top_k_categorical_accuracy", "squared_hinge", "top_k_categorical_accuracy"),
            ),
            _METRIC,
        ),
        "binary_accuracy": _METRIC_CALLED.format("BinaryAccuracy"),
        "categorical_accuracy": _METRIC_CALLED.format("CategoricalAccuracy"),
        "huber": _CALLED.format("Huber"),
        "kl_divergence": _CALLED.format("KLDivergence"),
        "poisson": _CALLED.format("Poisson"),
        "sparse_categorical_accuracy": _METRIC_CALLED.format("SparseCategoricalAccuracy"),
    },
    "gatecast.optimizers": {
        **dict.fromkeys(("deserialize", "serialize"), _STORED),
        **dict.fromkeys(
            ("MultiOptimizer", "OptimizerMap"), "One optimizer trains all layers: freeze some with trainable=False."
        ),
        "ScheduleFreeAdamW": "Use AdamW with a schedule, or gatecast.optim.ema.",
    },
    "gatecast.optimizers.schedules": dict.fromkeys(("deserialize", "serialize"), _STORED),
    "gatecast.regularizers": {
        **dict.fromkeys(("deserialize", "serialize"), _OBJECT),
        **dict.fromkeys(
            ("OrthogonalRegularizer", "orthogonal_regularizer"),
            "Start from kernel_initializer='orthogonal', and use kernel_regularizer='l2'.",
        ),
    },
    "gatecast.utils": {
        **dict.fromkeys(("CustomObjectScope", "custom_object_scope"), _OWN),
        **dict.fromkeys(
            ("deserialize_keras_object", "get_registered_name", "get_registered_object", "serialize_keras_object"),
            _STORED,
        ),
        **dict.fromkeys(("array_to_img", "bounding_boxes", "img_to_array", "load_img", "save_img"), _IMAGES),
        **dict.fromkeys(
            (
                *("audio_dataset_from_directory", "image_dataset_from_directory", "text_dataset_from_directory"),
                "get_file",
            ),
            _DIRECTORIES,
        ),
        **dict.fromkeys(
            ("disable_interactive_logging", "enable_interactive_logging", "is_interactive_logging_enabled"),
            "Pass verbose= to fit: 0, 1 or 2.",
        ),
        **dict.fromkeys(("Config", "get_source_inputs", "is_keras_tensor", "standardize_dtype"), _FRAMEWORK),
        "FeatureSpace": _PREPARE,
        "legacy": "Write the names of Keras 3.",
        "pack_x_y_sample_weight": "Write a tuple: (x, y, sample_weight).",
        "split_dataset": "Cut the arrays, or pass validation_split= to fit.",
        "unpack_x_y_sample_weight": "Write x, y, *rest = batch.",
    },
}
"""Names of Keras that scripts ask for less often."""

ADVICE: Mapping[str, Mapping[str, str]] = {
    module: {**_COMMON.get(module, {}), **_MORE.get(module, {})} for module in sorted({*_COMMON, *_MORE})
}
"""Names of Keras by module of gatecast: what to write instead."""
