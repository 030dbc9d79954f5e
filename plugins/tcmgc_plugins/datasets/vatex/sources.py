"""Where VATEX is obtained."""

from tcmgc.data.source import Source

SOURCES = (
    Source(
        "captions: vatex_training_v1.0.json, vatex_validation_v1.0.json",
        "https://eric-xw.github.io/vatex-website",
        "the site's own terms",
        "25,991 and 3,000 videos, 10 English captions each",
    ),
    Source(
        "captions as ref_captions.json, and HGR's lists: train_list.txt, val_list.txt, test_list.txt",
        "the repositories of HGR and UCoFiA",
        "none stated",
        "25,991, 1,500 and 1,500 ids",
        "lists of other repositories (as test1k5_sec_list.txt) are other test sets",
    ),
    Source(
        "videos, <videoID>.mp4, ten seconds each",
        "YouTube, by the first 11 characters of an id; the last 12 digits are seconds",
        "each its uploader's",
        "28,991 clips",
        "removed videos: about 1,354 of the 1,500 test videos were there for TC-MGC's authors",
    ),
)
"""Facts: the counts of the lists, and a comment in TC-MGC's code."""
