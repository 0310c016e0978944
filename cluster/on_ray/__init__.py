"""The composition on Ray: learners and rollout workers as processes that are watched, and the weights between them."""
