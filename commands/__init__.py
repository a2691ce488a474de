"""The hub's commands by what they are about; cli.py puts them together. Like it they may import every room."""
