"""Where MSVD is obtained."""

from tcmgc.data.source import Source

SOURCES = (
    Source(
        "raw-captions.pkl, train_list.txt, val_list.txt, test_list.txt",
        "https://github.com/ArrowLuo/CLIP4Clip/releases/download/v0.0/msvd_data.zip",
        "none stated",
        "1,200, 100 and 670 ids",
    ),
    Source(
        "captions_msvd.json, in place of the pickle",
        "https://github.com/layer6ai-labs/xpool",
        "none stated",
        "80,827 captions",
    ),
    Source(
        "videos, <id>.avi",
        "https://www.cs.utexas.edu/users/ml/clamp/videoDescription/",
        "none stated; web videos, for research",
        "1,970 files",
    ),
)
"""Facts: CLIP4Clip's README, and counts of the files."""
