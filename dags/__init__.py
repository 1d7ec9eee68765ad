"""When, and after what? The DAGs, and the one process that runs them all for `wangting run`."""
