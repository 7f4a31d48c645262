"""What people read: scores, tables and figures as text, Markdown, LaTeX and pictures."""
