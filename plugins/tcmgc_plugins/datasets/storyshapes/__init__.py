"""StoryShapes: an embedded data set of video files whose every caption, moment and link is known."""
