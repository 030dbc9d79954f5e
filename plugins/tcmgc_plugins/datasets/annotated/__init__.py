"""What data sets of annotation files and a folder of videos share."""
