"""Everything that proves the console: tests by layer, whole stories, benchmarks, and the lab that they run on."""
