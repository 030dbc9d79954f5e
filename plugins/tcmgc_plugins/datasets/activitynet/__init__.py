"""ActivityNet Captions: paragraphs about long videos."""
