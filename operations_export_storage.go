package cloudconvert

// ExportAzureBlob stores files in a container of Azure Blob Storage.
type ExportAzureBlob struct {
	// Input names the tasks whose files are stored. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// StorageAccount is the name of the account. Required.
	StorageAccount string `json:"storage_account" task:"required"`
	// StorageAccessKey is a secret key of the account. It or SASToken is
	// required.
	StorageAccessKey string `json:"storage_access_key" task:"one=credential"`
	// SASToken is a shared access signature, a secret too.
	SASToken string `json:"sas_token" task:"one=credential"`
	// Container is the name of the container. Required.
	Container string `json:"container" task:"required"`
	// Blob is the name of the blob. By default the name of the file.
	Blob string `json:"blob"`
	// BlobPrefix is put before the names of several files.
	BlobPrefix string `json:"blob_prefix"`
	// Metadata is stored with the blobs.
	Metadata map[string]string `json:"metadata"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
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
	// ClientEmail is the address of the service account. Required.
	ClientEmail string `json:"client_email" task:"required"`
	// PrivateKey is the secret key of the service account in PEM, with real
	// line breaks. Required.
	PrivateKey string `json:"private_key" task:"required"`
	// File is the name of the object. By default the name of the file.
	File string `json:"file"`
	// FilePrefix is put before the names of several files.
	FilePrefix string `json:"file_prefix"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}

// ExportOpenStack stores files in a container of OpenStack Swift.
type ExportOpenStack struct {
	// Input names the tasks whose files are stored. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// AuthURL is the address of the identity service, without the version at
	// its end. Required.
	AuthURL string `json:"auth_url" task:"required"`
	// Username is the name of the user. Required.
	Username string `json:"username" task:"required"`
	// Password is the secret of the user. Required.
	Password string `json:"password" task:"required"`
	// Region is the region of the container. Required.
	Region string `json:"region" task:"required"`
	// Container is the name of the container. Required.
	Container string `json:"container" task:"required"`
	// TenantName is the tenant (project) of the container.
	TenantName string `json:"tenant_name"`
	// File is the name of the object. By default the name of the file.
	File string `json:"file"`
	// FilePrefix is put before the names of several files.
	FilePrefix string `json:"file_prefix"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
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
	// Password is the secret of the user. It or PrivateKey is required.
	Password string `json:"password" task:"one=credential"`
	// PrivateKey is a secret key of the user in PEM.
	PrivateKey string `json:"private_key" task:"one=credential"`
	// File is the path of one file. By default the name of the file.
	File string `json:"file"`
	// Path is the directory for several files.
	Path string `json:"path"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}
