"""Deep Manifold Traversal: a picture is changed as little as it takes to be of another kind."""
