"""What turns text into audio, one engine a file; ``_speech_engine.py`` explains how to write one."""
