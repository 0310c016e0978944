"""What meets in Redis: the replay, sealed, the live feed, and the server itself."""
