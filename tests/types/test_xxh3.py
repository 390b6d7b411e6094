"""XXH3 against values that DIGEST answered (Redis 8.6) and that the reference library gives."""

from __future__ import annotations

import pytest

from redouble.types.xxh3 import xxh3_64

SEQUENCE = bytes(i * 7 & 255 for i in range(256)) * 20


@pytest.mark.parametrize(
    ("size", "digest"),
    [
        (0, "2d06800538d394c2"),
        (1, "c44bdff4074eecdb"),
        (2, "9093381c8763d62e"),
        (3, "c3489259e968ad9e"),
        (4, "d3d60c1519014e89"),
        (7, "0ffc4827844c63a6"),
        (8, "b88dee77f6bf6980"),
        (9, "03688dcad730d826"),
        (15, "2e52bc81c6a30fa3"),
        (16, "9da23836adf2be1e"),
        (17, "f34c3c9cf5a112d1"),
        (32, "99cb9ad0f1a11fbe"),
        (33, "c077b45492d29cde"),
        (64, "6efb76ff16f37561"),
        (65, "2640848e9137156b"),
        (96, "764d2d5db92942df"),
        (97, "077acb7e5f4fd940"),
        (128, "65f3c2c00fa93185"),
        (129, "28065c6ec25f5b25"),
        (191, "f5f016bc549f27c3"),
        (240, "4917a75c0ef8eed7"),
        (241, "541b19226f0052e8"),
        (256, "ff5a1cefade75bb9"),
        (512, "f6fe51471f2fa1ec"),
        (1023, "2cc3eb48d98f537f"),
        (1024, "dc5acf0b043c445b"),
        (1025, "e1d9cd946277ae26"),
        (1088, "4a9c221912b93194"),
        (2048, "848d24cc268f7498"),
        (2049, "c757a52bb931999d"),
        (4096, "8fb047a89e810965"),
        (5120, "45b9b114e45b0631"),
    ],
)
def test_every_length_has_its_formula(size: int, digest: str) -> None:
    assert f"{xxh3_64(SEQUENCE[:size]):016x}" == digest


def test_a_digest_may_begin_with_zeros() -> None:
    assert xxh3_64(b"7") == 0x06EED105B82285FA
