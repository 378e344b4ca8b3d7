"""A soak: one console for hours, rollout after rollout, while something is always going wrong."""
