package cloudconvert

// ExportURL makes files available for download for 24 hours. [Job.Files] lists them.
type ExportURL struct {
	// Input names the tasks whose files are exported. Required; [Pipeline] fills it in.
	Input []string `json:"input" task:"input,required"`
	// Inline makes browsers show a file instead of saving it.
	Inline bool `json:"inline"`
	// ArchiveMultipleFiles packs several files into one ZIP. By default each has
	// its own URL.
	ArchiveMultipleFiles bool `json:"archive_multiple_files"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ExportS3 stores files in a bucket of Amazon S3 or of S3-compatible storage. The
// credentials need the permission s3:PutObject and, if ACL is set, s3:PutObjectAcl.
type ExportS3 struct {
	// Input names the tasks whose files are stored. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// Bucket is the name of the bucket. Required.
	Bucket string `json:"bucket" task:"required"`
	// Region is the region of the bucket, for example "eu-central-1". Required.
	Region string `json:"region" task:"required"`
	// Endpoint is the URL of S3-compatible storage. By default Amazon S3 is used.
	Endpoint string `json:"endpoint"`
	// Key is the key of the object. For several files it contains a placeholder
	// for the file number, as in "page-%d.pdf".
	Key string `json:"key"`
	// KeyPrefix is prepended to the names of several files.
	KeyPrefix string `json:"key_prefix"`
	// AccessKeyID is the id of the access key. Required.
	AccessKeyID string `json:"access_key_id" task:"required"`
	// SecretAccessKey is the secret of the access key. Required.
	SecretAccessKey string `json:"secret_access_key" task:"required"`
	// SessionToken is the session token of temporary credentials.
	SessionToken string `json:"session_token"`
	// ACL is the canned ACL of the objects. By default [S3ACLPrivate].
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
	// ServerSideEncryption is the server-side encryption of the objects. By
	// default that of the bucket.
	ServerSideEncryption S3Encryption `json:"server_side_encryption"`
	// Tagging holds the tags of the objects.
	Tagging map[string]string `json:"tagging"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// S3ACL is a canned ACL, see [ExportS3].
type S3ACL string

// The canned ACLs of [ExportS3].
const (
	S3ACLPrivate                S3ACL = "private"
	S3ACLPublicRead             S3ACL = "public-read"
	S3ACLPublicReadWrite        S3ACL = "public-read-write"
	S3ACLAuthenticatedRead      S3ACL = "authenticated-read"
	S3ACLBucketOwnerRead        S3ACL = "bucket-owner-read"
	S3ACLBucketOwnerFullControl S3ACL = "bucket-owner-full-control"
)

// S3Encryption is a server-side encryption, see [ExportS3].
type S3Encryption string

// The server-side encryptions of [ExportS3].
const (
	S3EncryptionAES256 S3Encryption = "AES256"
	S3EncryptionKMS    S3Encryption = "aws:kms"
)

// ExportAzureBlob stores files in a container of Azure Blob Storage.
type ExportAzureBlob struct {
	// Input names the tasks whose files are stored. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// StorageAccount is the name of the account. Required.
	StorageAccount string `json:"storage_account" task:"required"`
	// StorageAccessKey is a secret key of the account. StorageAccessKey or
	// SASToken is required.
	StorageAccessKey string `json:"storage_access_key" task:"one=credential"`
	// SASToken is a shared access signature. It is a secret, too.
	SASToken string `json:"sas_token" task:"one=credential"`
	// Container is the name of the container. Required.
	Container string `json:"container" task:"required"`
	// Blob is the name of the blob. By default the name of the file.
	Blob string `json:"blob"`
	// BlobPrefix is prepended to the names of several files.
	BlobPrefix string `json:"blob_prefix"`
	// Metadata is stored with the blobs.
	Metadata map[string]string `json:"metadata"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ExportGoogleCloudStorage stores files in a bucket of Google Cloud Storage.
type ExportGoogleCloudStorage struct {
	// Input names the tasks whose files are stored. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// ProjectID is the project of the bucket. Required.
	ProjectID string `json:"project_id" task:"required"`
	// Bucket is the name of the bucket. Required.
	Bucket string `json:"bucket" task:"required"`
	// ClientEmail is the email address of the service account. Required.
	ClientEmail string `json:"client_email" task:"required"`
	// PrivateKey is the secret key of the service account in PEM, with real
	// line breaks. Required.
	PrivateKey string `json:"private_key" task:"required"`
	// File is the name of the object. By default the name of the file.
	File string `json:"file"`
	// FilePrefix is prepended to the names of several files.
	FilePrefix string `json:"file_prefix"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ExportOpenStack stores files in a container of OpenStack Swift.
type ExportOpenStack struct {
	// Input names the tasks whose files are stored. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// AuthURL is the URL of the identity service, without the trailing version.
	// Required.
	AuthURL string `json:"auth_url" task:"required"`
	// Username is the name of the user. Required.
	Username string `json:"username" task:"required"`
	// Password is the password of the user. Required.
	Password string `json:"password" task:"required"`
	// Region is the region of the container. Required.
	Region string `json:"region" task:"required"`
	// Container is the name of the container. Required.
	Container string `json:"container" task:"required"`
	// TenantName is the tenant (project) of the container.
	TenantName string `json:"tenant_name"`
	// File is the name of the object. By default the name of the file.
	File string `json:"file"`
	// FilePrefix is prepended to the names of several files.
	FilePrefix string `json:"file_prefix"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ExportSFTP stores files on an SFTP server.
type ExportSFTP struct {
	// Input names the tasks whose files are stored. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// Host is the name or address of the server. Required.
	Host string `json:"host" task:"required"`
	// Port is the port of the server. By default 22.
	Port int `json:"port"`
	// Username is the name of the user. Required.
	Username string `json:"username" task:"required"`
	// Password is the password of the user. Password or PrivateKey is required.
	Password string `json:"password" task:"one=credential"`
	// PrivateKey is a secret key of the user in PEM.
	PrivateKey string `json:"private_key" task:"one=credential"`
	// File is the path of one file. By default the name of the file.
	File string `json:"file"`
	// Path is the directory for several files.
	Path string `json:"path"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ExportUpload uploads files to a URL with HTTP PUT requests.
type ExportUpload struct {
	// Input names the tasks whose files are uploaded. Required; [Pipeline] fills it in.
	Input []string `json:"input" task:"input,required"`
	// URL is where the files are uploaded to. Required.
	URL string `json:"url" task:"required"`
	// Headers are sent with the request, for example for authorization.
	Headers map[string]string `json:"headers"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}
