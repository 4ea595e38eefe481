"""Gradio's theme variables pointed at our own (static/page.css), so that its parts are drawn in our colours."""

import gradio as gr

__all__ = ["own_theme"]

SERIF = ["Iowan Old Style", "Charter", "Palatino Linotype", "Palatino", "Georgia", "Liberation Serif", "serif"]
MONO = ["ui-monospace", "Menlo", "Consolas", "Liberation Mono", "monospace"]
COLOURS = {
    "background_fill_primary": "--paper",
    "background_fill_secondary": "--paper",
    "block_background_fill": "--paper",
    "block_border_color": "--line",
    "block_label_text_color": "--soft",
    "block_title_text_color": "--soft",
    "body_background_fill": "--paper",
    "body_text_color": "--ink",
    "body_text_color_subdued": "--soft",
    "border_color_accent": "--accent",
    "border_color_primary": "--line",
    "button_primary_background_fill": "--accent",
    "button_primary_background_fill_hover": "--accent-deep",
    "button_primary_border_color": "--accent",
    "button_primary_text_color": "--on-accent",
    "button_secondary_background_fill": "--paper",
    "button_secondary_background_fill_hover": "--panel",
    "button_secondary_border_color": "--line",
    "button_secondary_text_color": "--ink",
    "color_accent_soft": "--panel",
    "input_background_fill": "--field",
    "input_background_fill_focus": "--field",
    "input_border_color": "--edge",
    "input_border_color_focus": "--accent",
    "input_placeholder_color": "--soft",
    "link_text_color": "--accent",
    "link_text_color_active": "--accent",
    "link_text_color_hover": "--accent-deep",
    "link_text_color_visited": "--accent",
}


def own_theme() -> gr.themes.Base:
    """One set of names for light and dark: the style sheet decides what they stand for."""
    theme = gr.themes.Base(font=SERIF, font_mono=MONO, radius_size="none", spacing_size="md")
    both = {name: f"var({value})" for name, value in COLOURS.items()}
    both |= {f"{name}_dark": value for name, value in both.items()}
    theme.set(**both, block_border_width="0px", block_shadow="none", input_shadow="none", block_padding="0px")
    return theme
