"""From command-line words and YAML to validated techniques."""
