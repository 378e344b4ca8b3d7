"""A model of what may happen to rollouts, played on the simulator."""
