package cloudconvert

// ImportURL downloads a file from a URL.
type ImportURL struct {
	// URL is the URL of the file. Required.
	URL string `json:"url" task:"required"`
	// Filename is the name of the file with its extension, which decides the input
	// format. By default it is taken from the URL or the response.
	Filename string `json:"filename"`
	// Headers are sent with the request, for example for authorization.
	Headers map[string]string `json:"headers"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ImportUpload waits for a file to be uploaded, with [TasksService.Upload] or
// from a browser, see [TasksService.UploadForm].
type ImportUpload struct {
	// Redirect is the URL that a browser is redirected to after the upload. By
	// default there is no redirect.
	Redirect string `json:"redirect"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ImportBase64 sends a small file, of up to 10 MB, in the request. The file may
// be binary.
type ImportBase64 struct {
	// File is the content in the standard base64 encoding, see
	// [encoding/base64.StdEncoding]. Required.
	File string `json:"file" task:"required"`
	// Filename is the name of the file with its extension, which decides the
	// input format. Required.
	Filename string `json:"filename" task:"required"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ImportRaw sends a small text file, of up to 10 MB, in the request. For files
// that are not UTF-8 text, use [ImportBase64].
type ImportRaw struct {
	// File is the text. Required.
	File string `json:"file" task:"required"`
	// Filename is the name of the file with its extension, which decides the
	// input format. Required.
	Filename string `json:"filename" task:"required"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ImportS3 downloads files from a bucket of Amazon S3 or of S3-compatible
// storage. The credentials need the permission s3:GetObject.
type ImportS3 struct {
	// Bucket is the name of the bucket. Required.
	Bucket string `json:"bucket" task:"required"`
	// Region is the region of the bucket, for example "eu-central-1". Required.
	Region string `json:"region" task:"required"`
	// Endpoint is the URL of S3-compatible storage. By default Amazon S3 is used.
	Endpoint string `json:"endpoint"`
	// Key names one object. Key or KeyPrefix is required.
	Key string `json:"key" task:"one=key"`
	// KeyPrefix selects all objects whose keys begin with it.
	KeyPrefix string `json:"key_prefix" task:"one=key"`
	// AccessKeyID is the id of the access key. Required.
	AccessKeyID string `json:"access_key_id" task:"required"`
	// SecretAccessKey is the secret of the access key. Required.
	SecretAccessKey string `json:"secret_access_key" task:"required"`
	// SessionToken is the session token of temporary credentials.
	SessionToken string `json:"session_token"`
	// Filename is the name of the file with its extension. By default the name in
	// storage.
	Filename string `json:"filename"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ImportAzureBlob downloads files from a container of Azure Blob Storage.
type ImportAzureBlob struct {
	// StorageAccount is the name of the account. Required.
	StorageAccount string `json:"storage_account" task:"required"`
	// StorageAccessKey is a secret key of the account. StorageAccessKey or
	// SASToken is required.
	StorageAccessKey string `json:"storage_access_key" task:"one=credential"`
	// SASToken is a shared access signature. It is a secret, too.
	SASToken string `json:"sas_token" task:"one=credential"`
	// Container is the name of the container. Required.
	Container string `json:"container" task:"required"`
	// Blob names one blob. Blob or BlobPrefix is required.
	Blob string `json:"blob" task:"one=blob"`
	// BlobPrefix selects all blobs whose names begin with it.
	BlobPrefix string `json:"blob_prefix" task:"one=blob"`
	// Filename is the name of the file with its extension. By default the name in
	// storage.
	Filename string `json:"filename"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ImportGoogleCloudStorage downloads files from a bucket of Google Cloud Storage.
type ImportGoogleCloudStorage struct {
	// ProjectID is the project of the bucket. Required.
	ProjectID string `json:"project_id" task:"required"`
	// Bucket is the name of the bucket. Required.
	Bucket string `json:"bucket" task:"required"`
	// ClientEmail is the email address of the service account. Required.
	ClientEmail string `json:"client_email" task:"required"`
	// PrivateKey is the secret key of the service account in PEM, with real
	// line breaks. Required.
	PrivateKey string `json:"private_key" task:"required"`
	// File names one object. File or FilePrefix is required.
	File string `json:"file" task:"one=file"`
	// FilePrefix selects all objects whose names begin with it.
	FilePrefix string `json:"file_prefix" task:"one=file"`
	// Filename is the name of the file with its extension. By default the name in
	// storage.
	Filename string `json:"filename"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ImportOpenStack downloads files from a container of OpenStack Swift.
type ImportOpenStack struct {
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
	// File names one object. File or FilePrefix is required.
	File string `json:"file" task:"one=file"`
	// FilePrefix selects all objects whose names begin with it.
	FilePrefix string `json:"file_prefix" task:"one=file"`
	// Filename is the name of the file with its extension. By default the name in
	// storage.
	Filename string `json:"filename"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// ImportSFTP downloads files from an SFTP server.
type ImportSFTP struct {
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
	// File is the path of one file. File or Path is required.
	File string `json:"file" task:"one=file"`
	// Path is the path of a directory. All its files are downloaded.
	Path string `json:"path" task:"one=file"`
	// Filename is the name of the file with its extension. By default the
	// name on the server.
	Filename string `json:"filename"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}
