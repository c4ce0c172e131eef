"""Layers, containers and losses, in files by kind."""

from typing import TYPE_CHECKING

from tour._lazy import on_first_use

if TYPE_CHECKING:
    from tour.nn.modules.activation import *
    from tour.nn.modules.adaptive import *
    from tour.nn.modules.adaptive_pooling import *
    from tour.nn.modules.attention import *
    from tour.nn.modules.batchnorm import *
    from tour.nn.modules.channelshuffle import *
    from tour.nn.modules.classification import *
    from tour.nn.modules.container import *
    from tour.nn.modules.convolution import *
    from tour.nn.modules.distance import *
    from tour.nn.modules.dropout import *
    from tour.nn.modules.embedding import *
    from tour.nn.modules.flatten import *
    from tour.nn.modules.fold import *
    from tour.nn.modules.lazy_convolution import *
    from tour.nn.modules.linear import *
    from tour.nn.modules.module import *
    from tour.nn.modules.normalization import *
    from tour.nn.modules.padding import *
    from tour.nn.modules.pixelshuffle import *
    from tour.nn.modules.pooling import *
    from tour.nn.modules.ranking import *
    from tour.nn.modules.regression import *
    from tour.nn.modules.rnn import *
    from tour.nn.modules.transformer import *
    from tour.nn.modules.upsampling import *
else:
    __all__, __dir__, __getattr__ = on_first_use(
        __name__,
        {
            "activation": """
                CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish
                PReLU ReLU ReLU6 RReLU SELU Sigmoid SiLU Softmax Softmax2d Softmin Softplus Softshrink Softsign Tanh
                Tanhshrink Threshold
            """,
            "adaptive": "AdaptiveLogSoftmaxWithLoss LinearCrossEntropyLoss LinearCrossEntropyOptions",
            "adaptive_pooling": """
                AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d
                AdaptiveMaxPool3d FractionalMaxPool2d FractionalMaxPool3d
            """,
            "attention": "MultiheadAttention",
            "batchnorm": """
                BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyBatchNorm1d
                LazyBatchNorm2d LazyBatchNorm3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d
            """,
            "channelshuffle": "ChannelShuffle",
            "classification": """
                BCELoss BCEWithLogitsLoss CrossEntropyLoss CTCLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss
                MultiMarginLoss NLLLoss NLLLoss2d SoftMarginLoss
            """,
            "container": "ModuleDict ModuleList ParameterDict ParameterList Sequential",
            "convolution": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d",
            "distance": "CosineSimilarity PairwiseDistance",
            "dropout": "AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout",
            "embedding": "Embedding EmbeddingBag",
            "flatten": "Flatten Unflatten",
            "fold": "Fold Unfold",
            "lazy_convolution": """
                LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d
            """,
            "linear": "Bilinear Identity LazyLinear Linear",
            "module": "Module",
            "normalization": "CrossMapLRN2d GroupNorm LayerNorm LocalResponseNorm RMSNorm",
            "padding": """
                CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d
                ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d
                ZeroPad2d ZeroPad3d
            """,
            "pixelshuffle": "PixelShuffle PixelUnshuffle",
            "pooling": """
                AvgPool1d AvgPool2d AvgPool3d LPPool1d LPPool2d LPPool3d MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d
                MaxUnpool2d MaxUnpool3d
            """,
            "ranking": """
                CosineEmbeddingLoss HingeEmbeddingLoss MarginRankingLoss TripletMarginLoss
                TripletMarginWithDistanceLoss
            """,
            "regression": "GaussianNLLLoss HuberLoss KLDivLoss L1Loss MSELoss PoissonNLLLoss SmoothL1Loss",
            "rnn": "GRU GRUCell LSTM LSTMCell RNN RNNBase RNNCell RNNCellBase",
            "transformer": """
                Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer
            """,
            "upsampling": "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
        },
    )
