"""The composition on Ray: learners and rollout workers as processes that are watched and started again."""
