"""The optimisers once more, in NumPy and double precision, written from their papers' algorithms.

Each is a function of (p, g, s, t, options) for one parameter: it returns the new parameter and
keeps what it likes in the dictionary `s`; `t` counts from 1.
"""

import numpy as np


def average(s, name, value, beta):
    s[name] = beta * s.get(name, 0.0) + (1 - beta) * value
    return s[name]


def sgd(p, g, s, t, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    g = g + weight_decay * p
    if momentum:
        s["b"] = g if t == 1 else momentum * s["b"] + (1 - dampening) * g
        g = g + momentum * s["b"] if nesterov else s["b"]
    return p - lr * g


def adam(
    p,
    g,
    s,
    t,
    lr,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    amsgrad=False,
    decoupled_weight_decay=False,
):
    p, g = _decayed(p, g, lr, weight_decay, decoupled_weight_decay)
    return p - lr * _adam_direction(g, s, t, betas, eps, amsgrad)


def adamw(p, g, s, t, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False):
    return p * (1 - lr * weight_decay) - lr * _adam_direction(g, s, t, betas, eps, amsgrad)


def _adam_direction(g, s, t, betas, eps, amsgrad=False):
    m, v = average(s, "m", g, betas[0]), average(s, "v", g * g, betas[1])
    if amsgrad:
        v = s["largest"] = np.maximum(s.get("largest", 0.0), v)
    return m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)


def _decayed(p, g, lr, weight_decay, decoupled):
    return (p * (1 - lr * weight_decay), g) if decoupled else (p, g + weight_decay * p)


def nadam(
    p,
    g,
    s,
    t,
    lr,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    momentum_decay=4e-3,
    decoupled_weight_decay=False,
):
    p, g = _decayed(p, g, lr, weight_decay, decoupled_weight_decay)
    now, following = (betas[0] * (1 - 0.5 * 0.96 ** (n * momentum_decay)) for n in (t, t + 1))
    s["product"] = s.get("product", 1.0) * now
    m, v = average(s, "m", g, betas[0]), average(s, "v", g * g, betas[1])
    size = np.sqrt(v / (1 - betas[1] ** t)) + eps
    p = p - lr * (1 - now) / (1 - s["product"]) * g / size
    return p - lr * following / (1 - s["product"] * following) * m / size


def radam(
    p,
    g,
    s,
    t,
    lr,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    decoupled_weight_decay=False,
):
    p, g = _decayed(p, g, lr, weight_decay, decoupled_weight_decay)
    m, v = average(s, "m", g, betas[0]), average(s, "v", g * g, betas[1])
    corrected, remains = m / (1 - betas[0] ** t), betas[1] ** t
    limit = 2 / (1 - betas[1]) - 1
    rho = limit - 2 * t * remains / (1 - remains)
    if rho <= 5:
        return p - lr * corrected
    ratio = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
    return p - lr * corrected * np.sqrt(ratio) * np.sqrt(1 - remains) / (np.sqrt(v) + eps)


def adamax(p, g, s, t, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    g = g + weight_decay * p
    m = average(s, "m", g, betas[0])
    s["u"] = np.maximum(betas[1] * s.get("u", 0.0), np.abs(g) + eps)
    return p - lr / (1 - betas[0] ** t) * m / s["u"]


def adagrad(
    p, g, s, t, lr, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10
):
    g = g + weight_decay * p
    s["sum"] = s.get("sum", initial_accumulator_value) + g * g
    return p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s["sum"]) + eps)


def rmsprop(p, g, s, t, lr, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
    g = g + weight_decay * p
    v = average(s, "v", g * g, alpha)
    if centered:
        v = v - average(s, "m", g, alpha) ** 2
    g = g / (np.sqrt(v) + eps)
    if momentum:
        g = s["b"] = momentum * s.get("b", 0.0) + g
    return p - lr * g


def adadelta(p, g, s, t, lr, rho=0.9, eps=1e-6, weight_decay=0.0):
    g = g + weight_decay * p
    v = average(s, "v", g * g, rho)
    delta = np.sqrt(s.get("d", 0.0) + eps) / np.sqrt(v + eps) * g
    average(s, "d", delta * delta, rho)
    return p - lr * delta


def rprop(p, g, s, t, lr, etas=(0.5, 1.2), step_sizes=(1e-6, 50.0)):
    turn = np.sign(g * s.get("before", 0.0))
    factor = np.select([turn > 0, turn < 0], [etas[1], etas[0]], 1.0)
    s["size"] = np.clip(s.get("size", lr) * factor, *step_sizes)
    s["before"] = np.where(turn < 0, 0.0, g)
    return p - np.sign(s["before"]) * s["size"]


def asgd(p, g, s, t, lr, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0.0):
    rate = lr / (1 + lambd * lr * (t - 1)) ** alpha
    p = p * (1 - lambd * rate) - rate * (g + weight_decay * p)
    s["mean"] = s.get("mean", 0.0) + (p - s.get("mean", 0.0)) / max(1.0, t - 1 - t0)
    return p


def lion(p, g, s, t, lr, betas=(0.9, 0.99), weight_decay=0.0):
    direction = np.sign(betas[0] * s.get("m", 0.0) + (1 - betas[0]) * g)
    average(s, "m", g, betas[1])
    return p - lr * (direction + weight_decay * p)


def lamb(p, g, s, t, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0):
    u = _adam_direction(g, s, t, betas, eps) + weight_decay * p
    return p - lr * u * np.linalg.norm(p) / np.linalg.norm(u)


def lars(p, g, s, t, lr, momentum=0.9, weight_decay=0.0, trust_coefficient=1e-3, nesterov=False):
    g = g + weight_decay * p
    g = g * lr * trust_coefficient * np.linalg.norm(p) / np.linalg.norm(g)
    s["b"] = momentum * s.get("b", 0.0) + g
    return p - (g + momentum * s["b"] if nesterov else s["b"])


def adafactor(p, g, s, t, lr, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0):
    least = np.finfo(np.float32).eps if eps[0] is None else eps[0]
    share = float(t) ** beta2_decay
    step = max(eps[1], np.linalg.norm(p) / np.sqrt(p.size)) * min(lr, t**-0.5)
    p = p * (1 - lr * weight_decay)
    if p.ndim > 1:
        for name, axis in (("r", -1), ("c", -2)):
            mean = (g * g).mean(axis=axis, keepdims=True)
            s[name] = s.get(name, 0.0) * (1 - share) + share * mean
        v = s["r"] * s["c"] / np.maximum(s["r"].mean(axis=-2, keepdims=True), least)
    else:
        v = s["v"] = s.get("v", 0.0) * (1 - share) + share * g * g
    u = g / np.sqrt(np.maximum(v, least * least))
    return p - step / max(1.0, np.linalg.norm(u) / (np.sqrt(u.size) * d)) * u


def muon(
    p,
    g,
    s,
    t,
    lr,
    weight_decay=0.1,
    momentum=0.95,
    nesterov=True,
    ns_steps=5,
    ns_coefficients=(3.4445, -4.7750, 2.0315),
    eps=1e-7,
    adjust_lr_fn=None,
):
    first, third, fifth = ns_coefficients
    if p.ndim != 2:
        return adamw(p, g, s, t, lr, weight_decay=weight_decay)
    b = average(s, "b", g, momentum)
    x = (1 - momentum) * g + momentum * b if nesterov else b
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    x = x / max(np.linalg.norm(x), eps)
    for _ in range(ns_steps):
        a = x @ x.T
        x = first * x + (third * a + fifth * a @ a) @ x
    x = x if wide else x.T
    factor = max(1.0, p.shape[0] / p.shape[1]) ** 0.5
    if adjust_lr_fn == "match_rms_adamw":
        factor = 0.2 * max(p.shape) ** 0.5
    return p * (1 - lr * weight_decay) - lr * factor * x


def adabelief(p, g, s, t, lr, betas=(0.9, 0.999), eps=1e-16, weight_decay=0.0):
    m = average(s, "m", g, betas[0])
    v = s["s"] = average(s, "s", (g - m) ** 2, betas[1]) + eps
    step = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p - lr * (step + weight_decay * p)


def yogi(
    p,
    g,
    s,
    t,
    lr,
    betas=(0.9, 0.999),
    eps=1e-3,
    weight_decay=0.0,
    initial_accumulator_value=1e-6,
):
    m, v = average(s, "m", g, betas[0]), s.get("v", initial_accumulator_value)
    v = s["v"] = v - (1 - betas[1]) * np.sign(v - g * g) * g * g
    step = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p - lr * (step + weight_decay * p)


def adan(p, g, s, t, lr, betas=(0.98, 0.92, 0.99), eps=1e-8, weight_decay=0.0):
    change = g - s.get("before", g)
    s["before"] = g
    m, d = average(s, "m", g, betas[0]), average(s, "d", change, betas[1])
    n = average(s, "n", (g + betas[1] * change) ** 2, betas[2])
    first, second, third = (1 - beta**t for beta in betas)
    step = (m / first + betas[1] * d / second) / (np.sqrt(n / third) + eps)
    return p - lr * (step + weight_decay * p)


def novograd(p, g, s, t, lr, betas=(0.9, 0.25), eps=1e-6, weight_decay=0.0):
    s.setdefault("v", (g * g).sum())
    v = average(s, "v", (g * g).sum(), betas[1])
    s["m"] = betas[0] * s.get("m", 0.0) + g / (np.sqrt(v) + eps) + weight_decay * p
    return p - lr * s["m"]


CASES = [
    (sgd, {"lr": 0.05}),
    (sgd, {"lr": 0.05, "momentum": 0.9}),
    (sgd, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (sgd, {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    (adam, {"lr": 0.01}),
    (adam, {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True}),
    (adam, {"lr": 0.01, "betas": (0.0, 0.95)}),
    (adamw, {"lr": 0.01, "betas": (0.8, 0.98), "eps": 1e-4}),
    (adamw, {"lr": 0.01, "weight_decay": 0.3, "amsgrad": True}),
    (nadam, {"lr": 0.01, "weight_decay": 0.1}),
    (nadam, {"lr": 0.01, "weight_decay": 0.3, "decoupled_weight_decay": True}),
    (adam, {"lr": 0.01, "weight_decay": 0.3, "decoupled_weight_decay": True}),
    (radam, {"lr": 0.01, "weight_decay": 0.3, "decoupled_weight_decay": True}),
    (radam, {"lr": 0.01, "weight_decay": 0.1}),
    (radam, {"lr": 0.01, "betas": (0.9, 0.9)}),
    (adamax, {"lr": 0.01, "weight_decay": 0.1}),
    (adagrad, {"lr": 0.05}),
    (
        adagrad,
        {"lr": 0.05, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5},
    ),
    (rmsprop, {"lr": 0.01}),
    (rmsprop, {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.1}),
    (adadelta, {"lr": 1.0, "weight_decay": 0.1}),
    (rprop, {"lr": 0.02}),
    (rprop, {"lr": 0.1, "etas": (0.4, 1.3), "step_sizes": (0.01, 0.2)}),
    (asgd, {"lr": 0.05, "weight_decay": 0.1}),
    (asgd, {"lr": 0.05, "lambd": 0.1, "alpha": 0.9, "t0": 5}),
    (lion, {"lr": 0.003, "weight_decay": 0.1}),
    (lamb, {"lr": 0.01, "weight_decay": 0.1}),
    (lars, {"lr": 1.0, "weight_decay": 0.1, "trust_coefficient": 0.02}),
    (lars, {"lr": 1.0, "nesterov": True, "trust_coefficient": 0.02}),
    (adafactor, {"lr": 0.01}),
    (adafactor, {"lr": 0.3, "weight_decay": 0.1, "d": 1.3, "eps": (1e-6, 1e-2)}),
    (muon, {"lr": 0.02}),
    (muon, {"lr": 0.02, "ns_steps": 4, "ns_coefficients": (3.4, -4.7, 2.0)}),
    (muon, {"lr": 0.02, "eps": 30.0, "adjust_lr_fn": "match_rms_adamw"}),
    (muon, {"lr": 0.02, "nesterov": False, "weight_decay": 0.0, "momentum": 0.8}),
    (adabelief, {"lr": 0.01}),
    (adabelief, {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-8, "weight_decay": 0.1}),
    (yogi, {"lr": 0.02}),
    (yogi, {"lr": 0.02, "initial_accumulator_value": 0.1, "weight_decay": 0.1}),
    (adan, {"lr": 0.01}),
    (adan, {"lr": 0.01, "betas": (0.9, 0.5, 0.9), "weight_decay": 0.1}),
    (novograd, {"lr": 0.01}),
    (novograd, {"lr": 0.01, "betas": (0.95, 0.98), "weight_decay": 0.1}),
]
"""Every optimiser with options that reach all of its terms."""
