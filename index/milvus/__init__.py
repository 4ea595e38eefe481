"""An index on a Milvus server: the generation of a home copied there, served behind the `Index` protocol.

`address` says where, `connection` is the only door to pymilvus, `layout` what lies there, `publishing` puts it there,
`searching` reads it, `fallback` goes on with the home's own generation when the server is lost.
"""
