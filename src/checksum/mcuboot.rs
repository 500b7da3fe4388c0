//! MCUboot images: a hash, and mostly a signature, behind the image.
