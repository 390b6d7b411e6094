"""Vector sets."""
