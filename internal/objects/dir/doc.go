// Package dir keeps objects as files in a folder, for one machine: [objects.Store] between processes that may be
// killed at any moment.
//
// # Names
//
// The object reports/july/report.csv is the file reports/july/report.csv, and a file that someone else puts into the
// folder is an object. Only what a file system cannot hold as it is gets another name, marked by a percent sign:
//
//   - An object whose name is also a folder's stands beside that folder: a is a%file once there is an a/b.
//     A file is moved there when its folder comes to be, so no other object is ever renamed.
//   - A segment of more than 255 bytes continues in a folder: its first 250 bytes and %more.
//   - On Windows, the characters that it forbids are %3A and the like.
//   - A percent sign that would read as one of these marks is %25. Any other stays itself: 50%.csv is 50%.csv.
//     What someone else gave a name with a mark that the store would not have given is no object.
//
// In the folder .denybatch, which is no key, the store keeps locks and unfinished objects. Where the file system ignores
// case, keys that differ only in case are one object. Links to files are objects; links to folders are not listed.
// Delete also removes the folders that it leaves empty.
//
// # Guarantees
//
// An ETag is the first half of the SHA-256 of the content, at any size: no clock and no inode can bring an old one back
// over other content, and a file that is copied or touched stays the same object. As on S3, an object that was changed
// and changed back has its old ETag again. Open therefore reads an object once before it gives it out (1 GB/s).
//
// An object is written beside the others, flushed, and linked into place: one of several Creates wins, whoever the
// others are. Replace and Delete hold a lock of the key, which the kernel releases when its process dies. Unfinished
// objects of a dead process are swept by the next [New]; those of a live one are known by a lock that it holds.
//
// Commit and Delete return after the file and its folder have reached the disk, so they also survive a power cut;
// [WithoutSync] leaves that to the kernel. A Create costs about 1 ms more when synced, a Replace 0.5 ms (ext4 on a virtual disk).
// The folder must be on a local file system: flock must work between all processes that use it. Where there are no hard
// links (exFAT), Create still has one winner among users of this package. On Windows a Replace or Delete may be refused
// while someone reads the object.
package dir
