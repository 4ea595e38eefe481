"""One self-contained HTML file and its Markdown twin, for a colleague who was not there."""
