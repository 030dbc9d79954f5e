"""Where MSR-VTT is obtained."""

from tcmgc.data.source import Source

SOURCES = (
    Source(
        "MSRVTT_data.json, MSRVTT_train.9k.csv, MSRVTT_train.7k.csv, MSRVTT_JSFUSION_test.csv",
        "https://github.com/ArrowLuo/CLIP4Clip/releases/download/v0.0/msrvtt_data.zip",
        "none stated",
        "10,000 videos, 200,000 captions",
    ),
    Source(
        "lists of full and 1k-B: *_list_full.txt, *_list_miech.txt",
        "https://github.com/albanie/collaborative-experts, misc/datasets/msrvtt",
        "Apache-2.0 (the repository)",
        "text",
    ),
    Source(
        "videos, <video_id>.mp4",
        "http://ms-multimedia-challenge.com/2017/dataset, which CLIP4Clip names",
        "none stated; web videos, for research",
        "10,000 files, 41.2 hours",
    ),
)
"""Facts: CLIP4Clip's README, the collaborative experts' README, the abstract of the paper."""
