"""RedisTimeSeries."""
