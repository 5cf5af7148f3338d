"""Models in plain PyTorch, as people write them: what `from_torch` has to take over.

`models(torch)` makes the table: a name, a module, the inputs. PyTorch is an argument because tests
may not need it.
"""

import math
from dataclasses import dataclass
from typing import Any

NAMES = (
    "resnet",
    "mobile block",
    "convnext block",
    "vit",
    "bert",
    "gpt",
    "masked gpt",
    "llama",
    "decoder",
    "lstm, gru, rnn",
    "cells",
    "unet",
    "vae",
    "discriminator",
    "generator",
    "einsum",
    "capsules",
    "graph",
    "places",
    "mixed dtypes",
    "elementary",
    "statistics",
    "images",
    "volumes",
    "tcn",
    "experts",
    "losses",
    "straight through",
    "cond",
    "matrices",
    "systems",
    "found",
    "fourier",
    "spectrograms",
    "nested",
    "bags",
    "resnet, training",
    "mobile block, training",
    "discriminator, training",
)
"""What `models` makes, for tests to be named after without PyTorch."""


@dataclass(frozen=True)
class Case:
    """A module in the mode to be exported, and what it is called with."""

    name: str
    module: Any
    args: tuple[Any, ...]

    def __str__(self) -> str:
        return self.name


def models(torch: Any) -> list[Case]:  # noqa: C901
    nn, F = torch.nn, torch.nn.functional  # noqa: N806

    class ResidualBlock(nn.Module):
        def __init__(self, inner, outer, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outer)
            self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outer)
            self.shortcut = nn.Sequential(
                nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer)
            )

        def forward(self, x):
            y = F.relu(self.bn1(self.conv1(x)), inplace=True)
            return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(
                nn.Conv2d(3, 4, 7, 2, 3, bias=False),
                nn.BatchNorm2d(4),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(3, 2, 1),
            )
            self.layers = nn.Sequential(ResidualBlock(4, 4, 1), ResidualBlock(4, 8, 2))
            self.head = nn.Linear(8, 5)

        def forward(self, x):
            return self.head(F.adaptive_avg_pool2d(self.layers(self.stem(x)), 1).flatten(1))

    class SqueezeExcite(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.down, self.up = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)

        def forward(self, x):
            scale = x.mean((2, 3), keepdim=True)
            return x * F.hardsigmoid(self.up(F.silu(self.down(scale))))

    class MobileBlock(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(size, 3 * size, 1, bias=False),
                nn.BatchNorm2d(3 * size),
                nn.Hardswish(),
                nn.Conv2d(3 * size, 3 * size, 3, padding=1, groups=3 * size, bias=False),
                nn.BatchNorm2d(3 * size),
                nn.ReLU6(),
                SqueezeExcite(3 * size),
                nn.Conv2d(3 * size, size, 1),
            )

        def forward(self, x):
            return x + self.body(x)

    class ConvNeXtBlock(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.dw = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
            self.norm = nn.LayerNorm(dim)
            self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
            self.gamma = nn.Parameter(torch.full((dim,), 0.1))

        def forward(self, x):
            y = self.dw(x).permute(0, 2, 3, 1)
            y = self.gamma * self.down(F.gelu(self.up(self.norm(y))))
            return x + y.permute(0, 3, 1, 2)

    class Attention(nn.Module):
        def __init__(self, dim, heads, causal=False):
            super().__init__()
            self.heads, self.causal = heads, causal
            self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

        def forward(self, x):
            b, t, d = x.shape
            q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
            return self.out(y.transpose(1, 2).reshape(b, t, d))

    class ViT(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 4, 4)
            self.cls = nn.Parameter(torch.zeros(1, 1, 8))
            self.places = nn.Parameter(torch.randn(1, 5, 8))
            self.norm1, self.attn = nn.LayerNorm(8), Attention(8, 2)
            self.norm2 = nn.LayerNorm(8)
            self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
            self.head = nn.Linear(8, 3)

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.places
            x = x + self.attn(self.norm1(x))
            x = x + self.mlp(self.norm2(x))
            return self.head(x[:, 0])

    class Bert(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(11, 8, padding_idx=0)
            self.places, self.kinds = nn.Embedding(6, 8), nn.Embedding(2, 8)
            self.register_buffer("position_ids", torch.arange(6)[None], persistent=True)
            self.norm = nn.LayerNorm(8, eps=1e-12)
            self.drop = nn.Dropout(0.1)
            layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.pooler = nn.Linear(8, 8)

        def forward(self, tokens, kinds):
            x = self.words(tokens) + self.places(self.position_ids[:, : tokens.shape[1]])
            x = self.drop(self.norm(x + self.kinds(kinds)))
            x = self.encoder(x, src_key_padding_mask=tokens == 0)
            return x, torch.tanh(self.pooler(x[:, 0]))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.wte, self.wpe = nn.Embedding(13, 8), nn.Embedding(6, 8)
            self.ln1, self.attn = nn.LayerNorm(8), Attention(8, 2, causal=True)
            self.ln2 = nn.LayerNorm(8)
            self.mlp = nn.Sequential(
                nn.Linear(8, 32), nn.GELU(approximate="tanh"), nn.Linear(32, 8)
            )
            self.head = nn.Linear(8, 13, bias=False)
            self.head.weight = self.wte.weight

        def forward(self, tokens):
            x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
            x = x + self.attn(self.ln1(x))
            return self.head(x + self.mlp(self.ln2(x)))

    class MaskedGPT(nn.Module):
        """Attention spelled out, with a mask in a buffer."""

        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(8, 24)
            mask = torch.tril(torch.ones(6, 6)).view(1, 1, 6, 6)
            self.register_buffer("bias", mask, persistent=False)

        def forward(self, x):
            q, k, v = self.qkv(x).split(8, dim=2)
            q, k, v = (t.unflatten(-1, (2, 4)).transpose(1, 2) for t in (q, k, v))
            scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
            scores = scores.masked_fill(self.bias[:, :, :5, :5] == 0, float("-inf"))
            return (scores.softmax(dim=-1) @ v).transpose(1, 2).contiguous().flatten(2)

    class Llama(nn.Module):
        """RMS norms, rotary embeddings, grouped queries, gated units."""

        def __init__(self):
            super().__init__()
            self.norm = nn.RMSNorm(8)
            self.q, self.k, self.v = nn.Linear(8, 8), nn.Linear(8, 4), nn.Linear(8, 4)
            self.gate, self.up, self.down = nn.Linear(8, 12), nn.Linear(8, 12), nn.Linear(12, 8)
            angles = torch.outer(torch.arange(5.0), 10000 ** (-torch.arange(0, 4, 2) / 4))
            self.register_buffer("cos", torch.cat([angles, angles], -1).cos(), persistent=False)
            self.register_buffer("sin", torch.cat([angles, angles], -1).sin(), persistent=False)

        def rotate(self, x):
            first, second = x.chunk(2, dim=-1)
            return x * self.cos + torch.cat([-second, first], dim=-1) * self.sin

        def forward(self, x):
            h = self.norm(x)
            q = self.rotate(self.q(h).view(2, 5, 2, 4).transpose(1, 2))
            k = self.rotate(self.k(h).view(2, 5, 1, 4).transpose(1, 2))
            v = self.v(h).view(2, 5, 1, 4).transpose(1, 2)
            y = F.scaled_dot_product_attention(
                q, k.repeat_interleave(2, 1), v.repeat_interleave(2, 1), is_causal=True
            )
            x = x + y.transpose(1, 2).reshape(2, 5, 8)
            return x + self.down(F.silu(self.gate(x)) * self.up(x))

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            layer = nn.TransformerDecoderLayer(8, 2, 16, 0.0, batch_first=True, norm_first=True)
            self.decoder = nn.TransformerDecoder(layer, 2, nn.LayerNorm(8))

        def forward(self, target, memory):
            mask = nn.Transformer.generate_square_subsequent_mask(
                target.shape[1], dtype=target.dtype
            )
            return self.decoder(target, memory, tgt_mask=mask, tgt_is_causal=True)

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
            self.gru = nn.GRU(8, 5)
            self.rnn = nn.RNN(5, 3, nonlinearity="relu")

        def forward(self, x):
            y, (h, c) = self.lstm(x)
            y, _ = self.gru(y.transpose(0, 1))
            y, last = self.rnn(y)
            return y, last, h.sum(0) + c[-1]

    class Cells(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.gru = nn.LSTMCell(3, 4), nn.GRUCell(4, 4)

        def forward(self, xs):
            h = c = g = xs.new_zeros(2, 4)
            for x in xs.unbind(1):
                h, c = self.lstm(x, (h, c))
                g = self.gru(h, g)
            return torch.stack([h, c, g], dim=1)

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down1 = nn.Conv2d(1, 4, 3, padding=1)
            self.down2 = nn.Conv2d(4, 8, 3, padding=1, padding_mode="reflect")
            self.up = nn.ConvTranspose2d(8, 4, 2, 2)
            self.mix = nn.Conv2d(8, 4, 3, padding="same")
            self.norm = nn.GroupNorm(2, 4)
            self.out = nn.Conv2d(4, 1, 1)

        def forward(self, x):
            a = F.relu(self.down1(x))
            b = F.relu(self.down2(F.max_pool2d(a, 2)))
            up = F.interpolate(b, scale_factor=2, mode="bilinear", align_corners=False)[:, :4]
            y = self.mix(torch.cat([a, self.up(b) + up], dim=1))
            return torch.sigmoid(self.out(F.leaky_relu(self.norm(y), 0.2)))

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(12, 8), nn.ELU(), nn.Linear(8, 6))
            self.decoder = nn.Sequential(nn.Linear(3, 8), nn.SELU(), nn.Linear(8, 12))

        def forward(self, x, noise):
            mean, log_variance = self.encoder(x).chunk(2, dim=-1)
            y = self.decoder(mean + (0.5 * log_variance).exp() * noise)
            kl = -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum(-1).mean()
            return F.binary_cross_entropy_with_logits(y, x.sigmoid()) + kl

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 4, 2, 1)),
                nn.LeakyReLU(0.2),
                nn.Conv2d(4, 8, 4, 2, 1, bias=False),
                nn.InstanceNorm2d(8, affine=True),
                nn.LeakyReLU(0.2),
                nn.Conv2d(8, 1, 2),
            )

        def forward(self, x):
            return self.body(x).view(-1)

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(5, 16)
            self.up1 = nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2)
            self.up2 = nn.Conv2d(6, 12, 3, padding=1)

        def forward(self, z):
            y = F.relu(self.up1(self.fc(z).view(-1, 4, 2, 2)))
            y = F.pad(y, (1, 1, 0, 2), mode="replicate")
            return torch.tanh(F.pixel_shuffle(self.up2(y), 2))

    class EinsumMixer(nn.Module):
        def __init__(self):
            super().__init__()
            self.core = nn.Parameter(torch.randn(3, 4, 5))
            self.bilinear = nn.Bilinear(5, 3, 2)

        def forward(self, x, y):
            z = torch.einsum("bi,bj,ijk->bk", x, y, self.core)
            gram = torch.einsum("...i,...j->...ij", z, z).diagonal(dim1=-2, dim2=-1)
            return (
                self.bilinear(gram, x)
                + torch.tensordot(y, self.core, ([1], [1])).sum((1, 2))[:, None]
            )

    class Capsules(nn.Module):
        """Routing by agreement: a loop, softmax over a middle axis, norms."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 6, 4, 5) * 0.3)

        def forward(self, x):
            u = (self.weight @ x[:, None, :, :, None]).squeeze(-1)
            logits = torch.zeros(u.shape[:-1], dtype=x.dtype)
            for _ in range(3):
                s = (logits.softmax(dim=1)[..., None] * u).sum(2)
                norm = s.norm(dim=-1, keepdim=True)
                v = norm**2 / (1 + norm**2) * s / (norm + 1e-8)
                logits = logits + (u * v[:, :, None]).sum(-1)
            return v

    class Graph(nn.Module):
        """Message passing: gather along edges, scatter back, attention per node."""

        def __init__(self):
            super().__init__()
            self.message, self.update = nn.Linear(6, 4), nn.Linear(7, 3)

        def forward(self, nodes, edges):
            source, target = edges
            messages = torch.relu(self.message(torch.cat([nodes[source], nodes[target]], -1)))
            total = torch.zeros(nodes.shape[0], 4, dtype=nodes.dtype).index_add(0, target, messages)
            degree = torch.zeros(nodes.shape[0], dtype=nodes.dtype).scatter_add(
                0, target, torch.ones_like(target, dtype=nodes.dtype)
            )
            best = torch.full((nodes.shape[0], 4), -1.0, dtype=nodes.dtype).scatter_reduce(
                0, target[:, None].expand(-1, 4), messages, "amax"
            )
            mean = total / degree.clamp(min=1)[:, None] + best
            return self.update(torch.cat([nodes, mean], -1))

    class Places(nn.Module):
        """Indexing of every kind."""

        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.randn(6, 5))

        def forward(self, x, rows, columns):
            picked = self.table[rows, columns] + self.table[rows][:, 0]
            along = torch.gather(self.table, 1, columns.view(2, 2))
            topped, order = x.topk(3, dim=-1)
            sorted_, _ = torch.sort(self.table, dim=0, descending=True)
            y = torch.where(x > 0, x, x.exp() - 1)
            y = y.clone()
            y[:, 1:3] = topped[:, :2] * 2
            y[0, rows] += 1.5
            y[x > 1] = 0.25
            chosen = self.table.index_select(0, order[0] % 6)
            put = torch.zeros_like(self.table).scatter(1, columns.view(2, 2), along)
            running = self.table.cumsum(0)[-1] + self.table.cummax(1).values[:, 2][:5]
            return picked.sum() + along.mean(), y, sorted_[::2], chosen.amax(0), put, running

    class Mixed(nn.Module):
        """dtypes that meet: integers, booleans, halves."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4))
            self.register_buffer("steps", torch.tensor([1, 2, 3, 4]))
            self.register_buffer("mask", torch.tensor([True, False, True, True]))

        def forward(self, x, counts):
            a = x * self.steps + counts / 2 + counts // 3 + counts % 3
            b = (a > 0).sum() + (self.mask & (counts > 1)).to(x.dtype)
            c = self.weight.to(torch.float32) * 2
            d = torch.where(self.mask, self.weight, 0) + b.mean() * self.mask
            return a, (c.to(x.dtype) * d).sum() + (self.steps.sum() - counts.max()), self.mask.any()

    class Elementary(nn.Module):
        """Functions of one and two tensors that few layers use."""

        def __init__(self):
            super().__init__()
            self.p = nn.Parameter(torch.rand(3, 4) + 0.3)

        def forward(self, x):
            p = self.p
            one = [
                *(p.sin(), p.cosh(), p.atan(), p.log1p(), p.log2(), p.expm1(), p.erf(), p.rsqrt()),
                *(
                    p.sigmoid().asin(),
                    p.lgamma(),
                    p.digamma(),
                    p.reciprocal(),
                    p.frac(),
                    p.sigmoid().logit(),
                ),
                *(F.softsign(p), F.tanhshrink(p), F.mish(p), F.celu(p - 1), F.logsigmoid(p)),
                *(F.softshrink(p, 0.4), F.hardshrink(p, 0.4), F.hardtanh(p, -0.5, 0.5)),
                *(F.softplus(p, 2.0), F.glu(torch.cat([p, p]), 0), F.threshold(p, 0.6, 0.1)),
            ]
            two = [
                *(torch.atan2(p, x), torch.hypot(p, x), torch.lerp(p, x, 0.3), p.fmod(0.37)),
                *(torch.maximum(p, x), torch.addcmul(p, x, p), torch.addcdiv(x, p, p + 1)),
                *(
                    torch.logaddexp(p, x),
                    torch.xlogy(x.abs(), p),
                    p.pow(x),
                    2**p,
                    p.clamp(0.4, 1.1),
                ),
                *(
                    torch.copysign(p, x),
                    torch.remainder(x, p.detach()),
                    torch.heaviside(x, p.detach()),
                ),
            ]
            return torch.stack(one).sum(0), torch.stack(two).sum(0)

    class Statistics(nn.Module):
        def __init__(self):
            super().__init__()
            self.p = nn.Parameter(torch.randn(3, 4, 5))

        def forward(self, x):
            p = self.p
            return (
                p.var(dim=1).sum() + p.std() + p.var((0, 2), correction=0).sum(),
                p.logsumexp((0, 1)) + p.norm(3, dim=(0, 1)) + p.prod(0).mean(0),
                p.amax((0, 1)) - p.amin(0).mean(0) + p.max(dim=1).values[0] + p.median(1)[0][1],
                p.log_softmax(-1)[0] * x + p.cumprod(1)[0] + p.logcumsumexp(2)[1],
                torch.cdist(p, p.roll(1, 2) + 0.5) + p.flip(0, 2)[:, :, :4],
                F.cosine_similarity(p, x, dim=-1) + F.pairwise_distance(p, x),
                p.kthvalue(2, dim=1).values + p.mean(1) + F.normalize(p, dim=1)[:, 0],
                torch.histc(x, 4, -1, 1),
            )

    class Images(nn.Module):
        """Resizing, sampling and windows."""

        def __init__(self):
            super().__init__()
            self.theta = nn.Parameter(torch.tensor([[0.8, 0.2, 0.1], [-0.1, 0.9, 0.05]]))

        def forward(self, x):
            grid = F.affine_grid(self.theta.expand(2, -1, -1), [2, 3, 5, 4], align_corners=False)
            warped = F.grid_sample(x, grid, align_corners=False)
            reflected = F.grid_sample(
                x, grid * 1.5, padding_mode="reflection", align_corners=True, mode="bilinear"
            )
            columns = F.unfold(x, 3, padding=1, stride=2)
            folded = F.fold(columns, x.shape[2:], 3, padding=1, stride=2)
            cubic = F.interpolate(x, (5, 4), mode="bicubic", align_corners=True)
            near = F.interpolate(x, scale_factor=(0.5, 1.5), mode="nearest")
            pooled, index = F.max_pool2d(x, 2, return_indices=True)
            back = F.max_unpool2d(pooled, index, 2)
            average = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False, ceil_mode=True)
            adaptive = F.adaptive_max_pool2d(x, (2, 3))
            parts = (warped + reflected + cubic, folded + back, near, average, adaptive)
            return tuple(part.sum() * (i + 1) + part.amax() for i, part in enumerate(parts)), warped

    class Volumes(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv3d(2, 4, 3, 1, 1, dilation=1, groups=2)
            self.signal = nn.Conv1d(4, 3, 3, padding=2, dilation=2)
            self.up = nn.ConvTranspose1d(3, 2, 4, 2, 1)
            self.norm = nn.BatchNorm3d(4)

        def forward(self, x):
            y = F.max_pool3d(F.relu(self.norm(self.conv(x))), 2) + F.avg_pool3d(x, 2).sum()
            return self.up(F.max_pool1d(self.signal(y.flatten(2)), 2))

    class TCN(nn.Module):
        """Causal dilated convolutions and a weight-normed residual."""

        def __init__(self):
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv1d(4, 4, 2, dilation=2**i) for i in range(3))
            self.scales = nn.ParameterList(torch.ones(1) * 0.5 for _ in range(3))

        def forward(self, x):
            for i, (conv, scale) in enumerate(zip(self.convs, self.scales, strict=True)):
                x = x + scale * torch.tanh(conv(F.pad(x, (2**i, 0))))
            return x

    class Experts(nn.Module):
        """A mixture of experts with hard choices, one-hot and masks."""

        def __init__(self):
            super().__init__()
            self.gate = nn.Linear(4, 3)
            self.experts = nn.ModuleDict({f"e{i}": nn.Linear(4, 4) for i in range(3)})

        def forward(self, x):
            weights = self.gate(x).softmax(-1)
            mask = F.one_hot(weights.argmax(-1), 3).to(x.dtype)
            outs = torch.stack([expert(x) for expert in self.experts.values()], dim=1)
            balance = (mask.mean(0) * weights.mean(0)).sum() * 3
            return (outs * (mask * weights)[..., None]).sum(1), balance

    class Contrast(nn.Module):
        """Losses inside of a model."""

        def __init__(self):
            super().__init__()
            self.project = nn.Linear(6, 5)
            self.temperature = nn.Parameter(torch.tensor(0.5))

        def forward(self, x, y, labels):
            a, b = F.normalize(self.project(x), dim=-1), F.normalize(self.project(y), dim=-1)
            logits = a @ b.T / self.temperature.exp()
            return (
                F.cross_entropy(logits, torch.arange(4), label_smoothing=0.1)
                + F.cross_entropy(self.project(x), labels, ignore_index=2)
                + F.huber_loss(a, b, delta=0.3)
                + F.smooth_l1_loss(a, b)
                + F.kl_div(a.log_softmax(-1), b.softmax(-1), reduction="batchmean")
                + F.triplet_margin_loss(a, b, b.roll(1, 0))
                + F.mse_loss(a, b)
                + F.nll_loss(a.log_softmax(1), labels, weight=torch.ones(5, dtype=x.dtype))
            )

    class StraightThrough(nn.Module):
        """Gradients that are cut: `detach` and `no_grad`."""

        def __init__(self):
            super().__init__()
            self.codes = nn.Parameter(torch.randn(4, 3))

        def forward(self, x):
            distances = torch.cdist(x, self.codes)
            with torch.no_grad():
                scale = self.codes.abs().mean() + 1
            chosen = F.embedding(distances.argmin(-1), self.codes)
            quantised = x * self.codes.sum() + (chosen - x).detach()
            return quantised * scale, F.mse_loss(chosen, x.detach())

    class Conditional(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x):
            return torch.cond(
                x.sum() > 0, lambda x: self.linear(x).sin(), lambda x: self.linear(x) * 2, (x,)
            )

    class Spectral(nn.Module):
        """Triangles, rolls, strided windows, products of many matrices."""

        def __init__(self):
            super().__init__()
            self.a = nn.Parameter(torch.randn(4, 4))

        def forward(self, x):
            lower = self.a.tril(-1) + self.a.triu(1) + torch.eye(4, dtype=x.dtype)
            windows = x.unfold(1, 3, 2)
            chain = torch.linalg.multi_dot([lower, self.a.T, lower])
            return (
                windows @ self.a[:3],
                torch.baddbmm(x[:, :4, None], lower.expand(2, 4, 4), chain.expand(2, 4, 4), beta=2),
                torch.kron(self.a, torch.ones(2, dtype=x.dtype)),
                torch.trace(chain) + torch.outer(self.a[0], x[0])[1],
                x.repeat(1, 2)[:, ::3].narrow(1, 1, 2) + torch.addmm(x[:, :2], x, x.T[:, :2]),
            )

    class Systems(nn.Module):
        """Factors of matrices and what they solve."""

        def __init__(self):
            super().__init__()
            self.a = nn.Parameter(torch.randn(4, 4))

        def forward(self, x):
            a, linalg = self.a, torch.linalg
            square = a @ a.mT + torch.eye(4, dtype=x.dtype)
            lower = linalg.cholesky(square)
            values, vectors = linalg.eigh(square)
            packed, pivots = linalg.lu_factor(a)
            order, low, up = linalg.lu(a)
            return (
                linalg.det(a) + linalg.slogdet(a).logabsdet + torch.logdet(square),
                linalg.inv(a) @ x + linalg.solve(square, x) + linalg.solve(a, x[:, 0])[:, None],
                linalg.solve(square, x.mT, left=False).mT + linalg.lu_solve(packed, pivots, x),
                torch.cholesky_solve(x, lower) + torch.cholesky_inverse(lower.mT, True) @ x,
                torch.triangular_solve(x, lower, upper=False).solution + order @ low @ up @ x,
                (vectors * values.sqrt()) @ vectors.mT + linalg.matrix_exp(0.1 * a),
                linalg.svdvals(a) + linalg.eigvalsh(square) + linalg.pinv(a)[0],
                linalg.qr(a)[1].abs() + linalg.matrix_power(a, -2) + torch.cholesky(square),
                torch.addmv(x[:, 0], a, x[:, 1])[:, None],
                linalg.eigvalsh(a, UPLO="U") + linalg.pinv(square, hermitian=True).trace(),
                linalg.cholesky(square + a.tril(-1), upper=True) + torch.cholesky(square, True),
                linalg.tensorsolve(a.view(4, 2, 2), x[:, 0]),
                linalg.tensorinv(a.view(4, 2, 2), ind=1),
                torch.svd(a).S + torch.dist(a, square) + linalg.norm(a, 2) + linalg.cond(a),
            )

    class Found(nn.Module):
        """Operations of several results, as they are returned; and of numbers, along a dimension."""

        def __init__(self):
            super().__init__()
            self.p = nn.Parameter(torch.randn(3, 4))

        def forward(self, x):
            p, one = self.p, self.p[0, 0]
            gaps = torch.where(x > 0.5, torch.nan, p)
            numbers = (one.sum(0), one.softmax(0), one.cumsum(-1), one.amax(0), one.norm(dim=0))
            return {
                "max": p.max(1),
                "sort": p.sort(0, descending=True),
                "cummin": torch.cummin(p, 1),
                "median": gaps.median(1),
                "nanmedian": gaps.nanmedian(0),
                "kthvalue": p.kthvalue(2, 1, keepdim=True),
                "numbers": (*numbers, *one.max(0), *one.cummax(0), *one.topk(1), *one.median(0)),
                "bounded": torch.fmax(gaps, x)
                + torch.fmin(x, gaps).nan_to_num()
                + p.ldexp(x.abs().int()),
            }

    class Fourier(nn.Module):
        """A global filter in the frequency domain, and complex numbers."""

        def __init__(self):
            super().__init__()
            self.filter = nn.Parameter(torch.randn(3, 4, 3, 2))

        def forward(self, x):
            spectrum = torch.fft.rfft2(x, norm="ortho")
            y = torch.fft.irfft2(
                spectrum * torch.view_as_complex(self.filter), s=x.shape[-2:], norm="ortho"
            )
            z = torch.fft.ifft(torch.fft.fft(y, dim=1), dim=1)
            return y, torch.view_as_real(z).sum(-1) + spectrum.abs().sum() + torch.fft.hfft(
                spectrum
            )[..., :4]

    class Spectrograms(nn.Module):
        """A mask on a spectrogram, and back."""

        def __init__(self):
            super().__init__()
            self.mask = nn.Parameter(torch.rand(9, 1))

        def forward(self, x):
            window = torch.hann_window(16, dtype=x.dtype) + torch.kaiser_window(16, dtype=x.dtype)
            spectrum = torch.stft(x, 16, 6, window=window, return_complex=True)
            return torch.istft(spectrum * self.mask, 16, 6, window=window, length=40)

    class Outputs(nn.Module):
        """Nested arguments and results, None among them."""

        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, batch, extra=None):
            y = self.linear(batch["x"]) + batch["pair"][0]
            return {"y": y, "rest": [batch["pair"][1] * 2, extra], "none": None}

    class Bags(nn.Module):
        def __init__(self):
            super().__init__()
            self.mean = nn.EmbeddingBag(7, 3)
            self.total = nn.EmbeddingBag(7, 3, mode="sum")

        def forward(self, words, offsets):
            return self.mean(words, offsets) * self.total(words.view(3, 2))

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64)

    def integers(high, *shape):
        return torch.randint(0, high, shape)

    torch.manual_seed(1)
    words = torch.tensor([[3, 5, 1, 0, 0], [2, 4, 10, 7, 0]])
    evaluated = [
        Case("resnet", ResNet(), (normal(2, 3, 16, 16),)),
        Case("mobile block", MobileBlock(4), (normal(2, 4, 6, 6),)),
        Case("convnext block", ConvNeXtBlock(4), (normal(1, 4, 7, 7),)),
        Case("vit", ViT(), (normal(2, 3, 8, 8),)),
        Case("bert", Bert(), (words, integers(2, 2, 5))),
        Case("gpt", GPT(), (integers(13, 2, 6),)),
        Case("masked gpt", MaskedGPT(), (normal(2, 5, 8),)),
        Case("llama", Llama(), (normal(2, 5, 8),)),
        Case("decoder", Decoder(), (normal(2, 4, 8), normal(2, 5, 8))),
        Case("lstm, gru, rnn", Tagger(), (normal(2, 6, 3),)),
        Case("cells", Cells(), (normal(2, 3, 3),)),
        Case("unet", UNet(), (normal(1, 1, 8, 8),)),
        Case("vae", VAE(), (normal(4, 12), normal(4, 3))),
        Case("discriminator", Discriminator(), (normal(2, 3, 8, 8),)),
        Case("generator", Generator(), (normal(2, 5),)),
        Case("einsum", EinsumMixer(), (normal(2, 3), normal(2, 4))),
        Case("capsules", Capsules(), (normal(2, 6, 5),)),
        Case("graph", Graph(), (normal(5, 3), integers(5, 2, 8))),
        Case(
            "places",
            Places(),
            (normal(3, 6), torch.tensor([1, 0, 4, 2]), torch.tensor([0, 3, 2, 4])),
        ),
        Case("mixed dtypes", Mixed(), (normal(4), torch.tensor([5, -3, 2, 0], dtype=torch.int32))),
        Case("elementary", Elementary(), (normal(3, 4),)),
        Case("statistics", Statistics(), (normal(4, 5),)),
        Case("images", Images(), (normal(2, 3, 6, 6),)),
        Case("volumes", Volumes(), (normal(2, 2, 4, 4, 4),)),
        Case("tcn", TCN(), (normal(2, 4, 9),)),
        Case("experts", Experts(), (normal(5, 4),)),
        Case("losses", Contrast(), (normal(4, 6), normal(4, 6), torch.tensor([0, 2, 4, 1]))),
        Case("straight through", StraightThrough(), (normal(5, 3),)),
        Case("cond", Conditional(), (normal(2, 3),)),
        Case("matrices", Spectral(), (normal(2, 7)[:, :4].contiguous(),)),
        Case("systems", Systems(), (normal(4, 2),)),
        Case("found", Found(), (normal(3, 4),)),
        Case("fourier", Fourier(), (normal(2, 3, 4, 4),)),
        Case("spectrograms", Spectrograms(), (normal(2, 40),)),
        Case(
            "nested",
            Outputs(),
            ({"x": normal(4, 3), "pair": (normal(4, 2), integers(5, 3))}, normal(2)),
        ),
        Case("bags", Bags(), (torch.tensor([1, 2, 4, 5, 4, 3]), torch.tensor([0, 2, 4]))),
    ]
    trained = [
        Case("resnet, training", ResNet(), (normal(4, 3, 16, 16),)),
        Case("mobile block, training", MobileBlock(4), (normal(2, 4, 5, 5),)),
        Case("discriminator, training", Discriminator(), (normal(2, 3, 8, 8),)),
    ]
    return [
        *(Case(c.name, c.module.double().eval(), c.args) for c in evaluated),
        *(Case(c.name, c.module.double().train(), c.args) for c in trained),
    ]
