"""Transformer layers: attention and a perceptron, each added to its input and normalised."""

import math
from collections.abc import Callable
from typing import Any

from slopec import dtypes, ops, tree
from slopec.nn import functional
from slopec.nn.attention import MultiheadAttention
from slopec.nn.containers import ModuleList
from slopec.nn.dropout import Dropout
from slopec.nn.linear import Linear, keys
from slopec.nn.module import Module
from slopec.nn.normalization import LayerNorm
from slopec.tensor import Tensor

Activation = str | Callable[[Tensor], Tensor]


def _activation(activation: Activation) -> Callable[[Tensor], Tensor]:
    if callable(activation):
        return activation
    found: Callable[[Tensor], Tensor] = getattr(functional, activation)
    return found


class _Layer(Module):
    """The perceptron and the norms that both kinds of layer have."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Sizes of the model, its heads and its perceptron; `norm_first` normalises inputs."""
        first, second, third = keys(key, 3)
        self.norm_first, self.activation = norm_first, _activation(activation)
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, key=first
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype, key=second)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype, key=third)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)

    def _added(self, i: int, x: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
        """x with sublayer `i` of it added, normalised before or after."""
        norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
        added: Tensor = (
            x + dropout(part(norm(x))) if self.norm_first else norm(x + dropout(part(x)))
        )
        return added

    def _perceptron(self, x: Tensor) -> Tensor:
        result: Tensor = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return result


class TransformerEncoderLayer(_Layer):
    """Self-attention, then a perceptron (Vaswani et al., 2017); arguments as PyTorch's.

    >>> import slopec as sp
    >>> layer = sp.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    >>> layer(sp.ones((3, 5, 8))).shape
    (3, 5, 8)
    """

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """(T, N, E), or (N, T, E) if `batch_first`, to the same shape; a mask's True hides."""

        def attended(x: Tensor) -> Tensor:
            result: Tensor = self.self_attn(
                x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal
            )[0]
            return result

        return self._added(2, self._added(1, src, attended), self._perceptron)


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the encoder's result, then a perceptron.

    >>> import slopec as sp
    >>> layer = sp.nn.TransformerDecoderLayer(8, 2, 16, batch_first=True).eval()
    >>> layer(sp.ones((3, 5, 8)), sp.ones((3, 7, 8)), tgt_is_causal=True).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Sizes of the model, its heads and its perceptron; `norm_first` normalises inputs."""
        first, second = keys(key, 2)
        super().__init__(
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
            dtype=dtype,
            key=first,
        )
        self.multihead_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, key=second
        )
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout3 = Dropout(dropout)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """(T, N, E) and the memory (S, N, E) to (T, N, E); N first if `batch_first`."""

        def attended(x: Tensor) -> Tensor:
            result: Tensor = self.self_attn(
                x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal
            )[0]
            return result

        def remembered(x: Tensor) -> Tensor:
            result: Tensor = self.multihead_attn(
                x,
                memory,
                memory,
                memory_key_padding_mask,
                False,
                memory_mask,
                is_causal=memory_is_causal,
            )[0]
            return result

        x = self._added(2, self._added(1, tgt, attended), remembered)
        return self._added(3, x, self._perceptron)


class _Stack(Module):
    """`num_layers` copies of a layer, one after the other, and maybe a norm."""

    def _hold(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        """Copies begin with the layer's parameters, as PyTorch's do."""
        self.layers = ModuleList([_copy(layer) for _ in range(num_layers)])
        self.norm = norm

    def _through(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Through all layers, each with the further arguments."""
        for layer in self.layers:
            x = layer(x, *args, **kwargs)
        return x if self.norm is None else self.norm(x)


def _copy(module: Module) -> Module:
    """The same module over again, its parameters tensors of their own."""
    leaves, treedef = tree.flatten(module)
    made: Module = treedef.unflatten(Tensor(leaf.numpy().copy()) for leaf in leaves)
    return made


class TransformerEncoder(_Stack):
    """A stack of encoder layers.

    >>> import slopec as sp
    >>> layer = sp.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    >>> sp.nn.TransformerEncoder(layer, 2).eval()(sp.ones((3, 5, 8))).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        """Copies of a layer; PyTorch's last two arguments choose nothing here."""
        self._hold(encoder_layer, num_layers, norm)

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """(S, N, E) to the same shape, N first if the layers are `batch_first`."""
        return self._through(src, mask, src_key_padding_mask, bool(is_causal))


class TransformerDecoder(_Stack):
    """A stack of decoder layers.

    >>> import slopec as sp
    >>> layer = sp.nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
    >>> sp.nn.TransformerDecoder(layer, 2).eval()(sp.ones((3, 5, 8)), sp.ones((3, 7, 8))).shape
    (3, 5, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        """Copies of a layer."""
        self._hold(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """(T, N, E) and the memory (S, N, E) to (T, N, E); N first if `batch_first`."""
        return self._through(
            tgt,
            memory,
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            bool(tgt_is_causal),
            memory_is_causal,
        )


class Transformer(Module):
    """An encoder of the source and a decoder of the target that attends to its result.

    As in *Attention Is All You Need* (Vaswani et al., 2017), without embeddings and head.

    >>> import slopec as sp
    >>> model = sp.nn.Transformer(8, 2, 1, 1, 16, batch_first=True).eval()
    >>> mask = sp.nn.Transformer.generate_square_subsequent_mask(5)
    >>> model(sp.ones((3, 7, 8)), sp.ones((3, 5, 8)), tgt_mask=mask).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Sizes as of the layers, how many of each, or an encoder and a decoder of one's own."""
        first, second = keys(key, 2)
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        options = (batch_first, norm_first, bias)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)

        self.batch_first = batch_first
        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(*sizes, *options, dtype=dtype, key=first),
            num_encoder_layers,
            norm(),
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(*sizes, *options, dtype=dtype, key=second),
            num_decoder_layers,
            norm(),
        )

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
    ) -> Tensor:
        """Source (S, N, E) and target (T, N, E) to (T, N, E); N first if `batch_first`."""
        memory = self.encoder(src, src_mask, src_key_padding_mask)
        result: Tensor = self.decoder(
            tgt,
            memory,
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
        )
        return result

    @staticmethod
    def generate_square_subsequent_mask(size: int) -> Tensor:
        """(size, size), -inf above the diagonal and 0 elsewhere: no position sees later ones."""
        return ops.triu(ops.full((size, size), -math.inf), k=1)
