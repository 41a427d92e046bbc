"""Sizes in bytes, written for people."""

_UNITS = ((1e9, "GB", 1), (1e6, "MB", 0), (1e3, "kB", 0))  # bytes, name, decimals
_ALMOST = 0.9995  # so that nothing is rounded to 1000 of the next smaller unit


def format_size(size_bytes: float) -> str:
    """Write a size; nothing for one that a server does not know or cannot mean.

    >>> format_size(4_661_000_000), format_size(999_600), format_size(0)
    ('4.7 GB', '1 MB', '')
    """
    for unit, name, decimals in _UNITS:
        if size_bytes >= _ALMOST * unit:
            return f"{size_bytes / unit:.{decimals}f} {name}"
    return f"{size_bytes:.0f} bytes" if size_bytes > 0 else ""
