# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The rounds of all held-out sets at one strength, until none of them moves any more.

What happens often and is short is compiled; what is long is shared out over the team's threads; what is seldom (new
working columns, a new inverse, a look beyond the columns at hand) is asked of the `Lockstep`.
"""

from libc.math cimport INFINITY
from libc.stdlib cimport free, malloc
from libc.string cimport memset

import numpy as np

from foldwise.paths.lockstep._support cimport Support, fw_support

cdef extern from "_advance.h" nogil:
    ctypedef struct fw_task:
        Py_ssize_t n
        Py_ssize_t sets
        Py_ssize_t h
        const double *rows
        const int *start
        const int *at
        const double *value
        const Py_ssize_t *index
        double *coef
        const double *weight
        const double *mean
        const double *centre
        double total
        const double *gradient
        const double *threshold
        const double *square
        const signed char *sides
        signed char *inside
        const double *lower
        const double *upper
        double l1
        double l2
        int careful

    Py_ssize_t fw_padded(Py_ssize_t m)
    Py_ssize_t fw_advance(fw_support *support, const fw_task *task, const int *picked, Py_ssize_t m)
    double fw_unrest(const fw_support *support, const fw_task *task, const double *rounding, double share, double roundings)

cdef extern from "_choose.h" nogil:
    ctypedef struct fw_choice:
        Py_ssize_t most
        const Py_ssize_t *limit
        const Py_ssize_t *place
        const double *rounding
        const double *heft
        double slack
        int unbounded
        int *picked
        int *count
        double *weight

    void fw_choose(const fw_choice *choice, const fw_task *task, const Py_ssize_t *among, Py_ssize_t m)

cdef extern from "_residual.h" nogil:
    ctypedef struct fw_cells:
        Py_ssize_t n
        Py_ssize_t lda
        const double *rows
        const float *single
        const int *start
        const int *at
        const double *value

    void fw_cells_times(const fw_cells *cells, Py_ssize_t m, const Py_ssize_t *picks, const double *R, Py_ssize_t width,
                        double *out)
    void fw_cells_combine(const fw_cells *cells, Py_ssize_t m, const Py_ssize_t *picks, const double *C, Py_ssize_t width,
                          double *out, Py_ssize_t start, Py_ssize_t stop)
    Py_ssize_t fw_pack(const double *coef, Py_ssize_t size, Py_ssize_t sets, const Py_ssize_t *which, Py_ssize_t some,
                       Py_ssize_t width, Py_ssize_t *picks, double *packed)
    void fw_leave(Py_ssize_t n, Py_ssize_t sets, const Py_ssize_t *which, Py_ssize_t some, Py_ssize_t width,
                  const double *fitted, const double *target, const double *weight, const double *total, int intercept,
                  const Py_ssize_t *own, double *mean, double *residual, double *R)
    void fw_spread(Py_ssize_t m, const Py_ssize_t *columns, Py_ssize_t sets, const Py_ssize_t *which, Py_ssize_t some,
                   Py_ssize_t width, const double *products, const double *total, double *gradient)

# Candidates of one held-out set in one round.
cdef enum: MOST_CANDIDATES = 96
# Rounds of letting violators in before a strength is taken as it is, its gap telling how good it is.
MAX_ROUNDS = 200
# Rounds after which coordinates come and go one at a time.
cdef enum: PATIENT = 25
# A support's own equations hold when they are off by no more than this many times their rounding.
cdef double RESTED = 8.0
# They being off by so many times what is allowed, and no less after a step: the inverse is bad.
cdef double LOST = 1e3
# Multiplications below which a second thread costs more than it saves.
cdef double WORTH_SHARING = 1e6


cdef fw_cells cells_of(tuple where):
    """Columns as the rows of a dense matrix or, where that is None, stored by columns. The arrays must be kept."""
    cdef fw_cells cells
    cdef const float[:, :] single
    cdef const double[:, :] rows
    cdef const int[::1] whole
    cdef const double[::1] numbers
    dense, start, at, value = where
    memset(&cells, 0, sizeof(fw_cells))
    if dense is None:
        whole = start
        cells.start = &whole[0]
        whole, numbers = at, value
        if whole.shape[0]:
            cells.at, cells.value = &whole[0], &numbers[0]
        return cells
    cells.n, cells.lda = dense.shape[1], dense.strides[0] // dense.itemsize
    if dense.size and dense.dtype == np.float32:
        single = dense
        cells.single = &single[0, 0]
    elif dense.size:
        rows = dense
        cells.rows = &rows[0, 0]
    return cells


cdef class Rounds:
    """Rounds over the arrays of a `Lockstep`.

    Parameters
    ----------
    lockstep : Lockstep
        Its arrays of fixed size are held from now on. `take_work`, `take_hand` and `take_supports` must follow, and
        again whenever one of those is made anew.
    """

    cdef readonly list supports
    cdef object team
    cdef tuple work, hand_cells
    cdef fw_support **states
    cdef fw_task task
    cdef fw_choice choice
    cdef fw_cells working, at_hand
    cdef bint intercept, ridge
    cdef Py_ssize_t sets, workers, size, used, some, width
    cdef double cells_per_column
    cdef double[:, ::1] gradient, residual, coef
    cdef const double[:, ::1] target, weight, weight_by_set, mean, threshold, square, rounding, heft
    cdef const double[::1] total, centre, lower, upper
    cdef const signed char[:, ::1] sides
    cdef signed char[:, ::1] inside
    cdef const Py_ssize_t[::1] place, own, index, hand, picks
    cdef int[:, ::1] picked
    cdef int[::1] count
    cdef Py_ssize_t[::1] limit, which, steps, busy
    cdef signed char[::1] careful, unrested
    cdef double[::1] worst, offset
    cdef double[:, ::1] heaps, packed, fitted, R, products

    def __cinit__(self):
        self.states = NULL

    def __dealloc__(self):
        free(self.states)

    def __init__(self, lockstep):
        cdef Py_ssize_t sets = lockstep.H, n = lockstep.columns.n
        options = lockstep.options
        self.sets, self.team, self.workers = sets, lockstep.team, lockstep.team.workers
        self.supports, self.intercept = [], options.fit_intercept
        self.gradient, self.residual, self.target = lockstep.gradient, lockstep.residual, lockstep.target
        self.weight, self.weight_by_set = lockstep.row_weight, lockstep.row_weight_by_set
        self.mean, self.total, self.centre = lockstep.middle, lockstep.total, lockstep.work.centre
        self.threshold, self.square, self.rounding = lockstep.threshold, lockstep.square, lockstep.rounding
        self.heft, self.sides, self.inside = lockstep.box, lockstep.sides, lockstep.inside
        self.lower, self.upper = options.lower, options.upper
        self.place, self.own = lockstep.work.place, lockstep.columns.own
        self.picked, self.heaps = np.zeros((sets, MOST_CANDIDATES), dtype=np.intc), np.empty((sets, MOST_CANDIDATES))
        self.count, self.limit = np.zeros(sets, dtype=np.intc), np.zeros(sets, dtype=np.intp)
        self.which, self.steps = np.arange(sets), np.zeros(sets, dtype=np.intp)
        self.careful, self.unrested = np.zeros(sets, dtype=np.int8), np.zeros(sets, dtype=np.int8)
        self.worst, self.offset = np.zeros(sets), np.empty(sets)
        self.packed = self.products = np.empty((0, 0))
        self.fitted, self.R = np.empty((n, fw_padded(sets))), np.empty((n, fw_padded(sets)))
        self.busy, self.hand = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
        self.size, self.task.n, self.task.sets = 0, n, sets
        self.task.gradient, self.task.threshold = &self.gradient[0, 0], &self.threshold[0, 0]
        self.task.square, self.task.sides, self.task.inside = &self.square[0, 0], &self.sides[0, 0], &self.inside[0, 0]
        self.task.centre, self.task.lower, self.task.upper = &self.centre[0], &self.lower[0], &self.upper[0]
        self.choice.most, self.choice.limit, self.choice.place = MOST_CANDIDATES, &self.limit[0], &self.place[0]
        self.choice.rounding, self.choice.heft = &self.rounding[0, 0], &self.heft[0, 0]
        self.choice.unbounded = not options.is_bounded
        self.choice.picked, self.choice.count = &self.picked[0, 0], &self.count[0]
        self.choice.weight = &self.heaps[0, 0]

    def take_work(self, work, coef):
        """Follow the working columns and the coefficients (room, H) of all sets, which have moved."""
        self.work = work.rows, work.start, work.at, work.value
        self.working = cells_of(self.work)
        self.coef, self.index, self.size = coef, work.index, work.size
        self.task.rows, self.task.start = self.working.rows, self.working.start
        self.task.at, self.task.value = self.working.at, self.working.value
        self.task.index, self.task.coef = &self.index[0], &self.coef[0, 0]
        if self.packed.shape[0] < self.coef.shape[0]:
            self.packed = np.empty((self.coef.shape[0], fw_padded(self.sets)))
            self.busy = np.empty(self.coef.shape[0], dtype=np.intp)

    def take_hand(self, const Py_ssize_t[::1] hand, tuple cells, picks):
        """Follow the columns at hand, and where their cells are: as `cells_of`, all of them or those picked."""
        self.hand, self.hand_cells, self.picks = hand, cells, picks
        self.at_hand = cells_of(cells)
        self.cells_per_column = self.task.n if cells[0] is not None else len(cells[2]) / max(self.place.shape[0], 1)
        if self.products.shape[0] < hand.shape[0]:
            self.products = np.empty((hand.shape[0] + hand.shape[0] // 8, fw_padded(self.sets)))

    def take_supports(self, list supports, bint ridge):
        """Follow the supports of all sets."""
        self.supports, self.ridge = supports, ridge
        free(self.states)
        self.states = <fw_support **> malloc(max(len(supports), 1) * sizeof(fw_support *))
        if self.states == NULL:
            raise MemoryError
        for h in range(len(supports)):
            self.states[h] = &(<Support> supports[h]).state

    def stand_still(self, lockstep, double l1, double l2, double slack, Py_ssize_t max_iter):
        """Rounds at one strength until no set moves any more: the steps (H,) that took, and whether it was reached."""
        cdef Py_ssize_t turn, i, h, most = 0
        self.steps[:] = 0
        self.count[:] = 0
        self.careful[:] = 0
        self.unrested[:] = 1
        repaired = set()
        for turn in range(MAX_ROUNDS):
            if turn:  # the supports alone first: where they end tells who is wanted
                self.look(lockstep, self.hand, l1, l2, slack)
            if not self._line_up():
                lockstep.look_where_needed(l1)
                if not self.look(lockstep, lockstep.reaching(l1), l1, l2, slack):
                    return np.array(self.steps), True
                self._line_up()
                lockstep.widen_hand()
            if most >= max_iter:
                break
            for i in range(self.some):
                h = self.which[i]
                if turn > PATIENT:
                    self.careful[h] = 1
                if self.count[h] or not turn:
                    self.worst[h] = INFINITY
            self._advance(lockstep, l1, l2)
            self._move()
            self._rest(lockstep, l2, slack, repaired)
            for i in range(self.some):
                most = max(most, self.steps[self.which[i]])
        lockstep.look_everywhere()
        return np.array(self.steps), False

    def free_of_charge(self, lockstep, double slack):
        """Let every set go where columns that no penalty holds take it."""
        everything = np.finfo(float).max  # nothing penalized exceeds this many times its threshold
        for _ in range(MAX_ROUNDS):
            if not self.look(lockstep, lockstep.everywhere, everything, 0.0, slack):
                break
            self._all()
            self._advance(lockstep, everything, 0.0)
            self._move()
            lockstep.look_everywhere()

    def move(self):
        """Residuals of all sets at the coefficients as they stand."""
        self._all()
        self._move()

    def look(self, lockstep, const Py_ssize_t[::1] among, double l1, double l2, double slack):
        """Choose each set's candidates among some columns, which become working columns; whether there are any."""
        cdef Py_ssize_t h, k
        cdef bint some = False
        for h in range(self.sets):
            self.limit[h] = min(16 + self.states[h].s // 4, MOST_CANDIDATES)
        self.task.l1, self.task.l2, self.choice.slack = l1, l2, slack
        with nogil:
            fw_choose(&self.choice, &self.task, &among[0] if among.shape[0] else NULL, among.shape[0])
        new = set()
        for h in range(self.sets):
            some = some or self.count[h] > 0
            for k in range(self.count[h]):
                if self.place[self.picked[h, k]] < 0:
                    new.add(self.picked[h, k])
        if new:
            lockstep.bring_in(np.array(sorted(new), dtype=np.intp))
        return some

    cdef bint _line_up(self):
        """See which sets have to move; whether there are any."""
        cdef Py_ssize_t h
        self.some = 0
        for h in range(self.sets):
            if self.count[h] or self.unrested[h]:
                self.which[self.some] = h
                self.some += 1
        self.width = fw_padded(self.some)
        return self.some > 0

    cdef void _all(self):
        cdef Py_ssize_t h
        for h in range(self.sets):
            self.which[h] = h
        self.some, self.width = self.sets, fw_padded(self.sets)

    cdef _advance(self, lockstep, double l1, double l2):
        """One round of the sets that are lined up: their supports' own equations, then their candidates."""
        self.task.l1, self.task.l2 = l1, l2
        if self.ridge:
            lockstep.renew(l2, np.array(self.which[: self.some]))
        if self.workers == 1:
            self._advance_part(0)
        else:
            self.team.each(self._advance_part, range(min(self.workers, self.some)))
        self.count[:] = 0

    def _advance_part(self, Py_ssize_t first):
        cdef Py_ssize_t i = first, k, h, outcome = 0
        cdef int places[MOST_CANDIDATES]
        cdef fw_task task = self.task
        with nogil:
            while i < self.some and outcome >= 0:
                h = self.which[i]
                task.h, task.weight, task.mean = h, &self.weight_by_set[h, 0], &self.mean[h, 0]
                task.total, task.careful = self.total[h], self.careful[h]
                for k in range(self.count[h]):
                    places[k] = <int> self.place[self.picked[h, k]]
                outcome = fw_advance(self.states[h], &task, places, self.count[h])
                self.steps[h] += outcome
                i += self.workers
        if outcome < 0:
            raise MemoryError("the inverse of the support's matrix does not fit in memory")

    cdef _move(self):
        """Residuals of the sets that are lined up, and their gradients of the columns at hand."""
        cdef Py_ssize_t n = self.task.n, m = self.hand.shape[0]
        if self.size:
            self.used = fw_pack(&self.coef[0, 0], self.size, self.sets, &self.which[0], self.some, self.width, &self.busy[0],
                                &self.packed[0, 0])
        else:
            self.used = 0
        # The entries of sparse columns are anywhere: there it takes one thread.
        self._share(self._fitted_part, n, 0.0 if self.working.start != NULL else n * self.used * self.width)
        with nogil:
            fw_leave(n, self.sets, &self.which[0], self.some, self.width, &self.fitted[0, 0], &self.target[0, 0],
                     &self.weight[0, 0], &self.total[0], self.intercept, &self.own[0], &self.offset[0],
                     &self.residual[0, 0], &self.R[0, 0])
        if m:
            self._share(self._products_part, m, m * self.cells_per_column * self.width)
            fw_spread(m, &self.hand[0], self.sets, &self.which[0], self.some, self.width, &self.products[0, 0],
                      &self.total[0], &self.gradient[0, 0])

    cdef _share(self, part, Py_ssize_t items, double cost):
        if self.workers == 1 or cost < WORTH_SHARING:
            part((0, items))
        else:
            self.team.each(part, [(k * items // self.workers, (k + 1) * items // self.workers) for k in range(self.workers)])

    def _fitted_part(self, tuple span):
        cdef Py_ssize_t start = span[0], stop = span[1]
        with nogil:
            fw_cells_combine(&self.working, self.used, &self.busy[0], &self.packed[0, 0], self.width, &self.fitted[0, 0],
                             start, stop)

    def _products_part(self, tuple span):
        cdef Py_ssize_t start = span[0], stop = span[1]
        cdef fw_cells cells = self.at_hand
        cdef const Py_ssize_t *picks = NULL
        if self.picks is not None:
            picks = &self.picks[start]
        elif cells.single != NULL:
            cells.single += start * cells.lda
        else:
            cells.rows += start * cells.lda
        with nogil:
            fw_cells_times(&cells, stop - start, picks, &self.R[0, 0], self.width, &self.products[0, 0] + start * self.width)

    cdef _rest(self, lockstep, double l2, double slack, set repaired):
        """Which supports are at rest, their own equations holding; the others move once more while that helps."""
        cdef Py_ssize_t i, h
        cdef double before
        self.unrested[:] = 0
        for i in range(self.some):
            h = self.task.h = self.which[i]
            before = self.worst[h]
            self.worst[h] = fw_unrest(self.states[h], &self.task, &self.rounding[0, 0], slack, RESTED)
            # The jitter and rounding are taken out this way.
            self.unrested[h] = 1.0 < self.worst[h] < 0.5 * before
            if self.worst[h] > LOST and not self.unrested[h]:
                # An inverse that has lost its digits over many updates is made anew, once at a strength.
                self.unrested[h] = lockstep.repair(h, l2, repaired)
