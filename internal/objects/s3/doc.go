// Package s3 keeps objects in an S3 bucket, or a part of one: [objects.Store] for the cloud.
//
// # Conditions
//
// Create sends If-None-Match and Replace sends If-Match, for small objects with the one PutObject that they are and for
// others when their parts are put together, so S3 itself decides who wins. Replacing an object that is gone is
// [objects.ErrChanged]. ETags are S3's, without the quotation marks: as in event notifications.
//
// A conditional write whose answer was lost is refused when it is sent again, because the first attempt did it. Every
// object therefore carries a random mark of its writer in its metadata. When an attempt after the first is refused, the
// store looks who is there, and a Commit that meets its own mark has succeeded. ErrExists and ErrChanged then mean what
// they say, with one exception: if someone replaced or deleted our object before we looked, it was there in between.
// Who must tell even that apart compares contents, as internal/journal does.
//
// # Trouble
//
// Throttling, 409 ConditionalRequestConflict, 5xx and lost connections are tried again, as often and as patiently as the
// client's Retryer says, until the context ends. A body that breaks off is continued where it broke off, as long as the
// object is still the same.
//
// An object of more than 8 MiB is sent in parts of that size, one at a time, so a writer holds no more than that. Its
// parts are dropped when it is aborted or fails; only a process that dies leaves them, for the bucket's lifecycle rule
// AbortIncompleteMultipartUpload to clear.
//
// # What it needs
//
// s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload, and s3:ListBucket also for reading: without
// it S3 answers 403 for an object that is not there. [Pin] needs s3:GetObjectVersion. Buckets with S3's general semantics
// are required: directory buckets do not list in key order. Keys that denybatch does not use, like the
// folder markers "a/" of the console, are not listed.
package s3
