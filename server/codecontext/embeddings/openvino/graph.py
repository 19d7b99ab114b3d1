"""The operations that encoders are made of, as nodes of an OpenVINO graph.

What each operation computes: https://docs.openvino.ai/2025/documentation/openvino-ir-format/operation-sets.html.
Nodes of hidden states have the shape (batch, tokens, hidden), those of attention (batch, heads, tokens, head size).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codecontext.embeddings.openvino.library import openvino, operations
from codecontext.embeddings.openvino.weights import MappedWeights
from codecontext.embeddings.pooling import Pooling

Node = Any
"""A node of the graph; openvino declares no types."""

# Shorter vectors are not made longer: the default of torch.nn.functional.normalize.
_SMALLEST_NORM = 1e-12


class Activation(StrEnum):
    """The activation functions known here, by transformers' names."""

    GELU = "gelu"
    GELU_NEW = "gelu_new"
    GELU_TANH = "gelu_pytorch_tanh"
    RELU = "relu"
    SILU = "silu"
    SWISH = "swish"


class EncoderGraph:
    """An encoder under construction: its inputs, its weights by name, and the layers that are made of them.

    ``weights`` are shared with the graph, not copied, and must not change. ``longest`` is how many tokens a text has
    at most.
    """

    def __init__(self, weights: MappedWeights, longest: int) -> None:
        self.op = operations()
        self.weights = weights
        self.longest = longest
        self.input_ids = self._input("input_ids")
        self.attention_mask = self._input("attention_mask")
        """1 for real tokens, 0 for padding, which may be on either side."""
        self._length = self.op.gather(self.op.shape_of(self.input_ids), self.integers(1), self.integers(0))

    def embedding(self, ids: Node, table: str) -> Node:
        """The rows of a table that ``ids`` number."""
        return self._as_float32(self.op.gather(self._as_stored(table), ids, self.integers(0)))

    def linear(self, hidden: Node, module: str) -> Node:
        """``hidden`` times the module's weight, (out, in), plus its bias where it has one."""
        product = self.op.matmul(hidden, self.weight(f"{module}.weight"), False, True)
        bias = f"{module}.bias"
        return self.op.add(product, self.weight(bias)) if bias in self.weights else product

    def layer_norm(self, hidden: Node, module: str, epsilon: float) -> Node:
        """Layer normalisation (Ba et al. 2016, arXiv:1607.06450)."""
        normal = self.op.mvn(hidden, self.integers(-1), True, epsilon, "inside_sqrt")
        scaled = self.op.multiply(normal, self.weight(f"{module}.weight"))
        return self.op.add(scaled, self.weight(f"{module}.bias"))

    def rms_norm(self, hidden: Node, module: str, epsilon: float) -> Node:
        """Root mean square normalisation (Zhang & Sennrich 2019, arXiv:1910.07467)."""
        mean = self.op.reduce_mean(self.op.power(hidden, self.number(2)), self.integers(-1), True)
        root = self.op.sqrt(self.op.add(mean, self.number(epsilon)))
        normal = self.op.multiply(hidden, self.op.divide(self.number(1), root))
        return self.op.multiply(normal, self.weight(f"{module}.weight"))

    def activation(self, hidden: Node, kind: Activation) -> Node:
        """The activation function of this name."""
        match kind:
            case Activation.GELU:
                return self.op.gelu(hidden, "erf")
            case Activation.GELU_NEW | Activation.GELU_TANH:
                return self.op.gelu(hidden, "tanh")
            case Activation.RELU:
                return self.op.relu(hidden)
            case Activation.SILU | Activation.SWISH:
                return self.op.swish(hidden)

    def split_heads(self, hidden: Node, count: int, size: int) -> Node:
        """(batch, tokens, count · size) as (batch, count, tokens, size)."""
        apart = self.op.reshape(hidden, self.integers(0, 0, count, size), True)
        return self.op.transpose(apart, self.integers(0, 2, 1, 3))

    def attention(self, query: Node, key: Node, value: Node, mask: Node) -> Node:
        """Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762), with its heads joined again.

        ``mask`` is broadcast to (batch, heads, tokens, tokens). It says which pairs count, or is added to their scores.
        """
        context = self.op.scaled_dot_product_attention(query, key, value, mask)
        return self.op.reshape(self.op.transpose(context, self.integers(0, 2, 1, 3)), self.integers(0, 0, -1), True)

    def real_tokens(self) -> Node:
        """The attention mask as true and false, shape (batch, 1, 1, tokens)."""
        return self.op.unsqueeze(self.op.convert(self.attention_mask, "boolean"), self.integers(1, 2))

    def positions(self) -> Node:
        """0, 1, 2, … for the tokens of a text, padding included; shape (tokens,)."""
        length = self.op.squeeze(self._length, self.integers(0))
        return self.op.range(self.integer(0), length, self.integer(1), "i64")

    def by_position(self, table: Node) -> Node:
        """The rows 0, 1, 2, … of a table, one for each token of a text."""
        return self.op.slice(table, self.integers(0), self._length, self.integers(1), self.integers(0))

    def weight(self, name: str) -> Node:
        """The tensor ``name`` of the model."""
        return self._as_float32(self._as_stored(name))

    def constant(self, values: NDArray[Any]) -> Node:
        """Numbers that are shared with the graph."""
        return openvino().op.Constant(np.ascontiguousarray(values), shared_memory=True)

    def number(self, value: float) -> Node:
        """One float."""
        return self.op.constant(np.float32(value))

    def integer(self, value: int) -> Node:
        """One integer."""
        return self.op.constant(np.int64(value))

    def integers(self, *values: int) -> Node:
        """A list of integers."""
        return self.op.constant(np.array(values, dtype=np.int64))

    def finish(self, hidden: Node, pooling: Pooling, *, normalize: bool) -> Any:
        """The model that pools these hidden states, (input_ids, attention_mask) → (batch, hidden)."""
        pooled = self._pooled(hidden, pooling)
        if normalize:
            pooled = self.op.normalize_l2(pooled, self.integers(1), _SMALLEST_NORM**2, "max")
        return openvino().Model([pooled], [self.input_ids, self.attention_mask])

    def _as_stored(self, name: str) -> Node:
        """A tensor that is stored in half precision stays so: OpenVINO converts it as it goes, in less memory.

        Such a constant is a bare view; whoever compiles the graph keeps the weights alive.
        """
        halves = self.weights.halves(name)
        if halves is None:
            return self.constant(self.weights[name])
        kinds, shape = openvino().Type, openvino().Shape(list(halves.shape))
        kind = {"F16": kinds.f16, "BF16": kinds.bf16}[halves.dtype]
        bits = np.frombuffer(halves.data, np.uint16).reshape(halves.shape)
        return openvino().op.Constant(openvino().Tensor(bits, shape, kind), shared_memory=True)

    def _as_float32(self, node: Node) -> Node:
        single = openvino().Type.f32
        return node if node.get_element_type() == single else self.op.convert(node, single)

    def _pooled(self, hidden: Node, pooling: Pooling) -> Node:
        """One vector a text, as ``codecontext.embeddings.pooling`` computes them in torch."""
        op, real = self.op, self.op.convert(self.attention_mask, "f32")
        match pooling:
            case Pooling.MEAN:
                total = op.reduce_sum(op.multiply(hidden, op.unsqueeze(real, self.integers(2))), self.integers(1))
                return op.divide(total, op.maximum(op.reduce_sum(real, self.integers(1), True), self.number(1e-9)))
            case Pooling.MAX:
                seen = op.unsqueeze(op.convert(self.attention_mask, "boolean"), self.integers(2))
                return op.reduce_max(
                    op.select(seen, hidden, self.number(float(np.finfo(np.float32).min))), self.integers(1)
                )
            case Pooling.CLS:
                return self._token_of_largest(hidden, real)
            case Pooling.LAST:
                return self._token_of_largest(hidden, op.multiply(op.cum_sum(real, self.integer(1)), real))

    def _token_of_largest(self, hidden: Node, scores: Node) -> Node:
        """The hidden state of the token with the largest score in each text, of the first one of equals."""
        best = self.op.topk(scores, self.integer(1), 1, "max", "value", "i64", stable=True)
        taken = self.op.gather(hidden, best.output(1), self.integers(1), batch_dims=1)
        return self.op.squeeze(taken, self.integers(1))

    def _input(self, name: str) -> Node:
        node = self.op.parameter([-1, -1], openvino().Type.i64, name)
        node.output(0).set_names({name})
        return node
