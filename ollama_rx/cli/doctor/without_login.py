"""Addresses without the passwords in them."""


def without_login(address: str) -> str:
    """Remove users, passwords and tokens from an address, or from several that are separated by commas.

    >>> without_login("http://ada:secret@proxy.example:3128")
    'http://proxy.example:3128'
    >>> without_login("ada:se@cret@proxy.example")
    'proxy.example'

    If a password contains a comma, parts of the addresses may be lost too, but the password is removed.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address.rpartition("@")[2]
    return f"{scheme.rpartition('@')[2]}://{rest.rpartition('@')[2]}"
