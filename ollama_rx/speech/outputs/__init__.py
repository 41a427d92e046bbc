"""Where audio goes, one output a file; ``_speech_output.py`` explains how to write one."""
