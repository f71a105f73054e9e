"""What can be typed: the commands, their options and help. Heavy imports wait until a command runs."""

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import rich_click as click
from click.exceptions import Exit
from click.shell_completion import shell_complete

from foldwise import __version__
from foldwise.errors import InputError

_CONTEXT = {"help_option_names": ["-h", "--help"]}
_HELP = click.RichHelpConfiguration(theme="default-slim", text_paragraph_linebreaks="\n\n")

_TABLE = click.argument("table", type=click.Path(path_type=Path))
_TARGET_OR_TIME = click.option("--target", metavar="COL", help="The column to predict.")
_TIME = click.option("--time", metavar="COL", help="In place of --target: times to an event, with --event.")
_EVENT = click.option(
    "--event",
    metavar="COL",
    help="Whether the event came then (1 or true), or had not by then (0 or false).",
)
_DROP = click.option("--drop", metavar="COL", multiple=True, help="Leave a column out; may be given again.")
_CATEGORY = click.option(
    "--category",
    "categories",
    metavar="COL",
    multiple=True,
    help="Take the numbers of a column as codes of levels; may be given again.",
)
_FAMILY = click.option(
    "--family",
    metavar="NAME",
    help="What fits the target: gaussian, binomial, probit, cloglog, multinomial, poisson, gamma, tweedie, 'negative "
    "binomial', huber or cox. Taken from the target if left out: two values of any kind and text with more are "
    "classes, whole numbers from 0 counts.",
)


class _InOrder(click.RichGroup):
    """Commands in the order in which one meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)


@click.group(cls=_InOrder, context_settings=_CONTEXT, invoke_without_command=True)
@click.rich_config(help_config=_HELP)
@click.version_option(__version__, message="foldwise %(version)s")
@click.pass_context
def foldwise(context: click.Context) -> None:
    """Which regularization, how strong, which features survive, and how sure are we?

    TABLE is a CSV, TSV, Parquet, Feather or JSON lines file. Start with: foldwise demo
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@foldwise.command()
@click.option("--networks", is_flag=True, help="With neural networks beside them; under a minute on two cores.")
def demo(networks: bool) -> None:  # noqa: FBT001
    """Compare least squares, ridge, lasso and elastic net on 398 cars.

    No file is needed: the auto-mpg table comes with foldwise.
    """
    from foldwise.cli.compare import show_demo

    show_demo(networks=networks)


@foldwise.command()
@_TABLE
@_TARGET_OR_TIME
@_TIME
@_EVENT
@_FAMILY
@click.option(
    "--folds", metavar="K", type=click.IntRange(min=3), default=5, show_default=True, help="Folds in each repeat."
)
@click.option(
    "--repeats",
    metavar="R",
    type=click.IntRange(min=1),
    help="How often to deal the folds: 10 times if left out (once for a table read in one pass); with --budget the "
    "most, 50 if left out.",
)
@click.option(
    "--budget",
    metavar="TIME",
    help="Add repeats until the differences are settled, or this time (60s, 5m, 1h) is over.",
)
@click.option("--seed", metavar="N", type=click.IntRange(min=0), default=0, show_default=True, help="Deals the folds.")
@click.option(
    "--rope",
    metavar="AMOUNT",
    type=click.FloatRange(min=0.0),
    default=0.0,
    help="The largest difference in error that does not matter to you, in the target's unit.",
)
@click.option(
    "--candidates",
    metavar="NAMES",
    help="What to compare, separated by commas: ols, ridge, lasso, elastic-net (these if left out), group-lasso, "
    "network-l2, network-l1, network-dropout, network-early-stopping.",
)
@click.option("--leaks", is_flag=True, help="Also show what common leaks would have made one report.")
@click.option("--offset", metavar="COL", help="A column that is added to every linear predictor, such as log exposure.")
@_DROP
@_CATEGORY
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write report.html, report.json and others; go on with what is there.",
)
@click.option(
    "--moments/--no-moments",
    default=True,
    show_default=True,
    help="Let report.html refit, from sums over the rows of each fold; leave these out where they are private.",
)
@click.option("--json", "as_json", is_flag=True, help="Print report.json in place of the text.")
@click.option(
    "--stream/--in-memory",
    default=None,
    help="Read a file in one pass, or whole. In one pass if left out and it is too large, or TABLE is a folder or a "
    "pattern ('data/*.parquet', in quotes).",
)
@click.option("--key", metavar="COL", help="In one pass: rows with the same value here share a fold.")
@click.option("--skip-bad", is_flag=True, help="In one pass: leave out what is damaged or not finite, and say so.")
@click.option(
    "--state",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="In one pass: save how far it is, also at Ctrl-C, and go on from there.",
)
@click.option("--dask", metavar="WHERE", help="Spread the work over a Dask cluster: local, or tcp://address:port.")
def compare(
    table: Path,
    target: str | None,
    time: str | None,
    event: str | None,
    family: str | None,
    leaks: bool,  # noqa: FBT001
    offset: str | None,
    folds: int,
    repeats: int | None,
    budget: str | None,
    seed: int,
    rope: float,
    candidates: str | None,
    drop: tuple[str, ...],
    categories: tuple[str, ...],
    out: Path | None,
    moments: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    **one_pass: Any,
) -> None:
    """Compare least squares, ridge, lasso and elastic net on TABLE, or the candidates that are named.

    The target may be numbers, classes (text too), counts, or by --time and --event times to an event; the page says
    which family was chosen and why.

    Which predicts best, by how much, is the difference real, and which features survive? Strengths are chosen inside
    each training set, so the errors are those of the whole procedure.
    """
    from foldwise.cli.compare import show_comparison
    from foldwise.cli.request import OnePass, Request
    from foldwise.cli.seconds import seconds_of

    names = None if candidates is None else tuple(candidates.split(","))
    request = Request(
        table,
        target,
        folds,
        repeats,
        seed,
        drop,
        categories,
        names,
        family=family,
        time=time,
        event=event,
        offset=offset,
        leaks=leaks,
        rope=rope,
        one_pass=OnePass(**one_pass),
        budget=None if budget is None else seconds_of(budget),
    )
    show_comparison(request, out=out, as_json=as_json, moments=moments)


@foldwise.command()
@_TABLE
@_TARGET_OR_TIME
@_TIME
@_EVENT
@_FAMILY
@click.option(
    "--model",
    "kind",
    metavar="MODEL",
    type=click.Choice(["ols", "ridge", "lasso", "elastic-net"]),
    required=True,
    help="ols (least squares, or no penalty), ridge, lasso or elastic-net.",
)
@click.option(
    "--alpha",
    metavar="A",
    type=float,
    help="Strength, as scikit-learn defines it (for classes 1 / (C rows)). Chosen by cross-validation if left out.",
)
@click.option(
    "--l1-ratio", metavar="R", type=float, help="For elastic-net: 1 is lasso, 0 ridge. Chosen, or with --alpha 0.5."
)
@click.option(
    "--standardize/--as-given",
    default=None,
    help="Penalize per standard deviation, or columns as given. As given with --alpha, per deviation without.",
)
@click.option(
    "--test-size",
    metavar="SHARE",
    type=float,
    default=0.25,
    show_default=True,
    help="Share of rows to test on; 0 for none.",
)
@click.option(
    "--seed", metavar="N", type=click.IntRange(min=0), default=45, show_default=True, help="Draws the test rows."
)
@_DROP
@_CATEGORY
@click.option("--save", metavar="FILE", type=click.Path(path_type=Path), help="Write the model, as JSON.")
@click.option(
    "--export",
    "exports",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Write the model as a .onnx, .sql or .py file; may be given again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the model file in place of the text.")
def fit(
    table: Path,
    kind: str,
    save: Path | None,
    exports: tuple[Path, ...],
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Fit one model to TABLE, test it, and print its coefficients.

    Gaps are filled with the median of the training rows.
    """
    from foldwise.cli.fit import show_fit

    show_fit(table, kind, save=save, exports=exports, as_json=as_json, **options)


@foldwise.command()
@click.argument("model", type=click.Path(path_type=Path))
@_TABLE
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write a .csv or .parquet file.")
def predict(model: Path, table: Path, out: Path | None) -> None:
    """Predict the rows of TABLE with a MODEL that fit saved.

    One column, `prediction`, in the order of the rows, and for classes the probability of each; as CSV on the terminal,
    or in the file named by --out.
    """
    from foldwise.cli.predict import show_predictions

    show_predictions(model, table, out=out)


@foldwise.command()
@click.argument("source", metavar="MODEL", type=click.Path(path_type=Path))
@_TABLE
@click.option(
    "--out",
    "goals",
    metavar="FILE",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="A .onnx, .sql, .py or .json (model) file; may be given again.",
)
@click.option("--candidate", metavar="NAME", help="Of a report: which, the best if left out.")
def export(source: Path, table: Path, goals: tuple[Path, ...], candidate: str | None) -> None:
    """Write a MODEL as ONNX, a SQL expression, or a Python function without dependencies.

    MODEL is what fit saved, or a folder that compare wrote: then it is the final model of the best candidate. What is
    written predicts every row of TABLE as the model does, or it is not written.
    """
    from foldwise.cli.export import show_export

    show_export(source, table, goals, candidate=candidate)


@foldwise.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--moments/--no-moments", default=True, show_default=True, help="Let the page refit.")
@click.option("--figures", metavar="KIND", type=click.Choice(["svg", "png"]), help="Write the figures too: svg or png.")
def report(directory: Path, moments: bool, figures: str | None) -> None:  # noqa: FBT001
    """Write report.html in DIR again, from the other files there: nothing is fitted.

    DIR is what compare --out wrote.
    """
    from foldwise.cli.report import show_rebuilt

    show_rebuilt(directory, moments=moments, figures=figures)


@foldwise.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@_TABLE
@click.pass_context
def verify(context: click.Context, directory: Path, table: Path) -> None:
    """Recompute the numbers of DIR/report.json from TABLE by other code than made them, and list what differs.

    By scikit-learn's estimators, and by formulas written out anew where it has none. Exit code 0 if nothing differs, 1
    if something does. What can't be recomputed is named.
    """
    from foldwise.cli.verify import show_verification

    if not show_verification(directory, table):
        context.exit(1)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 when all is well, 2 for the user's mistake, 1 for ours.

    Parameters
    ----------
    arguments
        What was typed after ``foldwise``; that of this process by default.

    Examples
    --------
    >>> main(["--version"])
    Traceback (most recent call last):
    SystemExit: 0
    """
    if completing := os.environ.get("_FOLDWISE_COMPLETE"):  # a shell asks what could be typed next
        sys.exit(shell_complete(foldwise, {}, "foldwise", "_FOLDWISE_COMPLETE", completing))
    typed = sys.argv[1:] if arguments is None else list(arguments)
    sys.exit(_outcome(typed))


def _outcome(typed: list[str]) -> int:
    try:
        with foldwise.make_context("foldwise", typed) as whole:
            foldwise.invoke(whole)
        sys.stdout.flush()
    except InputError as error:
        return _say(str(error))
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = "" if context is None else f" (see {context.command_path} --help)"
        return _say(f"{error.format_message()}{hint}")
    except BrokenPipeError:  # the reader has seen enough; nothing may be flushed to it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (click.Abort, KeyboardInterrupt):
        _say("stopped")
        return 130
    except Exit as error:  # after --help and --version
        return error.exit_code
    return 0


def _say(message: str) -> int:
    from foldwise.cli.terminal import say_error

    say_error(message)
    return 2
