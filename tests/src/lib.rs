//! What the whole-system tests share: the running binary, a cookie jar, the mail folder.
