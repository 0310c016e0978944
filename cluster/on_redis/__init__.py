"""What meets in Redis: replay, weights and live feed, each sealed, and the server itself."""
