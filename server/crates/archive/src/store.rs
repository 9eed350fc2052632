//! Where archives are kept: a folder, or an S3-compatible object store.
//!
//! Invariants: credentials are never printed; a file is written under a temporary key, and gets its own when it was read
//! back; what a killed process left of a temporary file in a folder is removed by the next one.

use crate::ArchiveError;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, RetryConfig, WriteMultipart};
use payhist_storage::permit::DropPermit;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Parts of an upload under way at once.
const UPLOADS_MAX: usize = 2;
/// Bytes of a part: an object store takes no smaller ones (AWS S3, "Multipart upload limits"), a folder any.
const STORE_PART_BYTES: usize = 5 << 20;
const FOLDER_PART_BYTES: usize = 1 << 20;

/// How often a request to an object store is repeated, and for how long at most.
const RETRIES_MAX: usize = 4;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// A text that is never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// `[archive.NAME]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// A folder (`/var/lib/payhist` or `file:///var/lib/payhist`), or `s3://bucket/prefix`.
    pub url: String,
    /// Address of an S3-compatible server that is not Amazon's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The bucket's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Who payhist is to the server; without it the environment's `AWS_*` variables say.
    #[serde(default, skip_serializing)]
    pub access_key_id: Option<Secret>,
    /// The secret that goes with it.
    #[serde(default, skip_serializing)]
    pub secret_access_key: Option<Secret>,
}

/// A store of archives.
#[derive(Debug, Clone)]
pub struct Target {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    folder: Option<PathBuf>,
}

impl Target {
    /// Opens a target; a folder is made when it is missing, a server is first asked when something is written.
    ///
    /// # Errors
    /// [`ArchiveError::Unfit`] for an address that is neither a folder nor an S3 bucket.
    pub fn open(config: &TargetConfig) -> Result<Self, ArchiveError> {
        let unfit = |why: String| ArchiveError::Unfit(format!("the archive target {}: {why}", config.url));
        if let Some(place) = config.url.strip_prefix("s3://") {
            let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
            let store = s3(config, bucket).map_err(unfit)?;
            return Ok(Self { store: Arc::new(store), prefix: Path::from(prefix), folder: None });
        }
        let folder = config.url.strip_prefix("file://").unwrap_or(&config.url);
        if !folder.starts_with('/') {
            return Err(unfit("it is neither an absolute path nor s3://bucket/prefix".to_owned()));
        }
        std::fs::create_dir_all(folder).map_err(|error| unfit(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| unfit(error.to_string()))?;
        let store = Arc::new(store.with_fsync(true));
        Ok(Self { store, prefix: Path::default(), folder: Some(PathBuf::from(folder)) })
    }

    fn path(&self, key: &str) -> Path {
        self.prefix.parts().chain(Path::from(key).parts()).collect()
    }

    /// Writes an object from the pieces that come, until their sender is gone; answers its size and SHA-256. Whether
    /// the sender came to its end is for the caller to know.
    pub async fn write(&self, key: &str, mut pieces: mpsc::Receiver<Bytes>) -> Result<(u64, String), ArchiveError> {
        let doing = || format!("writing {key}");
        self.sweep(key);
        let upload = self.store.put_multipart(&self.path(key)).await.map_err(|e| ArchiveError::during(doing(), &e))?;
        let part = if self.folder.is_some() { FOLDER_PART_BYTES } else { STORE_PART_BYTES };
        let mut upload = WriteMultipart::new_with_chunk_size(upload, part);
        let (mut bytes, mut hasher) = (0, Sha256::new());
        while let Some(piece) = pieces.recv().await {
            bytes += piece.len() as u64;
            hasher.update(&piece);
            if let Err(error) = upload.wait_for_capacity(UPLOADS_MAX).await {
                let _gone_anyway = upload.abort().await;
                return Err(ArchiveError::during(doing(), &error));
            }
            upload.put(piece);
        }
        upload.finish().await.map_err(|error| ArchiveError::during(doing(), &error))?;
        Ok((bytes, hex::encode(hasher.finalize())))
    }

    /// Removes what killed processes left of an upload to a folder.
    fn sweep(&self, key: &str) {
        let Some(folder) = &self.folder else { return };
        let path = folder.join(key);
        let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
            return;
        };
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|found| found.starts_with(&format!("{name}#"))) {
                let _kept_then = std::fs::remove_file(entry.path());
            }
        }
    }

    /// Copies an object to a temporary file; answers it with its size and SHA-256.
    pub async fn read(&self, key: &str) -> Result<(File, u64, String), ArchiveError> {
        let io = |error: std::io::Error| ArchiveError::during(format!("reading {key} to a temporary file"), &error);
        let mut file = tempfile::tempfile().map_err(io)?;
        let (bytes, sha256) = self.each_piece(key, |piece| file.write_all(piece).map_err(io)).await?;
        file.rewind().map_err(io)?;
        Ok((file, bytes, sha256))
    }

    /// Reads the whole of an object; answers its size and SHA-256.
    pub async fn digest(&self, key: &str) -> Result<(u64, String), ArchiveError> {
        self.each_piece(key, |_| Ok(())).await
    }

    async fn each_piece(
        &self,
        key: &str,
        mut each: impl FnMut(&[u8]) -> Result<(), ArchiveError>,
    ) -> Result<(u64, String), ArchiveError> {
        let doing = || format!("reading {key}");
        let got = self.store.get(&self.path(key)).await.map_err(|error| missing(key, doing(), &error))?;
        let (mut bytes, mut hasher, mut stream) = (0, Sha256::new(), got.into_stream());
        while let Some(piece) = stream.try_next().await.map_err(|error| ArchiveError::during(doing(), &error))? {
            bytes += piece.len() as u64;
            hasher.update(&piece);
            each(&piece)?;
        }
        Ok((bytes, hex::encode(hasher.finalize())))
    }

    /// A small object.
    pub async fn get(&self, key: &str) -> Result<Bytes, ArchiveError> {
        let doing = || format!("reading {key}");
        let got = self.store.get(&self.path(key)).await.map_err(|error| missing(key, doing(), &error))?;
        got.bytes().await.map_err(|error| ArchiveError::during(doing(), &error))
    }

    /// Writes a small object, whole or not at all.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), ArchiveError> {
        let put = self.store.put(&self.path(key), bytes.into()).await;
        put.map(drop).map_err(|error| ArchiveError::during(format!("writing {key}"), &error))
    }

    /// The size of an object.
    pub async fn size(&self, key: &str) -> Result<u64, ArchiveError> {
        let head = self.store.head(&self.path(key)).await;
        Ok(head.map_err(|error| missing(key, format!("looking for {key}"), &error))?.size)
    }

    /// Removes an object, on the strength of a look at the legal holds; one that is gone already is no error.
    pub async fn delete(&self, key: &str, _permit: &DropPermit<'_>) -> Result<(), ArchiveError> {
        match self.store.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(ArchiveError::during(format!("deleting {key}"), &error)),
        }
    }

    /// Gives an object another key.
    pub async fn rename(&self, from: &str, to: &str) -> Result<(), ArchiveError> {
        let renamed = self.store.rename(&self.path(from), &self.path(to)).await;
        renamed.map_err(|error| missing(from, format!("renaming {from}"), &error))
    }
}

fn s3(config: &TargetConfig, bucket: &str) -> Result<impl ObjectStore + use<>, String> {
    // reqwest is built without a default provider, so as to link one cryptography library and not two.
    let _installed_already = rustls::crypto::ring::default_provider().install_default();
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(RetryConfig {
        max_retries: RETRIES_MAX,
        retry_timeout: RETRY_TIMEOUT,
        ..RetryConfig::default()
    });
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    if let Some(region) = &config.region {
        builder = builder.with_region(region);
    }
    if let Some(id) = &config.access_key_id {
        builder = builder.with_access_key_id(id.reveal());
    }
    if let Some(secret) = &config.secret_access_key {
        builder = builder.with_secret_access_key(secret.reveal());
    }
    builder.build().map_err(|error| error.to_string())
}

fn missing(key: &str, doing: String, error: &object_store::Error) -> ArchiveError {
    match error {
        object_store::Error::NotFound { .. } => ArchiveError::Missing(key.to_owned()),
        error => ArchiveError::during(doing, error),
    }
}
