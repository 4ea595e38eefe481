"""The page: Gradio's Blocks inside a FastAPI service of our own. Start with `service.py`."""
