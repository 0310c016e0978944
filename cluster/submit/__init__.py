"""A run sent to a cluster as a job of Ray: who sends and follows it, and what the cluster executes."""
