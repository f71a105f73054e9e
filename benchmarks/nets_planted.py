"""How often a penalty selects exactly the inputs that matter: `python -m benchmarks.nets_planted [tables]`.

Each table has 400 rows of 20 inputs; four of them, drawn anew, make y: two slopes, one slope with an interaction, and
one that acts through the interaction alone. The strength is chosen by cross-validation (`fw.nets.input_path`). Beside
it stands l1 as Keras has it, in the loss, at that same strength: how many weights are zero.
"""

import sys

import numpy as np

import foldwise as fw
from benchmarks.machine import describe
from benchmarks.markdown import table
from foldwise.nets import Member, input_path, perceptron, train

ROWS, INPUTS, HIDDEN, EPOCHS, LEARNING_RATE, FOLDS = 400, 20, (12,), 150, 0.01, 5
STRENGTHS = np.geomspace(0.003, 0.3, 9)


def planted(seed: int) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Rows (n, p), targets (n,) and the numbers of the four inputs that make them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS, INPUTS))
    own = rng.choice(INPUTS, size=4, replace=False)
    a, b, c, d = X[:, own].T
    return X, 2 * a - b + 1.5 * c * a + d + 0.1 * rng.normal(size=ROWS), sorted(own.tolist())


def main(tables: int = 10) -> None:
    """Measure and print a table."""
    print("\n".join(describe()), "", sep="\n")
    rows, exact = [], dict.fromkeys(("l1", "group_lasso"), 0)
    for seed in range(tables):
        X, y, matter = planted(seed)
        cells = []
        for penalty in exact:
            net = fw.NetRegressor(HIDDEN, epochs=EPOCHS, learning_rate=LEARNING_RATE, random_state=seed)
            path = input_path(net, X, y, STRENGTHS, penalty=penalty, cv=FOLDS)
            exact[penalty] += path.selected == matter
            missed, needless = set(matter) - set(path.selected), set(path.selected) - set(matter)
            told = ", ".join(
                f"{len(some)} {what}" for some, what in ((missed, "missed"), (needless, "needless")) if some
            )
            cells += [f"{path.strengths[path.chosen]:.3g}", told or "exactly those"]
            if penalty == "l1":
                model = perceptron(INPUTS, HIDDEN, learning_rate=LEARNING_RATE)
                member = Member(epochs=EPOCHS, l1=float(path.strengths[path.chosen]), seed=seed)
                kernels = train(model, X, y, [member], exact_zeros=False)[0].weights[::2]
                zeros = sum(int(np.count_nonzero(weight == 0)) for weight in kernels)
        rows.append((str(seed), *cells, str(zeros)))
    print(f"{ROWS} rows, {INPUTS} inputs, hidden layer of {HIDDEN[0]}, {EPOCHS} epochs, {FOLDS} folds\n")
    print(table(("seed", "l1", "selects", "group lasso", "selects", "zeros of Keras' l1"), rows))
    counts = ", ".join(f"{penalty} {count} of {tables}" for penalty, count in exact.items())
    print(f"\nExactly the four inputs that matter: {counts}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
