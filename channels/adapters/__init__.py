"""One provider dialect a file, found by channels/registry.py.

Each file defines `ADAPTER`, a class made from the settings. It may use its provider's library, the contract and
`channels.dialect`; it touches no database, queue, web framework or case.
"""
