"""A simulated exchange: call scripts rendered to line audio and contacts, and an office that never closes."""
