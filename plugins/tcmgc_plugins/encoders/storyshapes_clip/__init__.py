"""A small CLIP that was trained on pictures of StoryShapes' train compositions, and how."""
