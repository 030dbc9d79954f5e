"""StoryShapes is an instrument: what it has to show before anything is measured with it."""
