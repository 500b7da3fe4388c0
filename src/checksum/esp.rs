//! ESP images: an XOR byte, and a SHA-256 behind it.
