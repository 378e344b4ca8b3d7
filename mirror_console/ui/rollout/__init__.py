"""The rollout pages: the list, the assistant, the run, the report, and what was interrupted."""
