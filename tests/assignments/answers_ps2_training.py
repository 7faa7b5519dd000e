"""Three other right answers for each coding question of ps2_training, as students might write them."""

ANSWERS = {
    "weighted_cross_entropy": [
        """
def weighted_cross_entropy(logits, targets, weights):
    one_hot = F.one_hot(targets, logits.shape[1])
    weighted = one_hot * weights
    return -(weighted * F.log_softmax(logits, dim=1)).sum() / weighted.sum()
""",
        """
def weighted_cross_entropy(logits, targets, weights):
    total, weight = 0.0, 0.0
    for row, target in zip(logits, targets):
        total = total + weights[target] * (torch.logsumexp(row, dim=0) - row[target])
        weight = weight + weights[target]
    return total / weight
""",
        """
def weighted_cross_entropy(logits, targets, weights):
    losses = F.nll_loss(F.log_softmax(logits, dim=-1), targets, reduction="none")
    return float((losses * weights[targets]).sum()) / float(weights[targets].sum())
""",
    ],
    "focal_loss": [
        """
def focal_loss(logits, targets, gamma):
    ce = F.cross_entropy(logits, targets, reduction="none")
    return ((1 - torch.exp(-ce)) ** gamma * ce).mean()
""",
        """
def focal_loss(logits, targets, gamma):
    log_p = logits.log_softmax(1).gather(1, targets[:, None])[:, 0]
    return torch.mean(-torch.pow(1 - log_p.exp(), gamma) * log_p)
""",
        """
def focal_loss(logits, targets, gamma):
    losses = []
    for row, target in zip(logits.double(), targets):
        shifted = row - row.max()
        log_p = shifted[target] - shifted.exp().sum().log()
        losses.append(-((1 - log_p.exp()) ** gamma) * log_p)
    return sum(losses) / len(losses)
""",
    ],
    "adamw_step": [
        """
def adamw_step(weight, gradient, m, v, t, rate, decay):
    b1, b2, eps = 0.9, 0.999, 1e-8
    m = b1 * m + (1 - b1) * gradient
    v = b2 * v + (1 - b2) * gradient * gradient
    m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
    weight = weight * (1 - rate * decay)
    return weight - rate * m_hat / (v_hat**0.5 + eps), m, v
""",
        """
def adamw_step(weight, gradient, m, v, t, rate, decay):
    new_m = m + (gradient - m) * 0.1
    new_v = v + (gradient**2 - v) * 0.001
    correction = np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    step = rate * correction * new_m / (np.sqrt(new_v) + 1e-8 * np.sqrt(1 - 0.999**t))
    return weight - rate * decay * weight - step, new_m, new_v
""",
        """
def adamw_step(weight, gradient, m, v, t, rate, decay):
    w = torch.tensor(weight)
    first = torch.lerp(torch.tensor(m), torch.tensor(gradient), 0.1)
    second = torch.tensor(v).mul(0.999).addcmul(torch.tensor(gradient), torch.tensor(gradient), value=0.001)
    update = (first / (1 - 0.9**t)) / ((second / (1 - 0.999**t)).sqrt() + 1e-8)
    return (w - rate * (update + decay * w)).numpy(), first.numpy(), second.numpy()
""",
    ],
    "clip_gradients": [
        """
def clip_gradients(gradients, longest):
    length = np.linalg.norm(np.concatenate([np.ravel(g) for g in gradients]))
    if length <= longest:
        return gradients, length
    return [g * (longest / length) for g in gradients], length
""",
        """
def clip_gradients(gradients, longest):
    tensors = [torch.nn.Parameter(torch.tensor(g)) for g in gradients]
    for tensor, gradient in zip(tensors, gradients):
        tensor.grad = torch.tensor(gradient, dtype=torch.float64)
    length = torch.nn.utils.get_total_norm([t.grad for t in tensors])
    factor = longest / length if length > longest else torch.tensor(1.0)
    return [(t.grad * factor).numpy() for t in tensors], float(length)
""",
        """
def clip_gradients(gradients, longest):
    squares = 0.0
    for gradient in gradients:
        for value in gradient.flat:
            squares += value * value
    length = squares**0.5
    scale = 1 if length == 0 else min(1, longest / length)
    return list(map(lambda gradient: scale * gradient, gradients)), length
""",
    ],
    "trapezoid": [
        """
def trapezoid(step, total, warmup, cooldown, highest):
    up = (step + 1) / warmup if warmup else 1
    down = (total - step) / (cooldown + 1)
    return highest * min(up, down, 1)
""",
        """
def trapezoid(step, total, warmup, cooldown, highest):
    up = [highest * (k + 1) / warmup for k in range(warmup)]
    down = [highest * (cooldown - k) / (cooldown + 1) for k in range(cooldown)]
    return (up + [highest] * (total - warmup - cooldown) + down)[step]
""",
        """
def trapezoid(step, total, warmup, cooldown, highest):
    if warmup and step + 1 <= warmup:
        return np.interp(step + 1, [0, warmup], [0, highest])
    return np.interp(step, [total - cooldown - 1, total], [highest, 0])
""",
    ],
    "stop_early": [
        """
def stop_early(losses, patience, least):
    best_epoch, best, waiting = 1, None, 0
    for number, loss in enumerate(losses):
        if not math.isnan(loss) and (best is None or best - loss > least):
            best_epoch, best, waiting = number + 1, loss, 0
        else:
            waiting += 1
        if waiting == patience:
            return best_epoch, number + 1
    return best_epoch, len(losses)
""",
        """
def stop_early(losses, patience, least):
    best = 0
    for epoch in range(len(losses)):
        if epoch and losses[epoch] + least < losses[best]:
            best = epoch
        if epoch - best == patience:
            break
    return best + 1, epoch + 1
""",
        """
def stop_early(losses, patience, least):
    lowest, when, bad = float("inf"), 1, 0
    last = 0
    while last < len(losses) and bad < patience:
        last += 1
        if losses[last - 1] < lowest - (0 if lowest == float("inf") else least):
            lowest, when, bad = losses[last - 1], last, 0
        else:
            bad += 1
    return [when, last]
""",
    ],
    "train": [
        """
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = torch.nn.Linear(2, 80), torch.nn.Linear(80, 80), torch.nn.Linear(80, 2)
    def forward(self, x):
        return self.last(F.silu(self.second(F.silu(self.first(3 * x)))))

def train(points, classes, epochs, seed):
    torch.manual_seed(seed)
    data = torch.utils.data.TensorDataset(torch.from_numpy(np.array(points)), torch.from_numpy(np.array(classes)))
    loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    history = []
    for epoch in range(epochs):
        sums = 0
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y, reduction="sum")
            (loss / len(x)).backward()
            optimizer.step()
            sums += float(loss)
        history.append(sums / len(points))
    return history, lambda p: net(torch.tensor(p)).argmax(1)
""",
        """
def train(points, classes, epochs, seed):
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    weights = [torch.randn(a, b, generator=generator) * (1.5 / a**0.5) for a, b in ((2, 64), (64, 64), (64, 2))]
    biases = [torch.zeros(b) for b in (64, 64, 2)]
    parameters = [p.requires_grad_() for p in weights + biases]
    def forward(x):
        for i in range(3):
            x = x @ weights[i] + biases[i]
            x = torch.tanh(x) if i < 2 else x
        return x
    optimizer = torch.optim.AdamW(parameters, lr=1e-2, weight_decay=0.0)
    x, y = torch.tensor(points), torch.tensor(classes)
    means = []
    for _ in range(epochs):
        order, parts = rng.permutation(len(x)), []
        for start in range(0, len(x), 25):
            batch = order[start : start + 25]
            loss = F.cross_entropy(forward(x[batch]), y[batch])
            optimizer.zero_grad(); loss.backward(); optimizer.step()
            parts.append((loss.item(), len(batch)))
        means.append(sum(l * n for l, n in parts) / sum(n for _, n in parts))
    return means, lambda p: forward(torch.tensor(p)).argmax(dim=1).numpy()
""",
        """
def train(points, classes, epochs, seed):
    torch.manual_seed(seed)
    radius = lambda x: torch.cat([x, x.norm(dim=1, keepdim=True)], dim=1)
    net = torch.nn.Sequential(torch.nn.Linear(3, 128), torch.nn.ReLU(), torch.nn.Linear(128, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    opt = torch.optim.AdamW(net.parameters(), lr=1e-2)
    x, y = radius(torch.tensor(points)), torch.tensor(classes)
    log = []
    for e in range(epochs):
        loss_sum = torch.zeros(())
        for b in torch.randperm(len(x)).chunk(max(1, len(x) // 20)):
            opt.zero_grad()
            l = torch.nn.functional.cross_entropy(net(x[b]), y[b])
            l.backward()
            opt.step()
            loss_sum += l.detach() * len(b)
        log.append((loss_sum / len(x)).item())
    def predict(new):
        net.eval()
        return [int(k) for k in net(radius(torch.tensor(new))).argmax(1)]
    return log, predict
""",
    ],
}
