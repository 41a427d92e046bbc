"""What commands print for people and for programs: columns, the status line, JSON."""
