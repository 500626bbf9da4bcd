"""Who sends a request: one module per kind of authenticator."""
