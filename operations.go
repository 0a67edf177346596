package cloudconvert

// The constants below name the operation structs, whose methods are generated.
//
//go:generate go run ./internal/genoperations

// The operations of the service. The struct of each has the same name without the
// prefix.
const (
	// Imports.

	OperationImportURL                Operation = "import/url"
	OperationImportUpload             Operation = "import/upload"
	OperationImportBase64             Operation = "import/base64"
	OperationImportRaw                Operation = "import/raw"
	OperationImportS3                 Operation = "import/s3"
	OperationImportAzureBlob          Operation = "import/azure/blob"
	OperationImportGoogleCloudStorage Operation = "import/google-cloud-storage"
	OperationImportOpenStack          Operation = "import/openstack"
	OperationImportSFTP               Operation = "import/sftp"

	// Processing.

	OperationConvert        Operation = "convert"
	OperationOptimize       Operation = "optimize"
	OperationWatermark      Operation = "watermark"
	OperationCaptureWebsite Operation = "capture-website"
	OperationThumbnail      Operation = "thumbnail"
	OperationMerge          Operation = "merge"
	OperationArchive        Operation = "archive"
	OperationMetadata       Operation = "metadata"
	OperationMetadataWrite  Operation = "metadata/write"
	OperationCommand        Operation = "command"

	// PDF.

	OperationPDFA            Operation = "pdf/a"
	OperationPDFX            Operation = "pdf/x"
	OperationPDFOCR          Operation = "pdf/ocr"
	OperationPDFEncrypt      Operation = "pdf/encrypt"
	OperationPDFDecrypt      Operation = "pdf/decrypt"
	OperationPDFSplitPages   Operation = "pdf/split-pages"
	OperationPDFExtractPages Operation = "pdf/extract-pages"
	OperationPDFRotatePages  Operation = "pdf/rotate-pages"

	// Exports.

	OperationExportURL                Operation = "export/url"
	OperationExportS3                 Operation = "export/s3"
	OperationExportAzureBlob          Operation = "export/azure/blob"
	OperationExportGoogleCloudStorage Operation = "export/google-cloud-storage"
	OperationExportOpenStack          Operation = "export/openstack"
	OperationExportSFTP               Operation = "export/sftp"
	OperationExportUpload             Operation = "export/upload"
)
