"""Files of other formats, one small hand-written sample each."""
