package cloudconvert

// The operations of the service.
const (
	// Bringing files in.

	OperationImportURL                Operation = "import/url"
	OperationImportUpload             Operation = "import/upload"
	OperationImportBase64             Operation = "import/base64"
	OperationImportRaw                Operation = "import/raw"
	OperationImportS3                 Operation = "import/s3"
	OperationImportAzureBlob          Operation = "import/azure/blob"
	OperationImportGoogleCloudStorage Operation = "import/google-cloud-storage"
	OperationImportOpenStack          Operation = "import/openstack"
	OperationImportSFTP               Operation = "import/sftp"

	// Making files of files.

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

	// Working on PDF files.

	OperationPDFA            Operation = "pdf/a"
	OperationPDFX            Operation = "pdf/x"
	OperationPDFOCR          Operation = "pdf/ocr"
	OperationPDFEncrypt      Operation = "pdf/encrypt"
	OperationPDFDecrypt      Operation = "pdf/decrypt"
	OperationPDFSplitPages   Operation = "pdf/split-pages"
	OperationPDFExtractPages Operation = "pdf/extract-pages"
	OperationPDFRotatePages  Operation = "pdf/rotate-pages"

	// Taking files out.

	OperationExportURL                Operation = "export/url"
	OperationExportS3                 Operation = "export/s3"
	OperationExportAzureBlob          Operation = "export/azure/blob"
	OperationExportGoogleCloudStorage Operation = "export/google-cloud-storage"
	OperationExportOpenStack          Operation = "export/openstack"
	OperationExportSFTP               Operation = "export/sftp"
	OperationExportUpload             Operation = "export/upload"
)

// taskModels are the structs of the operations.
var taskModels = []TaskRequest{
	ImportURL{},
	ImportUpload{},
	ImportBase64{},
	ImportRaw{},
	ImportS3{},
	ImportAzureBlob{},
	ImportGoogleCloudStorage{},
	ImportOpenStack{},
	ImportSFTP{},
	Convert{},
	Optimize{},
	Watermark{},
	CaptureWebsite{},
	Thumbnail{},
	Merge{},
	Archive{},
	Metadata{},
	MetadataWrite{},
	Command{},
	PDFA{},
	PDFX{},
	PDFOCR{},
	PDFEncrypt{},
	PDFDecrypt{},
	PDFSplitPages{},
	PDFExtractPages{},
	PDFRotatePages{},
	ExportURL{},
	ExportS3{},
	ExportAzureBlob{},
	ExportGoogleCloudStorage{},
	ExportOpenStack{},
	ExportSFTP{},
	ExportUpload{},
}
