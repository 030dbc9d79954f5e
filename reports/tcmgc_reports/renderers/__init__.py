"""Everything that a leaderboard can be made into, one file each."""
