"""A fitted line as an ONNX model in double precision: one input for each column, by its name."""

from typing import Any

from foldwise.errors import InputError
from foldwise.export.formula import Formula, LevelTerm, Line, NumberTerm

OPSET, ML_OPSET, IR_VERSION = 18, 3, 9
"""Old enough for runtimes of some years, new enough for all that is used."""


def onnx_bytes(formula: Formula) -> bytes:
    """The file. Inputs are (n, 1), doubles (nan is missing) or text; outputs are (n, 1), chances of C classes (n, C).

    Raises
    ------
    InputError
        If onnx is not installed; for the probit link, whose function ONNX has in single precision alone; for a column
        without a name.
    """
    try:
        from onnx import TensorProto, checker, helper
    except ImportError as error:
        raise InputError("exporting to ONNX needs onnx: pip install foldwise[onnx]") from error
    if formula.link not in _LINKS:
        raise InputError(f"ONNX has no function in double precision for the {formula.link} link: export to Python")
    if not formula.inputs:
        raise InputError("ONNX needs a column to read, and no feature counts in this model")
    if "" in formula.sources:
        raise InputError("ONNX can't hold a column without a name: rename it")
    graph = _Graph(helper, TensorProto, {*formula.sources, *output_names(formula)})
    eta = graph.lines(formula)
    outputs = graph.outputs(graph.inverse(eta, formula.link), formula)
    inputs = [
        helper.make_tensor_value_info(
            term.source,
            TensorProto.STRING if isinstance(term, LevelTerm) and term.held == "text" else TensorProto.DOUBLE,
            ["n", 1],
        )
        for term in formula.inputs
    ]
    made = helper.make_graph(graph.nodes, "line", inputs, outputs, graph.constants)
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
        producer_name="foldwise",
        doc_string=formula.subject,
    )
    checker.check_model(model)
    return bytes(model.SerializeToString())


_LINKS = {"identity", "log", "logit", "cloglog", "softmax"}


class _Graph:
    """Nodes and constants as they are added, under names that no column has."""

    def __init__(self, helper: Any, types: Any, taken: set[str]) -> None:
        self.helper, self.types, self.taken, self.count = helper, types, taken, 0
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def _name(self) -> str:
        while True:
            self.count += 1
            if (name := f"v{self.count}") not in self.taken:
                return name

    def node(self, op: str, inputs: list[str], *, out: str | None = None, domain: str = "", **attributes: Any) -> str:
        """Add an operation and give the name of what it makes."""
        out = out or self._name()
        self.nodes.append(self.helper.make_node(op, inputs, [out], domain=domain, **attributes))
        return out

    def constant(self, rows: Any, kind: Any = None) -> str:
        """Add a matrix, or a list, and give its name."""
        nested = bool(rows) and isinstance(rows[0], list)
        shape = [len(rows), len(rows[0])] if nested else [len(rows)]
        flat = [value for row in rows for value in row] if nested else rows
        name = self._name()
        kind = self.types.DOUBLE if kind is None else kind
        if kind == self.types.STRING:
            flat = [text.encode() for text in flat]
        self.constants.append(self.helper.make_tensor(name, kind, shape, flat))
        return name

    def lines(self, formula: Formula) -> str:
        """The linear predictors, (n, 1) or (n, C)."""
        made = [self.line(line, formula.offset) for line in formula.lines]
        if not formula.has_several:
            return made[0]
        # A line in which nothing counts is one number until it is as long as the others.
        whole = self.node("Shape", [next(eta for eta, line in zip(made, formula.lines, strict=True) if line.terms)])
        return self.node("Concat", [self.node("Expand", [eta, whole]) for eta in made], axis=1)

    def line(self, line: Line, offset: str | None) -> str:
        """One linear predictor, (n, 1)."""
        parts = [self.numbers(line.numbers)] if line.numbers else []
        parts += [self.levels(term) for term in line.categories]
        parts += [] if offset is None else [offset]
        eta = self.constant([[line.intercept]])
        for part in parts:
            eta = self.node("Add", [eta, part])
        return eta

    def numbers(self, terms: tuple[NumberTerm, ...]) -> str:
        """What all number columns add, (n, 1): where(missing, m, x w) summed over columns."""
        x = self.node("Concat", [term.source for term in terms], axis=1)
        gone = self.node("IsNaN", [x])
        times = self.node("Mul", [x, self.constant([[term.weight for term in terms]])])
        each = self.node("Where", [gone, self.constant([[term.missing for term in terms]]), times])
        return self.node("MatMul", [each, self.constant([[1.0]] * len(terms))])

    def levels(self, term: LevelTerm) -> str:
        """What one category adds, (n, 1)."""
        if term.held == "text":
            known = dict(term.weights)
            if term.missing != 0.0:
                known.setdefault(term.gap, term.missing)
            levels = [str(level) for level in known]
            place = self.node(
                "LabelEncoder",
                [term.source],
                domain="ai.onnx.ml",
                keys_strings=levels,
                values_int64s=list(range(len(levels))),
                default_int64=len(levels),
            )
            return self.node("Gather", [self.constant([*known.values(), 0.0]), place])
        codes = self.constant([[float(level) for level, _ in term.weights]]) if term.weights else None
        gone = self.node("IsNaN", [term.source])
        if codes is None:
            added = self.constant([[0.0]])
        else:
            same = self.node("Cast", [self.node("Equal", [term.source, codes])], to=self.types.DOUBLE)
            added = self.node("MatMul", [same, self.constant([[weight] for _, weight in term.weights])])
        return self.node("Where", [gone, self.constant([[term.missing]]), added])

    def inverse(self, eta: str, link: str) -> str:
        """The mean at the predictor."""
        if link == "identity":
            return eta
        if link == "log":
            return self.node("Exp", [eta])
        if link == "softmax":  # runtimes subtract the largest first
            return self.node("Softmax", [eta], axis=1)
        if link == "logit":
            small = self.node("Exp", [self.node("Neg", [eta])])
            return self.node("Reciprocal", [self.node("Add", [self.constant([[1.0]]), small])])
        odds = self.node("Exp", [self.node("Neg", [self.node("Exp", [eta])])])
        return self.node("Sub", [self.constant([[1.0]]), odds])

    def outputs(self, told: str, formula: Formula) -> list[Any]:
        """What comes out, under its name; for classes the `prediction`, a class, before its chances."""
        classes, types = formula.modelled.classes, self.types
        prediction, chance = output_names(formula)
        if not classes:
            self.node("Identity", [told], out=chance)
            return [self.helper.make_tensor_value_info(chance, types.DOUBLE, ["n", 1])]
        self.node("Identity", [told], out=chance)
        if formula.has_several:
            at = self.node("ArgMax", [told], axis=1, keepdims=1)
        else:
            at = self.node("Cast", [self.node("Greater", [told, self.constant([[0.5]])])], to=types.INT64)
        kind = types.STRING if isinstance(classes[0], str) else types.DOUBLE
        labels = list(classes) if isinstance(classes[0], str) else [float(label) for label in classes]
        self.node("Gather", [self.constant(labels, kind), at], out=prediction)
        return [
            self.helper.make_tensor_value_info(prediction, kind, ["n", 1]),
            self.helper.make_tensor_value_info(chance, types.DOUBLE, ["n", len(formula.lines)]),
        ]


def output_names(formula: Formula) -> tuple[str, str]:
    """`prediction`, and what comes out (`Formula.outcome`); underscores behind them where a column is called so."""
    names, sources = ("prediction", formula.outcome), formula.sources
    tail = next("_" * k for k in range(len(sources) + 1) if not {f"{name}{'_' * k}" for name in names} & {*sources})
    return f"{names[0]}{tail}", f"{names[1]}{tail}"
