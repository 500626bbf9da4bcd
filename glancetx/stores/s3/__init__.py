"""Images as objects of a bucket, on Amazon S3 or whatever speaks its protocol."""
