"""The leaderboard: one table, from which everything that is shown is made."""
