"""Ridge: the squared size of the coefficients is penalized; all of them stay."""

from foldwise.paths import Paths, fit_paths
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.task import Task


def fit(task: Task) -> tuple[Paths, ...]:
    """One path with l1_ratio 0."""
    return (
        fit_paths(
            task.source,
            alphas=task.alphas,
            l1_ratio=0.0,
            nested=True,
            standardize=task.standardize,
            progress=task.steps.on_the_way,
        ),
    )


RIDGE = PathCandidate("ridge", tunes=True, drops_features=False, fit=fit)
