"""DiDeMo: paragraphs about moments of unedited videos."""
