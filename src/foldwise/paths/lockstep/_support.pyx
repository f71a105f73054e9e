# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The support of one held-out set, as Python sees it."""

from libc.stdlib cimport malloc

import numpy as np

cdef extern from "_support.h" nogil:
    int fw_reserve(fw_support *support, Py_ssize_t s)
    void fw_close(fw_support *support)


cdef class Support:
    """The free coordinates of one held-out set, and the inverse of their matrix.

    Parameters
    ----------
    ridge : bool
        Whether there is a ridge term: the matrix itself is kept as well then, for another strength needs another inverse.
    """

    def __cinit__(self, bint ridge):
        self.l2 = 0.0
        self.state.s = self.state.room = 0
        self.state.A = self.state.Q = NULL
        self.state.member = NULL
        self.state.b = self.state.left = self.state.right = self.state.sign = NULL
        self.state.rest = self.state.target = NULL
        if ridge:
            self.state.Q = <double *> malloc(sizeof(double))
        if not fw_reserve(&self.state, 16):
            raise MemoryError

    def __dealloc__(self):
        fw_close(&self.state)

    def __len__(self):
        return self.state.s

    def members(self):
        """Working columns on the support: array (s,)."""
        return np.asarray(<int[:self.state.s]> self.state.member).copy() if self.state.s else np.empty(0, dtype=np.intc)

    def fill(self, const int[::1] members, const double[::1] sign, const double[::1] left, const double[::1] right,
             const double[:, ::1] matrix):
        """Start with these members (s,), whose matrix (s, s) without ridge term is given; `set_inverse` must follow."""
        cdef Py_ssize_t i, j, s = members.shape[0]
        if not fw_reserve(&self.state, s):
            raise MemoryError
        self.state.s = s
        for i in range(s):
            self.state.member[i], self.state.sign[i] = members[i], sign[i]
            self.state.left[i], self.state.right[i] = left[i], right[i]
            if self.state.Q != NULL:
                for j in range(i + 1):
                    self.state.Q[i * (i + 1) // 2 + j] = matrix[i, j]

    def renumber(self, const int[::1] to):
        """Working column i is number to[i] from now on."""
        cdef Py_ssize_t i
        for i in range(self.state.s):
            self.state.member[i] = to[self.state.member[i]]

    def matrix(self):
        """The support's matrix (s, s) without its ridge term, where it is kept."""
        cdef Py_ssize_t i, j
        cdef double[:, ::1] out
        dense = np.empty((self.state.s, self.state.s))
        out = dense
        for i in range(self.state.s):
            for j in range(i + 1):
                out[i, j] = out[j, i] = self.state.Q[i * (i + 1) // 2 + j]
        return dense

    def set_inverse(self, const double[:, ::1] inverse):
        """Take the lower triangle of `inverse` (s, s) for the inverse."""
        cdef Py_ssize_t i, j
        for i in range(self.state.s):
            for j in range(i + 1):
                self.state.A[i * (i + 1) // 2 + j] = inverse[i, j]
