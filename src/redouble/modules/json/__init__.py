"""RedisJSON."""
