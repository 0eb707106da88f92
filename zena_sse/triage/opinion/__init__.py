"""A second opinion of threads, by a language model: sought after triage, never waited for or relied on."""
