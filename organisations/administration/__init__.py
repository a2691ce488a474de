"""What administrators change. Each operation takes (session, actor, at, …), asks a permission and is audited."""
