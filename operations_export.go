package cloudconvert

// ExportURL offers files for download for 24 hours. [Job.Files] lists them.
type ExportURL struct {
	// Input names the tasks whose files are offered. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// Inline lets browsers show a file instead of saving it.
	Inline bool `json:"inline"`
	// ArchiveMultipleFiles packs several files into one ZIP. By default each
	// has an address of its own.
	ArchiveMultipleFiles bool `json:"archive_multiple_files"`
	// InlineAdditional is known to an official client only. What it does is not
	// documented.
	InlineAdditional bool `json:"inline_additional"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}

// ExportUpload sends files to a web address by an HTTP PUT request.
type ExportUpload struct {
	// Input names the tasks whose files are sent. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// URL is the address. Required.
	URL string `json:"url" task:"required"`
	// Headers are sent with the request, for example for authorization.
	Headers map[string]string `json:"headers"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}

// ExportS3 stores files in a bucket of Amazon S3 or of a storage compatible
// with it. The credentials need the permission s3:PutObject, with ACL also
// s3:PutObjectAcl.
type ExportS3 struct {
	// Input names the tasks whose files are stored. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// Bucket is the name of the bucket. Required.
	Bucket string `json:"bucket" task:"required"`
	// Region is the region of the bucket, for example "eu-central-1". Required.
	Region string `json:"region" task:"required"`
	// Endpoint is the address of a storage other than Amazon's.
	Endpoint string `json:"endpoint"`
	// Key is the key of the object. For several files it holds a place for
	// their number, as in "page-%d.pdf".
	Key string `json:"key"`
	// KeyPrefix is put before the names of several files.
	KeyPrefix string `json:"key_prefix"`
	// AccessKeyID identifies the credentials. Required.
	AccessKeyID string `json:"access_key_id" task:"required"`
	// SecretAccessKey is the secret of the credentials. Required.
	SecretAccessKey string `json:"secret_access_key" task:"required"`
	// SessionToken belongs to temporary credentials.
	SessionToken string `json:"session_token"`
	// ACL says who may use the objects. By default [S3ACLPrivate].
	ACL S3ACL `json:"acl"`
	// CacheControl is the Cache-Control header stored with the objects.
	CacheControl string `json:"cache_control"`
	// ContentDisposition is the Content-Disposition header stored with the
	// objects.
	ContentDisposition string `json:"content_disposition"`
	// ContentType is the Content-Type header stored with the objects.
	ContentType string `json:"content_type"`
	// Metadata is stored with the objects.
	Metadata map[string]string `json:"metadata"`
	// ServerSideEncryption is how the storage encrypts the objects. By default
	// the bucket decides.
	ServerSideEncryption S3Encryption `json:"server_side_encryption"`
	// Tagging are the tags of the objects.
	Tagging map[string]string `json:"tagging"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}

// S3ACL says who may use an object, see [ExportS3].
type S3ACL string

// The access rules of [ExportS3].
const (
	S3ACLPrivate                S3ACL = "private"
	S3ACLPublicRead             S3ACL = "public-read"
	S3ACLPublicReadWrite        S3ACL = "public-read-write"
	S3ACLAuthenticatedRead      S3ACL = "authenticated-read"
	S3ACLBucketOwnerRead        S3ACL = "bucket-owner-read"
	S3ACLBucketOwnerFullControl S3ACL = "bucket-owner-full-control"
)

// S3Encryption is how an object is encrypted, see [ExportS3].
type S3Encryption string

// The encryptions of [ExportS3].
const (
	S3EncryptionAES256 S3Encryption = "AES256"
	S3EncryptionKMS    S3Encryption = "aws:kms"
)
