"""The leaderboard as a static site: one folder, no server, no network."""
