"""Where ActivityNet Captions is obtained."""

from tcmgc.data.source import Source

SOURCES = (
    Source(
        "train.json, val_1.json (train_ids.json and val_ids.json are read where they are there)",
        "the site of ActivityNet; https://github.com/ttengwang/PDVC has val_1.json and an edited train.json",
        "MIT (PDVC's repository)",
        "10,009 and 4,917 videos",
        "val_1 is the test split of retrieval; there is no third one with captions",
    ),
    Source(
        "videos, <id without v_>.mp4",
        "YouTube, by the 11 characters after v_; the site of ActivityNet says how to ask for a copy",
        "each its uploader's",
        "14,926 files",
        "videos that were removed from YouTube",
    ),
)
"""Facts: CLIP4Clip's loader, and counts of PDVC's files."""
