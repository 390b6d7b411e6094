"""What the queues of these suites run."""


def add(a: int, b: int) -> int:
    return a + b
