"""The commands and their options, by topic. Their code is elsewhere, imported when a command runs."""
