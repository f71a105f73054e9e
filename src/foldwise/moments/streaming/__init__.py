"""Fold moments of tables that do not fit: one pass over files, streams and Dask frames."""

from foldwise.moments.streaming.scan import scan_table

__all__ = ["scan_table"]
