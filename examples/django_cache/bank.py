def ask() -> dict[str, float]:
    """Exchange rates from far away."""
    raise NotImplementedError("each question costs money")
