"""The autoregressive model of discretised rows."""
