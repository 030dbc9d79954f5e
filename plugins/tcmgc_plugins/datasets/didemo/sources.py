"""Where DiDeMo is obtained."""

from tcmgc.data.source import Source

SOURCES = (
    Source(
        "train_data.json, val_data.json, test_data.json",
        "https://github.com/LisaAnne/LocalizingMoments, data",
        "BSD 2-Clause (its README)",
        "4,180 and 4,021 descriptions of val and test",
    ),
    Source(
        "train_list.txt, val_list.txt, test_list.txt",
        "https://github.com/albanie/collaborative-experts, misc/datasets/didemo",
        "Apache-2.0 (the repository)",
        "8,392, 1,065 and 1,004 names",
        "3 of the 8,395 train videos of the paper are not listed",
    ),
    Source(
        "videos, by the names of the lists",
        "the README of LocalizingMoments: Flickr (dl_link), or the YFCC100M copy (yfcc100m_hash.txt)",
        "Creative Commons, each its own (video_licenses.txt)",
        "10,461 files",
        "30 train and 3 val videos are missing from, or unreadable in, T-MASS's copy",
    ),
)
"""Facts: the READMEs of both repositories, and counts of their files."""
