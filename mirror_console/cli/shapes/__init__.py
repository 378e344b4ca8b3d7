"""Shapes: what `--json` prints. Keys stay as they are; new ones may come.

status            StatusShape
where             {"asked", "words", "builds": [{"title", "fingerprint", "platform", "revision", "names",
                  "environments": [{"application", "environment", "source", "engine", "running", "seen_at",
                  "processes"}],
                  "held_by": [{"engine", "seen_at"}]}]}
check             {"answered": [name], "failed": [{"engine", "why"}], "environments": count, "words",
                  "tags": [{"reference", "digest", "changed", "engine", "words"}]}
releases list     {"source", "environments": [{"name", "tag", "every", "wanted", "runs", "looked_at", "words"}],
                  "releases": [{"environment", "now", "version", "revision", "repository", "digest", "fingerprint",
                  "tag", "first_seen", "created", "expected", "runs", "marks", "remark", "notes"}]}
releases mark     {"source", "version", "digest", "marks", "remark", "words"}; so unmark
release-commands list
                  [{"id", "kind", "mirror", "environment_id", "rollout", "release", "command", "state", "exit_code",
                  "begun_at", "ended_at", "words", "needs_a_word", "said", "said_by"}]; say alike
release-commands show                                                  the same, and "output"
hold              {"mirror", "environment", "version", "fingerprint", "digest", "reason", "person", "until"}
unhold            {"mirror", "environment", "was_held"}
rollout plan      PlanShape
rollout checks    ChecksShape
rollout start, resume, show, pause, stop, abort, decide, retry, rollback; recover continue, put-back; locks take-over
                  RolloutShape
rollout rollback --preview                                             PlanShape
rollout list      [RolloutShape]
rollout report    as mirror_console.operations.report_content.RolloutReport
recover list      [{"rollout": RolloutShape, "words", "findings": [{"environment_id", "mirror", "found", "words",
                  "down"}]}]
locks list        {"locks": [{"engine", "mirror", "environment", "container", "person", "machine", "console",
                  "rollout", "taken_at", "own"}], "failed": [{"engine", "why"}]}
drift list        [{"mirror", "slug", "environment", "environment_id", "kind", "words", "differences": [{"field",
                  "applied", "observed", "not_adoptable"}], "not_compared", "pending": [{"field", "applied",
                  "catalog"}], "applied": {"at", "by", "title", "rollout_id"} or null}]
drift accept      {"mirror", "environment", "fields", "others"}; adopt alike; correct: RolloutShape
engines list      {"engines": [EngineShape], "registries": [{"host", "user"}]}
engines show      EngineShape, and "ways_back" in words
engines test      [{"number", "title", "state", "words", "seconds", "remedy", "command"}]
engines add       {"id", "name", "address", "steps": as of engines test, none with --no-test}
engines edit      {"id", "name", "address"}; add-registry {"id", "host", "user"}; remove… {"removed"}
images list       [ImageShape]
images relay      RelayShape
audit list        [{"sequence", "at", "person", "machine", "run", "act": {"noun", "doing", "of", "title", "account",
                  "why", "before", "after", "result", "begun"}}]
audit verify      {"sound", "lines", "broken_at", "journal_broken_at", "anchor", "anchored", "words"}
audit evidence    as mirror_console.operations.evidence.Evidence
clean             [{"engine", "error", "ways_back": {"containers", "images", "size"}, "goes": [{"what", "id", "name",
                  "why", "size"}], "stays": as goes, "frees_at_most", "removed": [id], "left": as goes}]
catalog import    {"counts": {noun: count}, "new", "changed", "notes", "words"}
catalog path      {"path", "exists"}; backup {"path"}
help              [{"id", "about", "title"}]; help PAGE {"id", "about", "title", "text"}
"""
