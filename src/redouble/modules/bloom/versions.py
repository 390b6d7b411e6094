"""What differs between the versions of RedisBloom."""

from __future__ import annotations

from typing import ClassVar

from redouble.core.client import Client

__all__ = ["Bloom", "version"]


class Bloom:
    """RedisBloom 2.8, of Redis Stack 7."""

    bf_error_cap: ClassVar[float] = 1
    """`BF.RESERVE k 0.5 100`, `BF.DEBUG k`: larger rates of errors are lowered to that."""
    bf_error_out_of_range: ClassVar[str] = "ERR (0 < error rate range < 1) "
    """`BF.RESERVE k 1 100`."""
    bf_largest_capacity: ClassVar[int] = (1 << 63) - 1
    """`BF.RESERVE k 0.1 1073741825`."""
    bf_capacity_out_of_range: ClassVar[str] = "ERR (capacity should be larger than 0)"
    """`BF.RESERVE k 0.1 0`."""
    bf_expansions: ClassVar[tuple[int, int]] = 1, (1 << 63) - 1
    """`BF.RESERVE k 0.1 10 EXPANSION 0`; zero is another word for NONSCALING."""
    bf_expansion_out_of_range: ClassVar[str] = "ERR expansion should be greater or equal to 1"
    """`BF.RESERVE k 0.1 10 EXPANSION -1`."""
    bf_insert_says_which: ClassVar[bool] = False
    """`BF.INSERT k CAPACITY 0 FOO`: an unknown argument, and a bad one when all are known; from 8 on a bad capacity."""
    cf_not_in_range: ClassVar[str] = "{name}: value must be an integer between {least} and {largest}, inclusive."
    """`CF.RESERVE k 10 BUCKETSIZE 0`."""
    cf_largest_capacity: ClassVar[int] = (1 << 63) - 1
    """`CF.RESERVE k 1073741825`."""
    cf_reserve_capacity: ClassVar[str] = "Capacity must be at least (BucketSize * 2)"
    """`CF.RESERVE k 1`."""
    cf_insert_capacity: ClassVar[str] = "Capacity must be at least (BucketSize * 2)"
    """`CF.INSERT k CAPACITY 1 ITEMS x`."""
    cms_no_keys: ClassVar[str] = ""
    """`CMS.MERGE d 0 WEIGHTS`: nothing is counted from then on (7), or an error."""
    topk_decays_when_loaded: ClassVar[bool] = False
    """`RESTORE k 0 (a list)`, `TOPK.INCRBY k b 100`: the count of an item that is in b's way gets smaller."""


class Bloom8(Bloom):
    """The one of Redis 8."""

    bf_error_cap = 0.25
    bf_error_out_of_range = "ERR error rate must be in the range (0.000000, 1.000000)"
    bf_largest_capacity = 1 << 30
    bf_capacity_out_of_range = "ERR capacity must be in the range [1, 1073741824]"
    bf_expansions = 0, 32768
    bf_expansion_out_of_range = "ERR expansion must be in the range [0, 32768]"
    bf_insert_says_which = True
    cf_not_in_range = "{name}: value must be in the range [{least}, {largest}]"
    cf_largest_capacity = 1 << 30
    cf_reserve_capacity = "Capacity must be in the range [2 * BUCKETSIZE, 1073741824]"
    cf_insert_capacity = "Capacity must be in the range [cf-bucket-size * 2, 1073741824]"
    cms_no_keys = "CMS: Number of keys must be positive"
    topk_decays_when_loaded = True


def version(client: Client) -> type[Bloom]:
    """The version that the server has."""
    return Bloom8 if client.server.dialect.describes_modules else Bloom
