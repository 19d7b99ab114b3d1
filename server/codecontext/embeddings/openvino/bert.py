"""Encoders like BERT: absolute positions, attention to both sides, normalisation after each part.

BERT is Devlin et al. 2018 (arXiv:1810.04805), RoBERTa Liu et al. 2019 (arXiv:1907.11692), MPNet Song et al. 2020
(arXiv:2004.09297). The fields are those of transformers:
https://huggingface.co/docs/transformers/model_doc/bert, …/roberta and …/mpnet.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, model_validator

from codecontext.embeddings.openvino.architecture import Architecture, LayerCount, linear_shapes
from codecontext.embeddings.openvino.graph import Activation, EncoderGraph, Node

# What is added to a score so that softmax makes nothing of it.
_NOTHING = -1e9


@dataclass(frozen=True, slots=True)
class _Names:
    """What a layer calls the parts of its attention."""

    query: str
    key: str
    value: str
    output: str
    norm: str


class BertLike(Architecture):
    """What BERT, RoBERTa and MPNet have in common."""

    names: ClassVar[_Names]
    tables = frozenset({"embeddings.word_embeddings", "embeddings.position_embeddings"})

    vocab_size: PositiveInt
    hidden_size: PositiveInt
    num_hidden_layers: LayerCount
    num_attention_heads: PositiveInt
    intermediate_size: PositiveInt
    max_position_embeddings: PositiveInt = 512
    hidden_act: Activation = Activation.GELU
    layer_norm_eps: float = 1e-12
    is_decoder: Literal[False] = False
    add_cross_attention: Literal[False] = False
    position_embedding_type: Literal["absolute"] = "absolute"
    pruned_heads: dict[str, list[int]] = Field(default_factory=dict, max_length=0)

    @model_validator(mode="after")
    def _whole_heads(self) -> Self:
        if self.hidden_size % self.num_attention_heads:
            raise ValueError("hidden_size is no multiple of num_attention_heads")
        return self

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of every weight."""
        hidden, inner = self.hidden_size, self.intermediate_size
        shapes: dict[str, tuple[int, ...]] = {
            "embeddings.word_embeddings.weight": (self.vocab_size, hidden),
            "embeddings.position_embeddings.weight": (self.max_position_embeddings, hidden),
            **_norm_shapes("embeddings.LayerNorm", hidden),
        }
        for layer in self._layers():
            names = self.names
            for part in (names.query, names.key, names.value, names.output):
                shapes |= linear_shapes(f"{layer}.{part}", hidden, hidden)
            shapes |= _norm_shapes(f"{layer}.{names.norm}", hidden)
            shapes |= linear_shapes(f"{layer}.intermediate.dense", inner, hidden)
            shapes |= linear_shapes(f"{layer}.output.dense", hidden, inner)
            shapes |= _norm_shapes(f"{layer}.output.LayerNorm", hidden)
        return shapes

    def unused_modules(self) -> dict[str, tuple[int, ...]]:
        """The pooler, which is for classifying."""
        return {"pooler.dense": (self.hidden_size, self.hidden_size)}

    def hidden_states(self, graph: EncoderGraph) -> Node:
        """Embeddings, then layer after layer."""
        hidden = graph.layer_norm(self._embeddings(graph), "embeddings.LayerNorm", self.layer_norm_eps)
        mask = self._mask(graph)
        for layer in self._layers():
            hidden = self._layer(graph, hidden, mask, layer)
        return hidden

    @abstractmethod
    def _embeddings(self, graph: EncoderGraph) -> Node:
        """The sum of what stands for each token and its position."""

    def _mask(self, graph: EncoderGraph) -> Node:
        return graph.real_tokens()

    def _layer(self, graph: EncoderGraph, hidden: Node, mask: Node, layer: str) -> Node:
        names, heads = self.names, self.num_attention_heads
        query, key, value = (
            graph.split_heads(graph.linear(hidden, f"{layer}.{part}"), heads, self.hidden_size // heads)
            for part in (names.query, names.key, names.value)
        )
        attended = graph.linear(graph.attention(query, key, value, mask), f"{layer}.{names.output}")
        hidden = graph.layer_norm(graph.op.add(attended, hidden), f"{layer}.{names.norm}", self.layer_norm_eps)
        inner = graph.activation(graph.linear(hidden, f"{layer}.intermediate.dense"), self.hidden_act)
        outer = graph.linear(inner, f"{layer}.output.dense")
        return graph.layer_norm(graph.op.add(outer, hidden), f"{layer}.output.LayerNorm", self.layer_norm_eps)

    def _layers(self) -> list[str]:
        return [f"encoder.layer.{number}" for number in range(self.num_hidden_layers)]


class Bert(BertLike):
    """BERT, with positions counted from 0."""

    prefix = "bert."
    names = _Names(
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "attention.output.LayerNorm",
    )

    tables = BertLike.tables | {"embeddings.token_type_embeddings"}

    type_vocab_size: PositiveInt = 2

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of every weight."""
        types = {"embeddings.token_type_embeddings.weight": (self.type_vocab_size, self.hidden_size)}
        return super().shapes() | types

    def _embeddings(self, graph: EncoderGraph) -> Node:
        words = graph.embedding(graph.input_ids, "embeddings.word_embeddings.weight")
        return graph.op.add(graph.op.add(words, self._first_type(graph)), self._positions(graph))

    def _first_type(self, graph: EncoderGraph) -> Node:
        """Every token is of the first text; a second one is for comparing pairs."""
        return graph.embedding(graph.integer(0), "embeddings.token_type_embeddings.weight")

    def _positions(self, graph: EncoderGraph) -> Node:
        return graph.by_position(graph.weight("embeddings.position_embeddings.weight"))


class Roberta(Bert):
    """RoBERTa and its kin: positions count tokens other than padding, from the number after the padding token's."""

    prefix = "roberta."

    pad_token_id: int = 1

    def _positions(self, graph: EncoderGraph) -> Node:
        return _positions_after_padding(graph, self.pad_token_id)


class MPNet(BertLike):
    """MPNet: RoBERTa's positions without types, and attention that also depends on how far apart tokens are."""

    prefix = "mpnet."
    names = _Names(
        "attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o", "attention.LayerNorm"
    )

    tables = BertLike.tables | {"encoder.relative_attention_bias"}

    # The number of the padding token and how distances fall into buckets are not configurable in transformers.
    _PADDING: ClassVar[int] = 1
    _FARTHEST: ClassVar[int] = 128

    relative_attention_num_buckets: Literal[32] = 32

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of every weight."""
        return super().shapes() | {
            "encoder.relative_attention_bias.weight": (self.relative_attention_num_buckets, self.num_attention_heads)
        }

    def _embeddings(self, graph: EncoderGraph) -> Node:
        words = graph.embedding(graph.input_ids, "embeddings.word_embeddings.weight")
        return graph.op.add(words, _positions_after_padding(graph, self._PADDING))

    def _mask(self, graph: EncoderGraph) -> Node:
        """The bias of each pair of tokens, and a score that makes nothing of those with padding."""
        return graph.op.select(graph.real_tokens(), self._bias(graph), graph.number(_NOTHING))

    def _bias(self, graph: EncoderGraph) -> Node:
        """Shape (1, heads, tokens, tokens)."""
        op, longest = graph.op, graph.longest
        buckets = self._buckets(np.arange(1 - longest, longest))
        table = graph.constant(graph.weights["encoder.relative_attention_bias.weight"][buckets].T)
        here, there = (op.unsqueeze(graph.positions(), graph.integer(axis)) for axis in (1, 0))
        distances = op.add(op.subtract(there, here), graph.integer(longest - 1))
        return op.unsqueeze(op.gather(table, distances, graph.integer(1)), graph.integer(0))

    def _buckets(self, distances: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which row of the table stands for a distance: near ones have their own, farther ones share (T5's rule).

        Raffel et al. 2019 (arXiv:1910.10683); half of the rows are for tokens that follow.
        """
        half = self.relative_attention_num_buckets // 2
        exact = half // 2
        far = np.abs(distances)
        # In single precision as in torch: a distance on the edge of a bucket must fall to the same side.
        spread = np.log(np.maximum(far, 1).astype(np.float32) / np.float32(exact)) / math.log(self._FARTHEST / exact)
        shared = exact + (spread * (half - exact)).astype(np.int64)
        return np.where(distances > 0, half, 0) + np.where(far < exact, far, np.minimum(shared, half - 1))


def _positions_after_padding(graph: EncoderGraph, padding: int) -> Node:
    """Embeddings of positions as RoBERTa counts them: by the tokens, whatever the attention mask says."""
    op = graph.op
    real = op.convert(op.not_equal(graph.input_ids, graph.integer(padding)), "i64")
    numbers = op.add(op.multiply(op.cum_sum(real, graph.integer(1)), real), graph.integer(padding))
    return graph.embedding(numbers, "embeddings.position_embeddings.weight")


def _norm_shapes(module: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{module}.weight": (size,), f"{module}.bias": (size,)}
