# cython: language_level=3
"""What the compiled rounds know of a support; the fields are described in _support.h."""

cdef extern from "_support.h" nogil:
    ctypedef struct fw_support:
        Py_ssize_t s
        Py_ssize_t room
        double *A
        double *Q
        int *member
        double *b
        double *left
        double *right
        double *sign
        double *rest
        double *target


cdef class Support:
    cdef fw_support state
    cdef public double l2
