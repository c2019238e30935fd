//! Work items of a transcode: claims, leases, progress.
