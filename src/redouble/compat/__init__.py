"""For code that was written for something else: fakeredis's names, and clients that somebody else constructs."""
