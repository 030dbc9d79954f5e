"""MSR-VTT: 10,000 clips of web videos with 20 captions each."""
