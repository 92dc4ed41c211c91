"""What the published code computes under its options, in plain float64, one sequence at a time.

Written from the description of that code and of nothing else: an activation is assigned through a
cache of values and masks, the cache is filled in a fixed order, and there are two passes where an
option reads from one. It shares no code with `worker.science`, so that the two can be compared.
"""

from dataclasses import dataclass, field

import numpy as np

EPSILON, BASE, CAUSAL, OFF = 1e-5, 10_000.0, -1e20, -1e9


@dataclass
class Cache:
    """Values that replace activations where their masks are set."""

    values: dict = field(default_factory=dict)
    masks: dict = field(default_factory=dict)

    def write(self, name, like, index, value, only=None) -> None:
        """`only`: the part of it whose mask is set. A value without mask shows where another option
        has set the mask."""
        if name not in self.values:
            self.values[name] = np.zeros(np.shape(like))
            self.masks[name] = np.zeros(np.shape(like), dtype=bool)
        self.values[name][index] = value
        self.masks[name][index if only is None else only] = True

    def assign(self, name, computed):
        if name not in self.values:
            return computed
        return np.where(self.masks[name], self.values[name], computed)


@dataclass
class Model:
    """Weights by name, in float64, and what cannot be read from them."""

    weights: dict
    layers: int
    heads: int

    def run(self, x, y, cache=None) -> dict:
        """All activations of one sequence: exemplars x [P + 1, features], labels y [P + 1]."""
        w, cache, seen = self.weights, cache or Cache(), {}

        def born(name, computed):
            seen[name] = cache.assign(name, computed)
            return seen[name]

        tokens = []
        for pair, exemplar in enumerate(x):
            tokens.append(w["example_embed.weight"] @ exemplar + w["example_embed.bias"])
            if pair < len(x) - 1:
                tokens.append(w["label_embed.weight"][:, y[pair]])
        stream = born("embedding", born("tok_embedding", np.array(tokens)))
        for layer in range(self.layers):
            stream = born(("out", layer), stream + self.attention(layer, stream, born))
        last = norm(stream[-1], w["final_norm.weight"], w["final_norm.bias"])
        born("out", w["unembed.weight"] @ last + w["unembed.bias"])
        return seen

    def attention(self, layer, stream, born):
        w, block = self.weights, f"blocks.{layer}."
        tokens, width = stream.shape
        size = width // self.heads
        normed = norm(stream, w[block + "norm.weight"], w[block + "norm.bias"])
        bias = w.get(block + "attn.qkv.bias", np.zeros(3 * width))
        qkv = (normed @ w[block + "attn.qkv.weight"].T + bias).reshape(tokens, 3, self.heads, size)
        q, k, v = (qkv[:, part].transpose(1, 0, 2) for part in range(3))  # [head, token, size]
        q, k = born(("q", layer), rotated(q)), born(("k", layer), rotated(k))
        v = born(("v", layer), v)
        visible = np.tril(np.ones((tokens, tokens), dtype=bool))
        scores = np.where(visible, q @ k.transpose(0, 2, 1) / np.sqrt(size), CAUSAL)
        scores = born(("pre_softmax", layer), scores)
        pattern = born(("scores", layer), softmax(scores))
        mixed = np.concatenate([pattern[head] @ v[head] for head in range(self.heads)], axis=1)
        return mixed @ w[block + "attn.out.weight"].T + w.get(block + "attn.out.bias", 0.0)

    def patterns(self, seen) -> np.ndarray:
        return np.stack([seen["scores", layer] for layer in range(self.layers)])


def norm(x, gain, bias):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + EPSILON) * gain + bias


def softmax(x):
    raised = np.exp(x - x.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def rotated(x):
    """[head, token, size]: neighbouring pairs as complex numbers, turned by their angle."""
    size = x.shape[-1]
    turn = np.exp(1j * np.outer(np.arange(x.shape[1]), BASE ** (-np.arange(0, size, 2) / size)))
    z = (x[..., 0::2] + 1j * x[..., 1::2]) * turn
    return np.stack([z.real, z.imag], axis=-1).reshape(x.shape)


def places(heads):
    """`["1:3"]` -> [(1, 3)]."""
    return [tuple(int(part) for part in head.split(":")) for head in heads]


def manipulated(model: Model, options: dict, x, y) -> tuple[np.ndarray, np.ndarray]:
    """Patterns [layer, head, query, key] and logits that the published code gives."""
    if options.get("specific_fn") == "perfect_prev_token_input":
        return perfect_prev_token_input(model, options, x, y)
    base = model.run(x, y)
    cache = Cache()
    preserve(model, options, base, cache)
    set_temperatures(options, base, cache)
    copy_perfectly(options, base, base, y, cache)
    ablate(model, options, base, cache)
    set_patterns(model, options, base, x, y, cache)
    forbid(model, options, base, cache)
    seen = model.run(x, y, cache)
    return model.patterns(seen), seen["out"]


def preserve(model, options, base, cache) -> None:
    names = {"patterns": "scores", "values": "v", "queries": "q", "keys": "k"}
    for option, name in names.items():
        if options.get(f"preserve_{option}"):
            for layer in range(model.layers):
                cache.write((name, layer), base[name, layer], ..., base[name, layer])


def set_temperatures(options, base, cache) -> None:
    named = [text.split(":") for text in options.get("set_head_temperature", [])]
    for layer in {int(layer) for layer, _, _ in named}:
        before = base["pre_softmax", layer]
        temperature = np.ones(len(before))
        for _, head, value in named:
            temperature[int(head)] = float(value)
        frozen = before / temperature[:, None, None]
        cache.write(("pre_softmax", layer), before, ..., frozen)


def copy_perfectly(options, base, scored, y, cache) -> None:
    if "perfect_copy_from_head_pattern" not in options:
        return
    ((layer, head),) = places([options["perfect_copy_from_head_pattern"]])
    cache.write("out", base["out"], ..., OFF)
    for pair in range(len(y) - 1):
        score = scored["pre_softmax", layer][head, -1, 2 * pair + 1]
        cache.write("out", base["out"], y[pair], score)


def ablate(model, options, base, cache) -> None:
    if options.get("ablate_embedding"):
        cache.write("tok_embedding", base["tok_embedding"], ..., 0)
    for layer, head in places(options.get("ablate_heads", [])):
        cache.write(("v", layer), base["v", layer], head, 0)


def set_patterns(model, options, base, x, y, cache) -> None:
    tokens, labels = 2 * len(x) - 1, slice(1, None, 2)
    strength = options.get("prev_token_head_strength", 1.0)
    previous = (1 - strength) * np.eye(tokens) + strength * np.eye(tokens, k=-1)
    previous[0, 0] = 1.0
    for layer, head in places(options.get("prev_token_heads", [])):
        only = (head, labels) if options.get("prev_token_only_label") else None
        cache.write(("scores", layer), base["scores", layer], head, previous, only)
    for layer, head in places(options.get("induction_heads", [])):
        strength = options.get("induction_head_strength", 1.0)
        values, wrong = np.zeros(tokens), sum(label != y[-1] for label in y[:-1])
        for pair, label in enumerate(y[:-1]):  # with two pairs, one is wrong
            values[2 * pair + 1] = strength if label == y[-1] else (1 - strength) / wrong
        cache.write(("scores", layer), base["scores", layer], (head, -1), values)
    for layer, head in places(options.get("match_heads", [])):
        values = np.zeros(tokens)
        values[1::2] = alike(x, options.get("match_head_temperature", 0.0))
        cache.write(("scores", layer), base["scores", layer], (head, -1), values)


def alike(x, temperature):
    cosine = np.array([c @ x[-1] / np.linalg.norm(c) / np.linalg.norm(x[-1]) for c in x[:-1]])
    return softmax(cosine / temperature) if temperature else np.eye(len(cosine))[cosine.argmax()]


def forbid(model, options, base, cache) -> None:
    for layer, head in places(options.get("disallow_prev_token_heads", [])):
        name, rows = ("pre_softmax", layer), np.arange(1, base["pre_softmax", layer].shape[-1])
        masked = rows[::2] if options.get("disallow_prev_token_only_label") else rows
        only = (head, masked, masked - 1)
        cache.write(name, base[name], (head, rows, rows - 1), OFF, only)
    for head in options.get("final_layer_silence_non_label_attn", []):
        name = ("pre_softmax", model.layers - 1)
        cache.write(name, base[name], (head, -1, slice(0, None, 2)), OFF)


def perfect_prev_token_input(model, options, x, y) -> tuple[np.ndarray, np.ndarray]:
    base = model.run(x, y)
    e = base["embedding"]
    shifted = np.array([e[0], *e[:-2], e[-1]])  # e0 e0 e1 e2 e4 of five tokens
    pattern_pass = Cache()
    pattern_pass.write(("out", 0), e, ..., shifted)
    scored = model.run(x, y, pattern_pass)
    if "perfect_copy_from_head_pattern" in options:
        cache = Cache()
        copy_perfectly(options, base, scored, y, cache)
        return model.patterns(base), cache.assign("out", base["out"])
    value_pass = Cache()
    value_pass.write(("out", 0), e, ..., e)
    value_pass.write(("scores", 1), base["scores", 1], ..., scored["scores", 1])
    ablate(model, {"ablate_heads": options.get("ablate_heads", [])}, base, value_pass)
    seen = model.run(x, y, value_pass)
    return model.patterns(seen), seen["out"]
