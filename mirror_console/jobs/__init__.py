"""Work in the background: jobs with a title, progress and a way to cancel them. The only threads of the program."""

from mirror_console.jobs.job import Job, JobEvent, JobState
from mirror_console.jobs.jobs import Jobs
from mirror_console.jobs.patience import Patience
from mirror_console.jobs.work import Stopped, Work

__all__ = ["Job", "JobEvent", "JobState", "Jobs", "Patience", "Stopped", "Work"]
