"""What the three HTTP processes share: identity of a request, health, draining, errors."""
