"""Encoders like Qwen2: the decoder of a language model, whose last token stands for the text.

Qwen2 is Yang et al. 2024 (arXiv:2407.10671), with rotary positions (Su et al. 2021, arXiv:2104.09864), grouped-query
attention (Ainslie et al. 2023, arXiv:2305.13245) and gated layers (Shazeer 2020, arXiv:2002.05202). The fields are
transformers': https://huggingface.co/docs/transformers/model_doc/qwen2. An embedding model of this kind is
https://huggingface.co/jinaai/jina-code-embeddings-0.5b.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator

from codecontext.embeddings.openvino.architecture import Architecture, LayerCount, linear_shapes
from codecontext.embeddings.openvino.graph import Activation, EncoderGraph, Node


class Rope(BaseModel):
    """Rotary positions as they were proposed, with no scaling for longer texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rope_type: Literal["default"] = "default"
    rope_theta: float = 10_000.0


class Qwen2(Architecture):
    """Qwen2 without its head."""

    prefix = "model."
    tables = frozenset({"embed_tokens"})

    vocab_size: PositiveInt
    hidden_size: PositiveInt
    num_hidden_layers: LayerCount
    num_attention_heads: PositiveInt
    num_key_value_heads: PositiveInt | None
    intermediate_size: PositiveInt
    head_dim: PositiveInt | None = None
    hidden_act: Activation = Activation.SILU
    rms_norm_eps: float = 1e-6
    is_causal: Literal[True] = True
    # Newer configurations have the first of these, older ones the others.
    rope_parameters: Rope | None = None
    rope_scaling: Rope | None = None
    rope_theta: float = 10_000.0
    # Likewise: which layers look at a window of the text only.
    layer_types: tuple[str, ...] | None = None
    use_sliding_window: bool = False
    max_window_layers: int = 28

    @model_validator(mode="after")
    def _only_full_attention(self) -> Self:
        slides = self.use_sliding_window and self.max_window_layers < self.num_hidden_layers
        if slides if self.layer_types is None else set(self.layer_types) != {"full_attention"}:
            raise ValueError("some layers have a sliding window")
        return self

    @model_validator(mode="after")
    def _whole_groups(self) -> Self:
        if self.num_attention_heads % self._key_value_heads:
            raise ValueError("num_attention_heads is no multiple of num_key_value_heads")
        return self

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of every weight."""
        hidden, inner = self.hidden_size, self.intermediate_size
        queries, keys = self.num_attention_heads * self._head_size, self._key_value_heads * self._head_size
        shapes: dict[str, tuple[int, ...]] = {
            "embed_tokens.weight": (self.vocab_size, hidden),
            "norm.weight": (hidden,),
        }
        for layer in self._layers():
            shapes |= linear_shapes(f"{layer}.self_attn.q_proj", queries, hidden)
            shapes |= linear_shapes(f"{layer}.self_attn.k_proj", keys, hidden)
            shapes |= linear_shapes(f"{layer}.self_attn.v_proj", keys, hidden)
            shapes[f"{layer}.self_attn.o_proj.weight"] = (hidden, queries)
            shapes[f"{layer}.mlp.gate_proj.weight"] = shapes[f"{layer}.mlp.up_proj.weight"] = (inner, hidden)
            shapes[f"{layer}.mlp.down_proj.weight"] = (hidden, inner)
            shapes[f"{layer}.input_layernorm.weight"] = (hidden,)
            shapes[f"{layer}.post_attention_layernorm.weight"] = (hidden,)
        return shapes

    def hidden_states(self, graph: EncoderGraph) -> Node:
        """Embeddings, layer after layer, and a last normalisation."""
        hidden = graph.embedding(graph.input_ids, "embed_tokens.weight")
        mask, rotation = self._mask(graph), self._rotation(graph)
        for layer in self._layers():
            normal = graph.rms_norm(hidden, f"{layer}.input_layernorm", self.rms_norm_eps)
            hidden = graph.op.add(hidden, self._attended(graph, normal, mask, rotation, f"{layer}.self_attn"))
            normal = graph.rms_norm(hidden, f"{layer}.post_attention_layernorm", self.rms_norm_eps)
            hidden = graph.op.add(hidden, self._gated(graph, normal, f"{layer}.mlp"))
        return graph.rms_norm(hidden, "norm", self.rms_norm_eps)

    def _attended(
        self, graph: EncoderGraph, hidden: Node, mask: Node, rotation: tuple[Node, Node], module: str
    ) -> Node:
        query, key, value = (
            graph.split_heads(graph.linear(hidden, f"{module}.{part}"), heads, self._head_size)
            for part, heads in (
                ("q_proj", self.num_attention_heads),
                ("k_proj", self._key_value_heads),
                ("v_proj", self._key_value_heads),
            )
        )
        query, key = self._rotated(graph, query, rotation), self._rotated(graph, key, rotation)
        context = graph.attention(query, self._for_all_heads(graph, key), self._for_all_heads(graph, value), mask)
        return graph.linear(context, f"{module}.o_proj")

    def _gated(self, graph: EncoderGraph, hidden: Node, module: str) -> Node:
        gate = graph.activation(graph.linear(hidden, f"{module}.gate_proj"), self.hidden_act)
        return graph.linear(graph.op.multiply(gate, graph.linear(hidden, f"{module}.up_proj")), f"{module}.down_proj")

    def _mask(self, graph: EncoderGraph) -> Node:
        """Each token sees the real ones up to itself; padding sees itself, so that no row is empty."""
        op = graph.op
        here, there = (op.unsqueeze(graph.positions(), graph.integers(*axes)) for axes in ((0, 1, 3), (0, 1, 2)))
        earlier = op.logical_and(op.less_equal(there, here), graph.real_tokens())
        return op.logical_or(earlier, op.equal(there, here))

    def _rotation(self, graph: EncoderGraph) -> tuple[Node, Node]:
        """Cosine and sine of the angle of each position and dimension, shape (1, 1, tokens, head size)."""
        exponents = np.arange(0, self._head_size, 2, dtype=np.float32) / np.float32(self._head_size)
        frequencies = (1.0 / np.float32(self._theta) ** exponents).astype(np.float32)
        half = np.outer(np.arange(graph.longest, dtype=np.float32), frequencies)
        angles = np.concatenate((half, half), axis=1)
        cosine, sine = (
            graph.op.unsqueeze(graph.by_position(graph.constant(table)), graph.integers(0, 1))
            for table in (np.cos(angles), np.sin(angles))
        )
        return cosine, sine

    def _rotated(self, graph: EncoderGraph, heads: Node, rotation: tuple[Node, Node]) -> Node:
        """Each dimension of the first half turned with that of the second, by the angle of the position."""
        op, (cosine, sine) = graph.op, rotation
        first, second = op.split(heads, graph.integer(-1), 2).outputs()
        turned = op.concat([op.multiply(second, graph.number(-1)), first], -1)
        return op.add(op.multiply(heads, cosine), op.multiply(turned, sine))

    def _for_all_heads(self, graph: EncoderGraph, heads: Node) -> Node:
        """Keys or values, once for each query head of their group."""
        group = self.num_attention_heads // self._key_value_heads
        if group == 1:
            return heads
        op = graph.op
        repeated = op.concat([op.unsqueeze(heads, graph.integers(2))] * group, 2)
        return op.reshape(repeated, graph.integers(0, self.num_attention_heads, -1, self._head_size), True)

    @property
    def _key_value_heads(self) -> int:
        return self.num_key_value_heads or self.num_attention_heads

    @property
    def _head_size(self) -> int:
        return self.head_dim or self.hidden_size // self.num_attention_heads

    @property
    def _theta(self) -> float:
        if self.rope_parameters is not None:
            return self.rope_parameters.rope_theta
        return self.rope_theta

    def _layers(self) -> list[str]:
        return [f"layers.{number}" for number in range(self.num_hidden_layers)]
